"""A plot of the losses over the evaluations, drawn with Pillow."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from engine.images.picture import Picture
from engine.images.sheet import INK, PAPER, font

__all__ = ["Curve", "log_ticks", "loss_plot"]

WIDTH, HEIGHT = 800, 500
LEFT, RIGHT, TOP, BOTTOM = 80, 24, 24, 52
"""Pixels around the frame."""

FINER = 3
"""Everything is drawn so many times larger and then reduced, as Pillow does not antialias lines."""

GRID = (225, 225, 225)
MARK = (170, 170, 170)
LETTERS = 14
MOST_DECADES_WITH_FINE_TICKS = 3


@dataclass(frozen=True)
class Curve:
    """One line; it breaks at values that are not above 0, which a log axis cannot show."""

    label: str
    values: Sequence[float]
    colour: tuple[int, int, int]


def loss_plot(
    steps: Sequence[int], curves: Sequence[Curve], *, marks: Sequence[int] = ()
) -> Picture:
    """The curves over `steps`, on a log axis, with a legend.

    Args:
        steps: ascending, as many as each curve has values.
        marks: steps at which a thin vertical line stands (where a new scale begins).
    """
    positive = [value for curve in curves for value in curve.values if value > 0]
    low, high = _range(positive)
    image = Image.new("RGB", (WIDTH * FINER, HEIGHT * FINER), PAPER)
    draw = ImageDraw.Draw(image)
    letters = font(LETTERS * FINER)
    left, right = LEFT * FINER, (WIDTH - RIGHT) * FINER
    top, bottom = TOP * FINER, (HEIGHT - BOTTOM) * FINER
    first, last = steps[0], max(steps[-1], steps[0] + 1)

    def x(step: float) -> float:
        return left + (step - first) / (last - first) * (right - left)

    def y(value: float) -> float:
        share = (math.log10(value) - math.log10(low)) / (math.log10(high) - math.log10(low))
        return bottom - share * (bottom - top)

    for tick in log_ticks(low, high):
        draw.line([(left, y(tick)), (right, y(tick))], GRID, FINER)
        _text(draw, (left - 8 * FINER, y(tick)), _number(tick), letters, "rm")
    for step in _steps_to_name(first, last):
        draw.line([(x(step), bottom), (x(step), bottom + 5 * FINER)], INK, FINER)
        _text(draw, (x(step), bottom + 8 * FINER), str(step), letters, "ma")
    for step in marks:
        draw.line([(x(step), top), (x(step), bottom)], MARK, FINER)
    draw.rectangle([left, top, right, bottom], outline=INK, width=FINER)
    _text(draw, ((left + right) / 2, (HEIGHT - 8) * FINER), "evaluations", letters, "md")
    for curve in curves:
        for run in _runs(steps, curve.values):
            points = [(x(step), y(value)) for step, value in run]
            draw.line(points, curve.colour, 2 * FINER, joint="curve")
    _legend(draw, curves, letters)
    return Picture.from_image(image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS))


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten between the two; of few, also their doubles and fivefolds.

    >>> log_ticks(0.5, 30)
    [0.5, 1.0, 2.0, 5.0, 10.0, 20.0]
    """
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    few = math.log10(high / low) <= MOST_DECADES_WITH_FINE_TICKS
    # Through text: 2 * 10**-3 is not quite 0.002.
    ticks = [float(f"{factor}e{n}") for n in decades for factor in ((1, 2, 5) if few else (1,))]
    return [tick for tick in ticks if low <= tick <= high]


def _range(values: Sequence[float]) -> tuple[float, float]:
    """A little more than the span of the values."""
    if not values:
        return 0.1, 10.0
    low, high = min(values), max(values)
    # At most twelve decades: a loss that vanishes would flatten all the others.
    low = max(low, high * 1e-12)
    return low / 1.2, high * 1.2


def _steps_to_name(first: int, last: int) -> list[int]:
    """Round numbers, at most ten of them."""
    span = last - first
    unit = next(
        factor * 10**power
        for power in range(12)
        for factor in (1, 2, 5)
        if span / (factor * 10**power) <= 10
    )
    return [step for step in range(first, last + 1) if step % unit == 0]


def _runs(steps: Sequence[int], values: Sequence[float]) -> list[list[tuple[int, float]]]:
    """The stretches of values above 0."""
    runs: list[list[tuple[int, float]]] = [[]]
    for step, value in zip(steps, values, strict=True):
        if value > 0:
            runs[-1].append((step, value))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if len(run) > 1]


def _number(value: float) -> str:
    """0.05, 200, and 2e5 instead of 200000."""
    if 1e-3 <= value < 1e4:
        return f"{value:g}"
    factor, power = f"{value:.0e}".split("e")
    return f"{factor}e{int(power)}"


def _legend(
    draw: ImageDraw.ImageDraw, curves: Sequence[Curve], letters: ImageFont.FreeTypeFont
) -> None:
    width = max(letters.getlength(curve.label) for curve in curves)
    x = (WIDTH - RIGHT - 16) * FINER - width
    for number, curve in enumerate(curves):
        y = (TOP + 18 + number * LETTERS * 1.5) * FINER
        draw.line([(x - 32 * FINER, y), (x - 8 * FINER, y)], curve.colour, 3 * FINER)
        _text(draw, (x, y), curve.label, letters, "lm")


def _text(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    letters: ImageFont.FreeTypeFont,
    anchor: str,
) -> None:
    draw.text(at, text, INK, letters, anchor=anchor)
