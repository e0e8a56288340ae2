"""Covers: how much of each pixel an area means, from black, nothing, to white, all of it.

Channels, layer masks and selections are read as they are, and GEGL computes with them.
"""

import functools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from gi.repository import Gegl, Gimp

from images.calls import do
from images.layers import write_png

__all__ = ["Cover", "all_of", "spread"]

FORMAT = "Y u8"
"""Of masks and channels, as the values are: 255 is white."""


class Cover:
    """A byte a pixel; a rectangle whose upper left corner is at 0, 0. Never changes."""

    def __init__(self, buffer: Any, width: int, height: int) -> None:
        self._buffer = buffer
        self.width = width
        self.height = height

    @classmethod
    def of(cls, source: Any, x: int, y: int, width: int, height: int) -> "Cover":
        """A copy of a rectangle of a channel or a mask; black where that is not."""
        own_format = _format_of(source)
        buffer = _new_buffer(own_format, width, height)
        part = Gegl.Rectangle.new(x, y, width, height)
        whole = Gegl.Rectangle.new(0, 0, width, height)
        source.get_buffer().copy(part, Gegl.AbyssPolicy.NONE, buffer, whole)
        if own_format != FORMAT:
            values = bytes(buffer.get(whole, 1.0, own_format, Gegl.AbyssPolicy.NONE))
            buffer = _new_buffer(FORMAT, width, height)
            buffer.set(whole, FORMAT, values)
        return cls(buffer, width, height)

    def plus(self, other: "Cover") -> "Cover":
        """The sum, at most white."""
        return self._computed("gegl:add", other)

    def times(self, other: "Cover") -> "Cover":
        return self._computed("gegl:multiply", other)

    def over(self, other: "Cover") -> "Cover":
        """The quotient; where both are black, black."""
        return self._computed("gegl:divide", other)

    def widened(self, radius: int) -> "Cover":
        """Its mean over the square of so many pixels around each one."""
        return self._computed("gegl:box-blur", radius=radius)

    def scaled(self, width: int, height: int) -> "Cover":
        return self._computed(
            "gegl:scale-size",
            size=(width, height),
            x=float(width),
            y=float(height),
            sampler=Gegl.SamplerType.CUBIC,
            abyss_policy=Gegl.AbyssPolicy.CLAMP,
        )

    @property
    def pixels(self) -> float:
        """How many pixels it covers, those that it covers in part counted in part."""
        return sum(self._reduced(1.0)) / 255

    def write(self, path: Path, longest_side: int | None = None) -> None:
        """Write it as a PNG, grey, 8 bits; no larger than `longest_side`, if there is one."""
        factor = min(1.0, (longest_side or math.inf) / max(self.width, self.height))
        width, height = self._size_at(factor)
        image = Gimp.Image.new(width, height, Gimp.ImageBaseType.GRAY)
        try:
            do(image.undo_disable)
            layer = Gimp.Layer.new(
                image, "", width, height, Gimp.ImageType.GRAY_IMAGE, 100, Gimp.LayerMode.NORMAL
            )
            do(image.insert_layer, layer, None, 0)
            buffer = layer.get_buffer()
            # The very values, in a picture whose own are encoded.
            buffer.set(Gegl.Rectangle.new(0, 0, width, height), "Y' u8", self._reduced(factor))
            buffer.flush()
            write_png(image, path)
        finally:
            image.delete()

    def add_to(self, layer: Any) -> None:
        """Let a layer of any size be seen only where this is white: its layer mask."""
        width, height = layer.get_width(), layer.get_height()
        same = (width, height) == (self.width, self.height)
        source = self if same else self.scaled(width, height)
        mask = do(layer.create_mask, Gimp.AddMaskType.WHITE)
        do(layer.add_mask, mask)
        whole = Gegl.Rectangle.new(0, 0, width, height)
        target = mask.get_buffer()
        source._buffer.copy(whole, Gegl.AbyssPolicy.NONE, target, whole)
        target.flush()
        mask.update(0, 0, width, height)

    def _computed(
        self,
        operation: str,
        other: "Cover | None" = None,
        size: tuple[int, int] | None = None,
        **properties: Any,
    ) -> "Cover":
        width, height = size or (self.width, self.height)
        result = _new_buffer(FORMAT, width, height)
        graph = Gegl.Node()
        source, node, sink = (
            _child(graph, "gegl:buffer-source", buffer=self._buffer),
            _child(graph, operation, **properties),
            _child(graph, "gegl:write-buffer", buffer=result),
        )
        source.link(node)
        if other is not None:
            aux = _child(graph, "gegl:buffer-source", buffer=other._buffer)
            aux.connect_to("output", node, "aux")
        node.link(sink)
        sink.process()
        return Cover(result, width, height)

    def _size_at(self, factor: float) -> tuple[int, int]:
        return max(1, round(self.width * factor)), max(1, round(self.height * factor))

    def _reduced(self, factor: float) -> bytes:
        whole = Gegl.Rectangle.new(0, 0, *self._size_at(factor))
        return bytes(self._buffer.get(whole, factor, FORMAT, Gegl.AbyssPolicy.CLAMP))


def all_of(covers: Sequence[Cover]) -> Cover:
    """What any of them covers."""
    return functools.reduce(Cover.plus, covers)


def spread(covers: Sequence[Cover], radius: int) -> list[Cover]:
    """Wherever one of them covers anything within `radius` pixels, all of them together cover all,
    each in its proportion."""
    wide = [cover.widened(radius) for cover in covers]
    total = all_of(wide)
    return [cover.over(total) for cover in wide]


def _format_of(source: Any) -> str:
    """In which its values are how much is covered. GIMP calls those of a channel encoded, in images
    of 8 bits, and selects by them as they are."""
    is_channel = not (source.is_layer_mask() or source.is_selection())
    precision = source.get_image().get_precision()
    encoded = is_channel and precision == Gimp.Precision.U8_NON_LINEAR
    return "Y' u8" if encoded else FORMAT


def _new_buffer(babl_format: str, width: int, height: int) -> Any:
    Gegl.init(None)  # the first time: GIMP has done it for itself alone
    return Gegl.Buffer.new(babl_format, 0, 0, width, height)


def _child(graph: Any, operation: str, **properties: Any) -> Any:
    node = graph.create_child(operation)
    for name, value in properties.items():
        node.set_property(name.replace("_", "-"), value)
    return node
