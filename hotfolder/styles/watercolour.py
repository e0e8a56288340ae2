"""Watercolour: poppies in a garden, in transparent washes on rough white paper.

Every wash takes light away as a filter does: its colour to the power of the pigment's thickness.
Pigment gathers at the rim of a drying wash and in the hollows of the paper.
"""

import numpy as np
from PIL import Image

from hotfolder.styles.canvas import Canvas, Field, curve, image_of, lit, rgb, step

PAPER = "fbf7ee"


def paint(height: int, seed: int = 4) -> Image.Image:
    canvas = Canvas(height, seed)
    sheet = _Sheet(canvas)
    _background(canvas, sheet)
    random = canvas.random
    for x, y, bend in ((0.16, 0.55, 0.05), (0.47, 0.40, -0.06), (0.80, 0.62, 0.05)):
        _stem(sheet, x, y, bend)
    for x, y, bend in ((1.10, 0.35, 0.04), (0.62, 0.74, 0.03), (0.99, 0.78, -0.03)):
        _stem(sheet, x, y, bend)
    for _ in range(15):
        _leaf(sheet, random.uniform(0, 1.33), random.uniform(0.80, 1.05))
    for x, y, size, hues in (
        (1.12, 0.27, 0.20, "ff9a6b f26b4e e2455f"),
        (0.14, 0.44, 0.15, "f5a3b5 ea6d92 d94a86"),
        (0.80, 0.55, 0.14, "ffc06a f7913f ee6a3a"),
        (0.47, 0.33, 0.27, "f4593f e2303a c41f45"),
        (0.60, 0.80, 0.14, "f6879c e5506f c92f62"),
        (1.02, 0.78, 0.17, "ef4b3a dd2f3c b51d46"),
        (0.26, 0.80, 0.12, "ffb08a f57a55 e85a58"),
    ):
        _poppy(sheet, x, y, size, rgb(hues))
    _spatter(sheet, 170)
    return sheet.dry()


class _Sheet:
    """A sheet of paper and how much light of each colour the paint on it swallows."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        self.swallowed = np.zeros((*canvas.shape, 3), np.float32)
        self.tooth = canvas.noise(130, 3) * 0.6 + 0.25 * canvas.grain(1 / 500)
        self.pools = [canvas.noise(cells, 4) for cells in (4, 6, 9)]
        self.tremor = [canvas.noise(cells, 5) for cells in (7, 10)]

    def wash(
        self,
        wet: Field,
        hue: Field,
        thickness: float,
        *,
        rim: float = 0.7,
        soft: float = 0.0,
        grain: float = 0.16,
    ) -> None:
        """A wash of one pigment: `wet` is how far inside it is, negative outside, in heights."""
        pool = self.pools[self.canvas.random.integers(3)]
        edge = soft if soft else 0.0022
        rows, columns = np.nonzero(wet > -edge)
        if not len(rows):
            return
        part = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        wet = wet[part]
        inside = step(wet, -edge, edge) if soft else step(wet, 0, edge)
        flow = np.clip(0.85 + 0.75 * pool[part], 0.15, 2.2)
        depth = np.clip(wet, 0, 1)
        border = rim * (np.exp(-depth / 0.0042) + 0.3 * np.exp(-depth / 0.018))
        body = inside * (flow + border) * (1 + grain * self.tooth[part])
        light = -np.log(np.clip(hue, 0.02, 0.995))
        self.swallowed[part] += (thickness * np.clip(body, 0, None))[..., None] * light

    def tremble(self, wet: Field, amount: float) -> Field:
        """`wet` with an outline as water finds it."""
        return wet + amount * self.tremor[self.canvas.random.integers(2)]

    def lift(self, where: Field, share: float) -> None:
        """Drops of clean water push the pigment aside."""
        self.swallowed *= 1 - share * where[..., None]

    def dry(self) -> Image.Image:
        canvas = self.canvas
        sheet = rgb(PAPER)[0] * np.exp(-self.swallowed)
        relief = (self.tooth * 0.6) * canvas.height / 1536
        return image_of(lit(sheet, relief, 0.045))


def _background(canvas: Canvas, sheet: _Sheet) -> None:
    x, y = canvas.x, canvas.y
    far = canvas.noise(2.2, 4)
    for cx, cy, wide, hue, thick in (
        (0.25, 0.10, 0.52, "9fcbe8", 0.85),
        (0.98, 0.05, 0.45, "8fb4e3", 0.8),
        (0.70, 0.28, 0.34, "cbb7e6", 0.8),
        (1.28, 0.55, 0.36, "a9dcd0", 0.8),
        (0.05, 0.72, 0.36, "b6dcae", 0.9),
        (0.62, 0.62, 0.32, "dfe8a0", 0.8),
        (0.36, 1.00, 0.42, "86c49a", 0.9),
        (1.02, 1.02, 0.48, "5fb3a6", 0.9),
        (0.70, 1.05, 0.34, "5a94b8", 0.8),
    ):
        wet = wide * 0.62 - np.hypot(x - cx, (y - cy) * 1.25) + 0.12 * far
        sheet.wash(wet, rgb(hue)[0], thick, soft=0.14, rim=0, grain=0.2)
        sheet.wash(
            sheet.tremble(wet - 0.10, 0.05), rgb(hue)[0] * 0.97, 0.30 * thick, rim=0.7, grain=0.25
        )
    for _ in range(9):  # backruns
        cx, cy = canvas.random.uniform(0, 1.33), canvas.random.uniform(0.0, 1.0)
        size = canvas.random.uniform(0.03, 0.085)
        wet = sheet.tremble(size - np.hypot(x - cx, y - cy), 0.028)
        sheet.lift(step(wet, 0, 0.03) * 0.8, 0.6)
        rim = np.exp(-((wet / 0.004) ** 2)) + 0.4 * np.exp(-np.abs(wet) / 0.012)
        sheet.swallowed *= 1 + 0.55 * rim[..., None]


def _poppy(sheet: _Sheet, cx: float, cy: float, size: float, hues: Field) -> None:
    canvas, random = sheet.canvas, sheet.canvas.random
    turn = random.uniform(0, 6.28)
    far = np.hypot(canvas.x - cx, canvas.y - cy)
    # Where the flower comes, little of the ground was painted.
    sheet.lift(step(sheet.tremble(1.02 * size - far, 0.03), 0, 0.05), 0.82)
    for number in range(5):
        angle = turn + number * 1.2566 + random.normal(0, 0.12)
        reach = size * random.uniform(0.85, 1.1)
        wide = reach * random.uniform(0.52, 0.66)
        away = np.array([np.cos(angle), np.sin(angle) * 0.85])
        side = np.array([-away[1], away[0]])
        knots = []
        for along, across in ((0.02, 0), (0.45, 0.75), (0.85, 0.95), (1.05, 0.35), (0.98, -0.1)):
            knots.append(away * along * reach + side * across * wide)
        for along, across in ((1.06, -0.45), (0.80, -1.0), (0.42, -0.7)):
            knots.append(away * along * reach + side * across * wide)
        jitter = random.normal(0, 0.035 * size, (len(knots), 2))
        outline = curve(np.array(knots) + jitter + [cx, cy])
        wet = sheet.tremble(canvas.distance(outline), 0.0035)
        hue = hues[random.integers(len(hues))]
        sheet.wash(wet, hue, random.uniform(0.38, 0.62), rim=0.75)
        inner = np.minimum(wet, size * 0.55 - far + 0.05 * sheet.tremor[0])
        sheet.wash(inner, hues[-1], 0.42, soft=0.045, rim=0)
        shade = np.minimum(
            wet, 0.28 * wide - np.abs((canvas.x - cx) * side[0] + (canvas.y - cy) * side[1])
        )
        sheet.wash(sheet.tremble(shade - 0.006, 0.006), hues[-1], 0.20, rim=0.6)
    heart = sheet.tremble(size * 0.16 - far, 0.012)
    sheet.wash(heart, rgb("4a2d60")[0], 0.8, soft=0.012, rim=0.3)
    sheet.wash(sheet.tremble(size * 0.07 - far, 0.006), rgb("2c4a3a")[0], 0.9)
    for _ in range(16):
        angle, reach = random.uniform(0, 6.28), size * random.uniform(0.16, 0.3)
        px, py = cx + reach * np.cos(angle), cy + reach * np.sin(angle)
        spot = random.uniform(0.003, 0.0065) - np.hypot(canvas.x - px, canvas.y - py)
        sheet.wash(spot, rgb("2b1a3f")[0], 0.9)


def _stem(sheet: _Sheet, x: float, y: float, bend: float) -> None:
    canvas = sheet.canvas
    path = curve([(x, y), (x + bend, (y + 1.05) / 2), (x - bend / 2, 1.05)], closed=False)
    wet = 0.0075 - canvas.along(path)
    sheet.wash(sheet.tremble(wet, 0.002), rgb("5f9a4f")[0], 0.85)


def _leaf(sheet: _Sheet, x: float, y: float) -> None:
    canvas, random = sheet.canvas, sheet.canvas.random
    lean, tall = random.normal(0, 0.13), random.uniform(0.16, 0.42)
    tip = np.array([x + lean, y - tall])
    middle = np.array([x + 0.15 * lean, y - 0.55 * tall])
    side = np.array([1, 0.3]) * random.uniform(0.012, 0.03)
    wet = canvas.distance(curve([(x, y), middle + side, tip, middle - side]))
    hue = rgb("8fbf5a 5f9f58 3f8468 2f6f73 a9c765")[random.integers(5)]
    sheet.wash(sheet.tremble(wet, 0.003), hue, random.uniform(0.5, 1.0), rim=0.7)


def _spatter(sheet: _Sheet, count: int) -> None:
    canvas, random = sheet.canvas, sheet.canvas.random
    for hue in rgb("e2303a f7913f 5f9f58 4f6fb0"):
        far = np.full(canvas.shape, 1.0, np.float32)
        for _ in range(count // 4):
            cx, cy = random.uniform(0, 1.33), random.uniform(0, 1)
            size = 0.0008 + 0.0045 * random.random() ** 3
            top, left = int((cy - 0.02) * canvas.height), int((cx - 0.02) * canvas.height)
            span = int(0.04 * canvas.height) + 1
            part = np.s_[max(0, top) : max(0, top + span), max(0, left) : max(0, left + span)]
            away = np.hypot(canvas.x[part] - cx, canvas.y[part] - cy) - size
            far[part] = np.minimum(far[part], away)
        sheet.wash(-far, hue, 0.8, rim=0.9)
