"""Gouache: fruit, leaves and a jug at a window, in flat opaque colours.

Forms are cut as if by scissors. Paint lies flat but for the streaks of the brush; where it was
nearly dry, edges are ragged and the colour below shows.
"""

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from hotfolder.styles.canvas import Canvas, Field, curve, image_of, lit, mix, rgb, step

NAVY, TEAL, SAGE, CREAM = "1c2b4a", "1f6f72", "9dbb9a", "f6ead2"
CORAL, MUSTARD, BLUSH, RUST = "e8664a", "e5a52f", "f0b9a4", "a8402f"


def paint(height: int, seed: int = 12) -> Image.Image:
    canvas = Canvas(height, seed)
    sheet = _Sheet(canvas)
    _window(sheet)
    _table(sheet)
    _jug(sheet)
    _fruit(sheet)
    return sheet.dry()


class _Sheet:
    """Opaque paint, layer over layer."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        self.colour = np.broadcast_to(rgb(CREAM)[0], (*canvas.shape, 3)).copy()
        self.relief = np.zeros(canvas.shape, np.float32)
        self.rough = canvas.noise(120, 3)
        self.tremble = canvas.noise(18, 3)
        self.streaks = [canvas.noise(95, 3, stretch=9), canvas.noise(12, 4, stretch=0.12)]

    def lay(self, inside: Field, hue: str, *, dry: float = 0.0, upright: bool = False) -> None:
        """Paint where `inside` (a distance from the outline, in heights) is positive.

        Args:
            dry: 0 covers; towards 1 the brush leaves ever more of what is below.
        """
        rows, columns = np.nonzero(inside > -0.004)
        if not len(rows):
            return
        part = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        inside, rough, tremble = inside[part], self.rough[part], self.tremble[part]
        streak = self.streaks[int(upright)][part]
        cover = step(inside + 0.0011 * tremble + 0.0006 * rough, 0, 0.0012)
        cover = cover * (1 - dry * step(streak + 0.5 * rough, -0.15, 0.45))
        # Near its end a stroke misses some of the paper.
        missed = step(rough + 0.6 * streak, 0.75, 1.3) * step(0.02 - inside, 0, 0.02)
        cover = cover * (1 - 0.55 * missed)
        tint = rgb(hue)[0] * (1 + 0.045 * streak + 0.03 * tremble)[..., None]
        self.colour[part] = mix(self.colour[part], tint, cover)
        body = 0.55 * streak + 0.35 * rough + 1.5 * np.exp(-np.abs(inside) / 0.0016)
        self.relief[part] = self.relief[part] * (1 - 0.7 * cover) + cover * body

    def shape(
        self, outline: ArrayLike, hue: str, *, dry: float = 0.0, upright: bool = False
    ) -> Field:
        """`lay` within a polygon; returns the distance from its outline."""
        inside = self.canvas.distance(outline)
        self.lay(inside, hue, dry=dry, upright=upright)
        return inside

    def dry(self) -> Image.Image:
        relief = self.canvas.blurred(self.relief, 0.0005) * self.canvas.height / 1536
        return image_of(lit(self.colour, relief, 0.085))


def _window(sheet: _Sheet) -> None:
    canvas = sheet.canvas
    x, y = canvas.x, canvas.y
    sheet.lay(np.full(canvas.shape, 1.0, np.float32), BLUSH)
    for number in range(16):  # striped wall
        sheet.lay(0.011 - np.abs(x - 0.045 - 0.088 * number), CREAM, dry=0.25, upright=True)
    frame = np.array([(0.46, -0.1), (1.26, -0.1), (1.26, 0.60), (0.46, 0.60)])
    sheet.shape(frame, CREAM)
    sky = np.array([(0.50, -0.1), (1.22, -0.1), (1.22, 0.565), (0.50, 0.565)])
    pane = sheet.shape(sky, NAVY, upright=True)
    moon = 0.105 - np.hypot(x - 1.02, y - 0.17)
    for reach, hue, dry in ((0.09, TEAL, 0.55), (0.045, SAGE, 0.5)):
        sheet.lay(np.minimum(moon + reach, pane), hue, dry=dry)
    sheet.lay(np.minimum(moon, pane), MUSTARD)
    sheet.lay(np.minimum(0.085 - np.hypot(x - 1.045, y - 0.155), pane), "f3cf7a", dry=0.3)
    for px, py, size in (
        (0.58, 0.08, 0.008),
        (0.70, 0.19, 0.006),
        (0.83, 0.07, 0.007),
        (0.62, 0.29, 0.006),
        (0.78, 0.30, 0.005),
        (1.17, 0.32, 0.007),
        (0.88, 0.25, 0.005),
        (0.55, 0.19, 0.005),
    ):
        away = np.abs(x - px) ** 0.6 + np.abs(y - py) ** 0.6
        sheet.lay(np.minimum((2.2 * size) ** 0.6 - away, 1) * 0.05, CREAM)
    for level, swing, tilt, hue, dark in (
        (0.40, 0.045, 0.2, TEAL, "17595c"),
        (0.46, 0.045, 2.6, SAGE, "7fa283"),
        (0.52, 0.030, 4.6, RUST, "8a3226"),
    ):
        crest = level + swing * np.sin(6.5 * x + tilt)
        sheet.lay(np.minimum(y - crest, pane), hue)
        for line in range(1, 9):  # furrows
            furrow = 0.0028 - np.abs(y - crest - 0.017 * line - 0.006 * np.sin(9 * x + line))
            sheet.lay(np.minimum(furrow, np.minimum(pane, y - crest)), dark, dry=0.3)
    sheet.lay(np.minimum(0.012 - np.abs(x - 0.86), 0.58 - y), CREAM, upright=True)
    # Curtains.
    for side, sign in ((0.40, 1), (1.335, -1)):
        edge = side + sign * (0.085 + 0.05 * np.sin(3.4 * y + 0.6) + 0.10 * np.clip(0.35 - y, 0, 1))
        inside = np.minimum(sign * (edge - x), sign * (x - side + sign * 0.03))
        inside = np.minimum(inside, 0.66 - y)
        sheet.lay(inside, CORAL, upright=True)
        for fold in (0.02, 0.06, 0.10):
            at = side + sign * (fold + 0.014 * np.sin(3.4 * y + 9 * fold))
            sheet.lay(np.minimum(0.0065 - np.abs(x - at), inside), RUST, dry=0.35, upright=True)


def _table(sheet: _Sheet) -> None:
    x, y = sheet.canvas.x, sheet.canvas.y
    top = 0.665 + 0.006 * np.sin(4 * x)
    sheet.lay(y - top, MUSTARD)
    for row in range(4):
        for column in range(-2, 17):  # a chequered cloth, seen aslant
            depth = 0.045 + 0.028 * row
            upper = 0.715 + 0.052 * row + 0.012 * row * row
            wide = 0.055 + 0.02 * row
            cx = 0.66 + (column - 7 + 0.5 * (row % 2)) * 2 * wide * 0.62
            across = np.abs(x - cx) / (wide * 0.6)
            down = np.abs(y - upper - depth / 2) / (depth * 0.62)
            sheet.lay((1 - across - down) * 0.03, "f3cf7a" if row % 2 else "c9851f", dry=0.2)
    sheet.lay(0.008 - np.abs(y - top - 0.012), RUST, dry=0.3)


def _leaf(
    sheet: _Sheet, root: ArrayLike, tip: ArrayLike, belly: float, hue: str, vein: str
) -> None:
    """A cut leaf with slits and veins."""
    start, end = np.asarray(root, float), np.asarray(tip, float)
    ahead = end - start
    long = float(np.hypot(*ahead))
    ahead, side = ahead / long, np.array([-ahead[1], ahead[0]]) / long
    points = []
    teeth = 5
    for sign in (1, -1):
        half = []
        for tooth in range(teeth):
            at = (tooth + 0.35) / teeth
            wide = belly * long * np.sin(np.pi * (0.12 + 0.86 * at)) ** 0.8
            half.append(start + ahead * long * (at + 0.10) + side * sign * wide)
            half.append(start + ahead * long * (at + 0.13) + side * sign * wide * 0.42)
        points += half if sign > 0 else half[::-1]
        if sign > 0:
            points.append(end)
    inside = sheet.shape(curve([start, *points], count=500), hue)
    canvas = sheet.canvas
    along = (canvas.x - start[0]) * ahead[0] + (canvas.y - start[1]) * ahead[1]
    across = (canvas.x - start[0]) * side[0] + (canvas.y - start[1]) * side[1]
    rib = 0.0042 * (1 - 0.6 * along / long) - np.abs(across)
    sheet.lay(np.minimum(rib, inside - 0.004), vein)
    for tooth in range(1, 7):
        bend = along - 0.55 * np.abs(across) - long * (0.13 * tooth)
        sheet.lay(np.minimum(0.0026 - np.abs(bend), inside - 0.007), vein, dry=0.35)


def _jug(sheet: _Sheet) -> None:
    canvas = sheet.canvas
    x, y = canvas.x, canvas.y
    for tip, belly, hue, vein in (
        ((0.02, 0.30), 0.20, TEAL, SAGE),
        ((0.12, 0.06), 0.19, NAVY, TEAL),
        ((0.44, 0.03), 0.19, TEAL, CREAM),
        ((0.66, 0.17), 0.17, SAGE, TEAL),
        ((0.66, 0.42), 0.17, NAVY, SAGE),
        ((0.29, 0.10), 0.16, SAGE, CREAM),
    ):
        _leaf(sheet, (0.335 + 0.1 * (tip[0] - 0.335), 0.50), tip, belly, hue, vein)
    body = [
        (0.27, 0.47),
        (0.40, 0.47),
        (0.415, 0.54),
        (0.50, 0.66),
        (0.475, 0.80),
        (0.335, 0.835),
        (0.195, 0.80),
        (0.17, 0.66),
        (0.255, 0.54),
    ]
    sheet.lay(
        np.minimum(0.03 - np.abs(np.hypot(x - 0.50, (y - 0.62) * 0.9) - 0.075), x - 0.42), CREAM
    )
    inside = sheet.shape(curve(body), CREAM)
    sheet.lay(np.minimum(inside, x - 0.385 - 0.02 * np.sin(9 * y)), BLUSH, dry=0.25, upright=True)
    for level, hue in ((0.60, CORAL), (0.765, NAVY)):
        sheet.lay(np.minimum(0.0085 - np.abs(y - level - 0.05 * (x - 0.335) ** 2), inside), hue)
    petals = 0.5 + 0.5 * np.cos(5 * np.arctan2(y - 0.685, x - 0.335))
    sheet.lay(np.minimum(0.024 + 0.030 * petals - np.hypot(x - 0.335, y - 0.685), inside), TEAL)
    sheet.lay(0.016 - np.hypot(x - 0.335, y - 0.685), MUSTARD)


def _fruit(sheet: _Sheet) -> None:
    x, y = sheet.canvas.x, sheet.canvas.y
    for cx, cy, size in (
        (0.70, 0.79, 0.10),
        (0.93, 0.86, 0.125),
        (1.16, 0.76, 0.09),
        (0.12, 0.92, 0.095),
        (0.55, 0.93, 0.07),
    ):
        shade = 1 - np.hypot(
            (x - cx - 0.45 * size) / (1.25 * size), (y - cy - 0.80 * size) / (0.33 * size)
        )
        sheet.lay(shade * 0.05, RUST, dry=0.15)
    for cx, cy, size, hue, light, dark in (
        (1.16, 0.76, 0.09, TEAL, SAGE, NAVY),
        (0.70, 0.79, 0.10, CORAL, "f59a78", RUST),
        (0.93, 0.86, 0.125, "ef8a2f", "f9b95a", "c9602a"),
        (0.12, 0.92, 0.095, CORAL, BLUSH, RUST),
        (0.55, 0.93, 0.07, NAVY, TEAL, "121a30"),
    ):
        disc = size - np.hypot(x - cx, (y - cy) * 1.06)
        sheet.lay(disc, hue)
        crescent = np.hypot(x - cx + 0.28 * size, y - cy + 0.28 * size) - 0.98 * size
        sheet.lay(np.minimum(disc, crescent), dark, dry=0.3)
        spot = 0.40 * size - np.hypot(x - cx + 0.36 * size, y - cy + 0.36 * size)
        sheet.lay(spot, light, dry=0.4)
        sheet.lay(
            np.minimum(
                0.005 - np.abs(x - cx - 0.25 * (cy - 0.95 * size - y)),
                np.minimum(y - cy + 1.35 * size, cy - 0.80 * size - y),
            ),
            NAVY,
        )
        _leaf_of(sheet, cx, cy - 1.05 * size, size)
    # Half an orange.
    cx, cy, size = 1.17, 0.93, 0.085
    away = np.hypot(x - cx, y - cy)
    sheet.lay(size - away, "ef8a2f")
    sheet.lay(0.88 * size - away, CREAM)
    turn = np.arctan2(y - cy, x - cx)
    spoke = np.abs(np.sin(4.5 * turn)) * away * 0.22
    sheet.lay(np.minimum(0.80 * size - away, spoke - 0.0035), CORAL)


def _leaf_of(sheet: _Sheet, cx: float, cy: float, size: float) -> None:
    blade = [
        (cx, cy),
        (cx + 0.35 * size, cy - 0.45 * size),
        (cx + 0.95 * size, cy - 0.35 * size),
        (cx + 0.5 * size, cy + 0.02 * size),
    ]
    inside = sheet.shape(curve(blade), TEAL)
    rib = 0.0018 - np.abs((sheet.canvas.y - cy) + 0.36 * (sheet.canvas.x - cx))
    sheet.lay(np.minimum(rib, inside - 0.003), SAGE)
