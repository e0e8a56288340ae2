"""Floating-point operations of one optimisation step, counted from the layers that it uses.

A multiplication and an addition are two operations. Counted are convolutions and Gram matrices,
forward and backward. ReLU, pooling, losses and the optimiser move memory and are left out: they
show as time, not as work.
"""

from collections.abc import Collection
from dataclasses import dataclass

from engine.settings import LAYERS

CHANNELS = (64, 128, 256, 512, 512)
"""Of each block's layers. Simonyan and Zisserman (2014), table 1, column E."""


@dataclass(frozen=True)
class Convolution:
    """3 x 3, padded by one, at `width` x `height` positions."""

    name: str
    inputs: int
    outputs: int
    width: int
    height: int

    @property
    def flops(self) -> int:
        """Of the forward pass. The gradient of its input takes as many; weights need none."""
        return 2 * 9 * self.inputs * self.outputs * self.width * self.height


def convolutions(size: tuple[int, int], layers: Collection[str]) -> list[Convolution]:
    """Those that a forward pass to the deepest of `layers` computes, on a picture of `size`."""
    deepest = max(LAYERS.index(layer) for layer in layers)
    width, height = size
    inputs = 3
    found = []
    for name in LAYERS[: deepest + 1]:
        if name.startswith("conv"):
            outputs = CHANNELS[block_of(name)]
            found.append(Convolution(name, inputs, outputs, width, height))
            inputs = outputs
        elif name.startswith("pool"):
            width, height = width // 2, height // 2
    return found


def gram_flops(size: tuple[int, int], layers: Collection[str]) -> int:
    """F F' and its gradient (dG + dG') F, each 2 C^2 H W."""
    return sum(
        4
        * CHANNELS[block_of(layer)] ** 2
        * (size[0] >> block_of(layer))
        * (size[1] >> block_of(layer))
        for layer in layers
    )


def block_of(layer: str) -> int:
    """From 0: how many poolings lie before it."""
    return int(layer[4]) - 1
