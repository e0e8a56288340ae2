"""The layers of VGG19 in numbers: channels, scale and cost. Does not import torch.

Their names, `LAYERS`, are in `engine.settings`, which checks what a person wrote against them.
"""

from engine.settings import LAYERS

__all__ = [
    "channels_of",
    "input_channels_of",
    "multiplications_of",
    "positions_of",
    "scale_of",
]


def channels_of(layer: str) -> int:
    """Channels of a layer's activations.

    >>> channels_of("relu1_2"), channels_of("conv5_1")
    (64, 512)
    """
    return min(64 << int(layer[4]) - 1, 512)


def input_channels_of(layer: str) -> int:
    """Channels of a layer's input; the first reads RGB."""
    return 3 if layer == LAYERS[0] else channels_of(LAYERS[LAYERS.index(layer) - 1])


def scale_of(layer: str) -> int:
    """Pixels of the picture to a position of the layer, along a side: each pooling halves the
    sides.

    >>> scale_of("relu1_2"), scale_of("pool1"), scale_of("relu5_1")
    (1, 2, 16)
    """
    return 1 << (int(layer[4]) - 1 + layer.startswith("pool"))


def positions_of(layer: str, size: tuple[int, int]) -> int:
    """Positions of a layer, for a picture of (width, height)."""
    width, height = (side // scale_of(layer) for side in size)
    return width * height


def multiplications_of(convolution: str) -> float:
    """Multiplications of a convolution a pixel of the picture, in units of one 3 x 3 kernel."""
    positions: int = scale_of(convolution) ** 2
    return input_channels_of(convolution) * channels_of(convolution) / positions
