"""Ink: bamboo before mountains in mist, with a brush on rice paper.

Washes of thin ink run into wet paper; over them strokes that split into hairs where the brush runs
dry.
"""

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from hotfolder.styles.canvas import Canvas, Field, curve, image_of, lit, mix, rgb, step

PAPER = "f5eddb"
INK = "14110f"
SEAL = "b3261e"


def paint(height: int, seed: int = 8) -> Image.Image:
    canvas = Canvas(height, seed)
    sheet = _Sheet(canvas)
    _mountains(sheet)
    random = canvas.random
    for x, lean, width, tone in (
        (1.16, 0.05, 0.026, 0.35),
        (0.30, -0.04, 0.030, 0.45),
        (0.98, -0.07, 0.048, 0.85),
        (0.13, 0.06, 0.062, 1.0),
    ):
        _stalk(sheet, x, lean, width, tone)
    for x, y, count, reach, tone in (
        (0.33, 0.20, 11, 0.20, 0.5),
        (1.12, 0.62, 10, 0.20, 0.45),
        (1.02, 0.16, 14, 0.30, 1.0),
        (0.20, 0.50, 13, 0.29, 1.0),
        (0.98, 0.80, 9, 0.24, 0.9),
        (0.55, 0.06, 9, 0.25, 0.75),
    ):
        _spray(sheet, x, y, count, reach, tone)
    for _ in range(90):
        x, y = random.uniform(0, 1.33), random.uniform(0, 1)
        sheet.drop(x, y, 0.0007 + 0.006 * random.random() ** 4, random.uniform(0.4, 1))
    return sheet.dry()


class _Sheet:
    """Rice paper and the ink on it, 0 none to about 3 black."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        self.ink = np.zeros(canvas.shape, np.float32)
        self.fibre = canvas.noise(70, 3, stretch=7) + canvas.noise(80, 3, stretch=0.3)
        self.tooth = canvas.noise(220, 2)

    def wash(self, amount: Field) -> None:
        self.ink += np.clip(amount, 0, None) * (1 + 0.14 * self.fibre + 0.10 * self.tooth)

    def stroke(self, path: Field, widths: Field, tone: float, dry: float) -> None:
        """One stroke of the brush; beyond `dry` of its length only the fullest hairs give ink."""
        random = self.canvas.random
        row, column, along, across = self.canvas.swath(path, widths)
        if not row.size:
            return
        hairs = 64
        load = gaussian_filter(random.normal(size=hairs), 1.3)
        load /= load.std()
        fill = np.interp(across, np.linspace(-1, 1, hairs), load)
        fill = fill + 1.1 * self.tooth[row, column] + 0.5 * self.fibre[row, column]
        thirst = -2.6 + 5.2 * np.clip((along - dry) / (1.02 - dry), 0, 1)
        wet = step(fill, thirst - 0.5, thirst + 0.5)
        dense = tone * (1.15 + 0.28 * np.interp(across, np.linspace(-1, 1, hairs), load))
        dense *= 1 + 0.35 * np.abs(across) ** 6 - 0.35 * along
        laid = np.zeros(self.canvas.shape, np.float32)
        laid[row, column] = np.clip(wet * dense, 0, None)
        top, bottom = max(0, row.min() - 9), row.max() + 9
        left, right = max(0, column.min() - 9), column.max() + 9
        part = np.s_[top:bottom, left:right]
        soft = gaussian_filter(laid[part], 0.0005 * self.canvas.height)
        halo = gaussian_filter(laid[part], 0.004 * self.canvas.height)
        self.ink[part] += 1.9 * soft + 0.16 * halo

    def drop(self, x: float, y: float, size: float, tone: float) -> None:
        canvas = self.canvas
        far = np.hypot(canvas.x - x, canvas.y - y) - size * (1 + 0.25 * self.tooth)
        self.ink += 1.6 * tone * step(-far, 0, 0.0009)

    def dry(self) -> Image.Image:
        canvas = self.canvas
        paper = rgb(PAPER)[0] * (1 + 0.018 * self.fibre + 0.012 * self.tooth)[..., None]
        paper = paper * (
            1 - 0.07 * step(canvas.noise(2, 3), -0.4, 1.6)[..., None] * [0.6, 0.8, 1.2]
        )
        sheet = mix(paper, rgb(INK)[0], 1 - np.exp(-self.ink))
        seal = _seal(canvas)
        worn = step(self.tooth + 0.7 * self.fibre, -1.3, -0.5)
        sheet = mix(sheet, rgb(SEAL)[0] * (1 + 0.08 * self.tooth[..., None]), seal * worn * 0.94)
        return image_of(lit(sheet, 0.5 * self.fibre * canvas.height / 1536, 0.03))


def _mountains(sheet: _Sheet) -> None:
    canvas = sheet.canvas
    x, y = canvas.x, canvas.y
    moon = np.hypot(x - 0.62, y - 0.25)
    halo = step(moon, 0.112, 0.118) * np.exp(-np.clip(moon - 0.115, 0, 9) / 0.16)
    sheet.wash(0.42 * halo * (1 + 0.35 * canvas.noise(5, 4)))
    mist = canvas.noise(3, 4, stretch=2.5)
    for level, tall, tone, cells in (
        (0.46, 0.16, 0.26, 3.0),
        (0.56, 0.22, 0.48, 2.6),
        (0.70, 0.20, 0.85, 3.4),
    ):
        ridge = canvas.noise(cells, 6)[canvas.height // 2]
        crest = level - tall * (0.45 + 0.55 * ridge)[None]
        below = y - crest
        inside = step(below, 0, 0.004)
        fade = np.exp(-np.clip(below, 0, 1) / (0.10 + 0.05 * mist))
        crags = step(canvas.noise(9, 5, stretch=0.45) + 0.4 * sheet.fibre, 0.1, 0.9)
        sheet.wash(tone * inside * fade * (0.75 + 1.0 * crags))
        sheet.wash(0.55 * tone * np.exp(-((below / 0.0028) ** 2)) * step(mist, -0.7, 0.5))
    pool = step(y + 0.06 * mist, 0.86, 1.02)
    sheet.wash(0.55 * pool * (1 + 0.7 * canvas.noise(6, 4, stretch=4)))


def _stalk(sheet: _Sheet, x: float, lean: float, width: float, tone: float) -> None:
    random = sheet.canvas.random
    y, piece = 1.04, 0.24
    while y > -0.05:
        upper = y - piece * random.uniform(0.85, 1.1)
        at = [x + lean * (1 - y), x + lean * (1 - upper)]
        path = np.array([[at[0], y - 0.006], [at[1], upper + 0.006]])
        path = np.linspace(path[0], path[1], 30)
        swell = 1 + 0.16 * np.abs(np.linspace(-1, 1, 30)) ** 5
        sheet.stroke(path, width * swell, 0.62 * tone, random.uniform(0.25, 0.75))
        knot = np.linspace([at[1] - 0.62 * width, upper], [at[1] + 0.62 * width, upper - 0.003], 20)
        arch = knot - np.stack([np.zeros(20), 0.006 * np.sin(np.linspace(0, np.pi, 20))], 1)
        sheet.stroke(arch, np.linspace(0.011, 0.006, 20) * (width / 0.06) ** 0.5, 1.2 * tone, 0.8)
        y, piece = upper, piece * 1.04


def _spray(sheet: _Sheet, x: float, y: float, count: int, reach: float, tone: float) -> None:
    """Leaves that hang from a twig."""
    random = sheet.canvas.random
    twig = curve(
        [(x, y), (x + 0.3 * reach, y + 0.15 * reach), (x + 0.9 * reach, y + 0.1 * reach)],
        closed=False,
        count=60,
    )
    sheet.stroke(twig, np.linspace(0.006, 0.002, 60), tone, 0.7)
    for number in range(count):
        foot = twig[int(random.uniform(2, 58))]
        turn = random.normal(0.95, 0.55) if number % 4 else random.normal(2.1, 0.3)
        long = reach * random.uniform(0.55, 1.0)
        tip = foot + long * np.array([np.cos(turn), np.sin(turn)])
        bow = long * 0.10 * random.normal() * np.array([-np.sin(turn), np.cos(turn)])
        path = curve([foot, (foot + tip) / 2 + bow, tip], closed=False, count=60)
        at = np.linspace(0, 1, 60)
        belly = np.minimum(1, at / 0.28) ** 0.8 * (1 - at) ** 0.75
        width = 0.118 * reach * random.uniform(0.8, 1.25)
        sheet.stroke(path, width * belly + 0.0012, tone * random.uniform(0.7, 1.15), 0.62)


def _seal(canvas: Canvas) -> Field:
    """A square of the artist's, with a leaf left out."""
    x, y = canvas.x - 1.225, canvas.y - 0.885
    square = step(0.042 - np.maximum(np.abs(x), np.abs(y)), 0, 0.002)
    leaf = 0.011 - np.abs(x + 0.35 * y) - 0.22 * np.abs(y - 0.004)
    frame = np.abs(np.maximum(np.abs(x), np.abs(y)) - 0.034)
    return square * (1 - step(leaf, 0, 0.001)) * step(frame, 0.0016, 0.0026)
