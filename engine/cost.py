"""What an evaluation costs in multiplications, to one that is not taken apart."""

from collections.abc import Sequence

from engine.pyramid import Size
from engine.segments import Segment, Span, scale_of
from engine.settings import LAYERS

__all__ = ["channels_of", "relative_cost"]


def relative_cost(segments: Sequence[Segment], size: Size) -> float:
    """Multiplications of each segment, with its halos, as often as it is run.

    Down, down again and back; a last segment in one tile goes down once.
    """
    width, height = size
    total = sum(_multiplications(layer) for each in segments for layer in _convolutions(each))
    cost = 0.0
    for segment in segments:
        rows = segment.spans(height // segment.scale)
        columns = segment.spans(width // segment.scale)
        once = segment is segments[-1] and len(rows) == len(columns) == 1
        for layer in _convolutions(segment):
            share = _halos(segment, layer, rows) * _halos(segment, layer, columns)
            cost += (2 if once else 3) * share * _multiplications(layer) / total
    return cost / 2


def channels_of(layer: str) -> int:
    """Of a layer's activations.

    >>> channels_of("relu1_2"), channels_of("conv5_1")
    (64, 512)
    """
    return min(64 << int(layer[4]) - 1, 512)


def _convolutions(segment: Segment) -> list[str]:
    return [name for name in segment.layers if name.startswith("conv")]


def _halos(segment: Segment, layer: str, spans: Sequence[Span]) -> float:
    """Positions that all tiles compute of a layer, along one side, to those that there are."""
    stride, rest = segment.stride(layer), segment.rest(layer)
    parts = [span.computed(stride, rest) for span in spans]
    computed: int = sum(part.stop - part.start for part in parts)
    return computed / (spans[0].length // stride)


def _multiplications(layer: str) -> float:
    """Of a convolution, to a pixel of the picture."""
    before = 3 if layer == LAYERS[0] else channels_of(LAYERS[LAYERS.index(layer) - 1])
    positions: int = scale_of(layer) ** 2
    return before * channels_of(layer) / positions
