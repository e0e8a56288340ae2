"""Pencil: clouds over a tree on a hill, hatched in graphite.

Every tone is made of strokes: layers of them, each at its own angle to the form, where it is darker
than the layer's threshold. Graphite stays on the paper's tooth.
"""

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from hotfolder.styles.canvas import Canvas, Field, image_of, lit, mix, rgb, step

PAPER = "f4f0e6"
GRAPHITE = "24252a"


def paint(height: int, seed: int = 14) -> Image.Image:
    canvas = Canvas(height, seed)
    dark, angle = _scene(canvas)
    graphite = np.zeros(canvas.shape, np.float32)
    for threshold, turn, count, length, weight in (
        (0.09, 0.00, 12000, 0.070, 0.42),
        (0.26, 0.10, 13000, 0.052, 0.52),
        (0.44, 0.90, 12000, 0.044, 0.62),
        (0.60, -0.75, 12000, 0.040, 0.80),
        (0.76, 0.30, 15000, 0.034, 1.20),
    ):
        graphite += _hatching(canvas, dark, angle + turn, threshold, count, length, weight)
    tooth = canvas.noise(260, 2) * 0.55 + 0.35 * canvas.grain(1 / 900)
    smudge = gaussian_filter(dark, 0.006 * height) ** 2 * 0.35
    held = graphite * np.clip(1 + 0.75 * tooth, 0.12, 2) + smudge * np.clip(1 + 0.9 * tooth, 0, 3)
    cover = 0.95 * (1 - np.exp(-1.05 * held))
    paper = rgb(PAPER)[0] * (1 + 0.012 * canvas.noise(3, 3))[..., None]
    sheet = mix(paper, rgb(GRAPHITE)[0], cover)
    return image_of(lit(sheet, 0.8 * tooth * height / 1536, 0.035))


def _hatching(
    canvas: Canvas,
    dark: Field,
    angle: Field,
    threshold: float,
    count: int,
    length: float,
    weight: float,
) -> Field:
    """H x W: strokes where it is darker than `threshold`, along `angle`."""
    random, height = canvas.random, canvas.height
    x, y = random.random(count) * canvas.width, random.random(count) * height
    need = dark[y.astype(int), x.astype(int)] - threshold
    chosen = need > 0.035 * random.normal(size=count)
    x, y, need = x[chosen], y[chosen], need[chosen]
    count = len(x)
    # A hand hatches in patches: neighbours share their slant.
    slant = canvas.noise(9)[y.astype(int), x.astype(int)] * 0.16 + random.normal(0, 0.035, count)
    turn = angle[y.astype(int), x.astype(int)] + slant
    long = length * height * random.uniform(0.55, 1.3, count)
    bow = random.normal(0, 0.05, count) + 0.06
    pressure = weight * random.uniform(0.55, 1.2, count) * np.clip(0.62 + 1.2 * need, 0.5, 1.3)
    laid = np.zeros(canvas.shape, np.float32)
    for at in np.linspace(-0.5, 0.5, max(8, int(1.8 * length * height))):
        taper = np.clip(1.15 - np.abs(2 * at) ** 3, 0, 1)
        off = bow * (at * at - 0.08) * long
        column = np.rint(x + np.cos(turn) * at * long - np.sin(turn) * off).astype(int)
        row = np.rint(y + np.sin(turn) * at * long + np.cos(turn) * off).astype(int)
        seen = (column >= 0) & (column < canvas.width) & (row >= 0) & (row < height)
        place = row[seen] * canvas.width + column[seen]
        laid += np.bincount(place, pressure[seen] * taper, canvas.width * height).reshape(
            canvas.shape
        )
    laid = np.minimum(laid / 2, 1.6)
    return gaussian_filter(laid, 0.00085 * height).astype(np.float32) * 1.7


def _scene(canvas: Canvas) -> tuple[Field, Field]:
    """How dark it is, 0 to 1, and the angle of the strokes."""
    x, y = canvas.x, canvas.y
    dark = np.clip(0.50 - 0.75 * y + 0.10 * canvas.noise(3, 3), 0.02, 1)
    angle = np.full(canvas.shape, -0.62, np.float32)

    def ball(cx: float, cy: float, wide: float, tall: float, rough: float) -> tuple[Field, Field]:
        ragged = 1 + rough * bumps
        across, down = (x - cx) / wide, (y - cy) / tall
        away = np.hypot(across, down) / ragged
        shade = 0.5 + 0.55 * across + 0.75 * down
        return away < 1, shade

    bumps = canvas.noise(11, 4)
    for cx, cy, wide, tall in (
        (0.18, 0.33, 0.20, 0.10),
        (0.40, 0.24, 0.19, 0.14),
        (0.60, 0.32, 0.20, 0.11),
        (0.30, 0.40, 0.30, 0.07),
        (1.24, 0.20, 0.18, 0.10),
        (1.10, 0.26, 0.14, 0.07),
    ):
        inside, shade = ball(cx, cy, wide, tall, 0.16)
        dark = np.where(inside, np.clip(0.02 + 0.30 * np.clip(shade, 0, 2) ** 2, 0, 0.42), dark)
        angle = np.where(inside, np.arctan2((y - cy) / tall, (x - cx) / wide) + 1.57, angle)

    for level, swing, tilt, value in (
        (0.53, 0.045, 0.3, 0.10),
        (0.60, 0.060, 2.2, 0.24),
        (0.72, 0.060, 4.3, 0.08),
    ):
        crest = level + swing * np.sin(3.3 * x + tilt) + 0.3 * swing * np.sin(8.7 * x + 2 * tilt)
        below = y - crest
        slope = np.gradient(crest, axis=1) * canvas.height
        fold = 0.5 + 0.5 * np.sin(60 * below * (1.4 - y) + 3 * canvas.noise(4, 3))
        value = (
            value + 0.30 * np.tanh(2.4 * slope) + 0.20 * fold - 1.2 * np.clip(0.05 - below, 0, 1)
        )
        dark = np.where(below > 0, np.clip(value, 0.04, 0.85), dark)
        angle = np.where(below > 0, np.arctan(slope) + 0.25 * np.sin(5 * x + tilt), angle)
        edge = step(0.0035 - np.abs(below), 0, 0.002)
        dark = np.maximum(dark, 0.75 * edge)
        if tilt == 2.2:
            for _ in range(16):  # a wood far away
                cx = canvas.random.uniform(0.0, 0.62)
                foot = level + swing * np.sin(3.3 * cx + tilt)
                size = canvas.random.uniform(0.022, 0.045)
                inside, shade = ball(cx, foot - 0.6 * size, size, size * 1.25, 0.2)
                dark = np.where(inside, np.clip(0.30 + 0.6 * shade, 0.1, 0.95), dark)
                angle = np.where(inside, 1.2, angle)

    shadow = np.hypot((x - 0.80) / 0.34, (y - 0.835 - 0.10 * (0.98 - x)) / 0.045) < 1 + 0.1 * bumps
    dark = np.where(shadow, 0.78, dark)
    trunk = np.abs(x - 0.98 - 0.012 * np.sin(14 * y)) < 0.028 + 0.09 * np.clip(y - 0.76, 0, 1)
    trunk &= (y > 0.45) & (y < 0.84)
    dark = np.where(trunk, np.clip(0.62 + 9 * (x - 0.975), 0.35, 1), dark)
    angle = np.where(trunk, 1.5, angle)
    for cx, cy, size in (
        (0.98, 0.33, 0.20),
        (0.83, 0.42, 0.14),
        (1.13, 0.43, 0.15),
        (0.90, 0.24, 0.13),
        (1.08, 0.26, 0.14),
        (0.97, 0.48, 0.13),
        (0.78, 0.50, 0.08),
        (1.20, 0.51, 0.08),
    ):
        inside, shade = ball(cx, cy, size, size * 0.82, 0.17)
        value = np.clip(0.16 + 0.62 * shade + 0.22 * bumps, 0.03, 0.97)
        dark = np.where(inside, value, dark)
        turn = np.arctan2(y - cy, x - cx) + 1.57 + 0.5 * canvas.noise(14)
        angle = np.where(inside, turn, angle)
    # Grass and a fence in front.
    for post in np.arange(0.04, 0.75, 0.115):
        top = 0.77 + 0.05 * np.sin(2.2 * post)
        wood = (np.abs(x - post) < 0.009) & (y > top) & (y < top + 0.13)
        dark = np.where(wood, np.where(x > post, 0.95, 0.45), dark)
        angle = np.where(wood, 1.5, angle)
    for lift in (0.025, 0.075):
        rail = (np.abs(y - 0.77 - lift - 0.05 * np.sin(2.2 * x)) < 0.0055) & (x < 0.78)
        dark = np.where(rail, 0.85, dark)
    grass = step(y + 0.06 * canvas.noise(40, 2, stretch=0.25), 0.92, 1.01)
    dark = np.clip(dark + 0.55 * grass * (0.6 + 0.6 * canvas.noise(26, 2, stretch=0.3)), 0, 1)
    angle = np.where(grass > 0.3, 1.45 + 0.4 * canvas.noise(8), angle)
    return dark.astype(np.float32), angle.astype(np.float32)
