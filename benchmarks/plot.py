"""Curves on logarithmic axes, drawn with Pillow: no further package for one kind of figure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

COLOURS = ("#c1272d", "#1f5fa8", "#2e8540", "#8a5a00", "#6b3fa0")
INK, GRID = "#222222", "#dddddd"
WIDTH, HEIGHT = 520, 420
LEFT, RIGHT, TOP, BOTTOM = 78, 16, 34, 46


@dataclass(frozen=True)
class Curve:
    """Points (x, y), both above 0; a ring marks the last."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    title: str
    x_label: str
    curves: Sequence[Curve]


def draw(panels: Sequence[Panel], path: Path) -> None:
    """Panels side by side, one legend below; a curve has the same colour in each."""
    names = list(dict.fromkeys(curve.name for panel in panels for curve in panel.curves))
    colours = {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(names)}
    image = Image.new("RGB", (WIDTH * len(panels), HEIGHT + 30), "white")
    canvas = ImageDraw.Draw(image)
    for index, panel in enumerate(panels):
        _panel(canvas, panel, colours, index * WIDTH)
    font, left = ImageFont.load_default(15), LEFT
    for name, colour in colours.items():
        canvas.line([(left, HEIGHT + 10), (left + 28, HEIGHT + 10)], colour, 3)
        canvas.text((left + 36, HEIGHT), name, INK, font)
        left += 70 + int(canvas.textlength(name, font))
    image.save(path)


def _panel(canvas: ImageDraw.ImageDraw, panel: Panel, colours: dict[str, str], left: int) -> None:
    font = ImageFont.load_default(13)
    points = [
        point
        for curve in panel.curves
        for point in curve.points
        if all(value > 0 and math.isfinite(value) for value in point)
    ]
    canvas.text((left + LEFT, 8), panel.title, INK, ImageFont.load_default(16))
    if not points:
        return
    across = _Axis([x for x, _ in points], left + LEFT, left + WIDTH - RIGHT)
    up = _Axis([y for _, y in points], HEIGHT - BOTTOM, TOP)
    for value in across.ticks():
        x = across.at(value)
        canvas.line([(x, TOP), (x, HEIGHT - BOTTOM)], GRID)
        canvas.text((x, HEIGHT - BOTTOM + 6), _short(value), INK, font, anchor="ma")
    for value in up.ticks():
        y = up.at(value)
        canvas.line([(left + LEFT, y), (left + WIDTH - RIGHT, y)], GRID)
        canvas.text((left + LEFT - 6, y), _short(value), INK, font, anchor="rm")
    canvas.text((left + WIDTH // 2, HEIGHT - 18), panel.x_label, INK, font, anchor="ma")
    for curve in panel.curves:
        drawn = [
            (across.at(x), up.at(y))
            for x, y in curve.points
            if x > 0 and y > 0 and math.isfinite(y)
        ]
        if not drawn:
            continue
        canvas.line(drawn, colours[curve.name], 2)
        x, y = drawn[-1]
        canvas.ellipse([x - 4, y - 4, x + 4, y + 4], "white", colours[curve.name], 2)


class _Axis:
    """Logarithmic, from pixel `low` to pixel `high`, with a little air."""

    def __init__(self, values: Sequence[float], low: int, high: int) -> None:
        first, last = math.log10(min(values)), math.log10(max(values))
        air = max(0.05 * (last - first), 0.03)
        self._first, self._last = first - air, last + air
        self._low, self._high = low, high

    def at(self, value: float) -> float:
        share = (math.log10(value) - self._first) / (self._last - self._first)
        return self._low + share * (self._high - self._low)

    def ticks(self) -> list[float]:
        """1, 2 and 5 times powers of ten; fewer over many decades, more within one."""
        decades = self._last - self._first
        digits = (1,) if decades > 4 else (1, 2, 5) if decades > 0.7 else (1, 1.5, 2, 3, 4, 5, 6, 8)
        return [
            digit * 10.0**power
            for power in range(math.floor(self._first), math.ceil(self._last) + 1)
            for digit in digits
            if self._first <= math.log10(digit * 10.0**power) <= self._last
        ]


def _short(value: float) -> str:
    for factor, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:g}{letter}"
    return f"{value:g}"
