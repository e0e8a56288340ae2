"""Pastel: an orchard in bloom at dusk, in soft chalk on dark rough paper.

Chalk catches on the paper's tooth, so that the paper shows through; broad strokes are laid on their
side, narrow ones with the edge, and parts are rubbed with a finger.
"""

import numpy as np
from PIL import Image

from hotfolder.styles.canvas import Canvas, Field, coloured, curve, image_of, lit, mix, rgb, step

PAPER = "463c5c"
# Width and length of the strokes, how often they cover the sheet, pressure.
LAYERS = (
    (0.044, 0.19, 2.0, 0.75),
    (0.028, 0.12, 2.2, 0.60),
    (0.016, 0.075, 2.2, 0.60),
    (0.0085, 0.045, 1.7, 0.55),
)


def paint(height: int, seed: int = 26) -> Image.Image:
    canvas = Canvas(height, seed)
    scene, angle, detail = _scene(canvas)
    tooth = canvas.noise(280, 2) * 0.8 + 0.6 * canvas.grain(1 / 1000)
    tooth = tooth / tooth.std()
    chalk = np.broadcast_to(rgb(PAPER)[0], scene.shape).copy()
    chalk *= 1 + 0.05 * canvas.noise(5, 3)[..., None]
    rubbed = canvas.blurred(scene, 0.02)
    chalk = mix(chalk, rubbed * 0.82, 0.95 * step(tooth, -2.7, -0.4))
    powder = np.zeros(canvas.shape, np.float32)
    random = canvas.random
    for number, (width, length, times, press) in enumerate(LAYERS):
        cell = (width * length / times) ** 0.5
        for x, y, py, px in canvas.scattered(cell):
            if number >= 2 and random.random() > detail[py, px]:
                continue
            long, turn = length * random.uniform(0.5, 1.15), angle[py, px] + random.normal(0, 0.13)
            ahead = np.array([np.cos(turn), np.sin(turn)]) * long / 2
            bow = np.array([-ahead[1], ahead[0]]) * random.normal(0, 0.18)
            middle = np.array([x, y])
            path = curve([middle - ahead, middle + bow, middle + ahead], closed=False, count=12)
            wide = width * random.uniform(0.6, 1.15)
            own = _chosen(scene[py, px], random)
            _stroke(canvas, chalk, powder, tooth, path, wide, own, press + random.normal(0, 0.2))
    relief = (0.5 * tooth + 1.1 * powder) * height / 1536
    return image_of(lit(chalk, canvas.blurred(relief, 0.0004), 0.13))


def _stroke(
    canvas: Canvas,
    chalk: Field,
    powder: Field,
    tooth: Field,
    path: Field,
    width: float,
    colour: Field,
    press: float,
) -> None:
    random = canvas.random
    row, column, along, across = canvas.swath(path, width)
    if not row.size:
        return
    hairs = random.normal(0, 0.45, 24)
    streaks: Field = np.interp(across, np.linspace(-1, 1, len(hairs)), hairs)
    hold = tooth[row, column] * 0.75 + streaks + press + 0.5 - 0.35 * powder[row, column]
    ends = np.minimum(along, 1 - along) * 7
    hold = hold - 1.6 * np.clip(1 - ends, 0, 1) - 0.9 * np.abs(across) ** 5
    cover = np.clip(hold * 1.1 + 0.1, 0, 0.94)[:, None]
    # Of pixels met twice the last counts: they lie side by side.
    chalk[row, column] += (colour * (1 + 0.05 * streaks[:, None]) - chalk[row, column]) * cover
    powder[row, column] += (1 - powder[row, column]) * 0.5 * cover[:, 0]


def _chosen(colour: Field, random: np.random.Generator) -> Field:
    """A stick of the box that comes near."""
    value = 1 + random.normal(0, 0.09)
    warm = random.normal(0, 0.045)
    grey = colour.mean()
    vivid = grey + (colour - grey) * random.uniform(1.05, 1.4)
    return np.clip(vivid * value + np.array([warm, random.normal(0, 0.02), -warm]), 0, 1).astype(
        np.float32
    )


def _scene(canvas: Canvas) -> tuple[Field, Field, Field]:
    """Colour, angle of the strokes and share of fine ones."""
    x, y = canvas.x, canvas.y
    random = canvas.random
    soft = canvas.noise(3, 3)
    glow = np.clip(1.1 - 1.35 * np.hypot(0.7 * (x - 0.45), y - 0.40) + 0.13 * soft, 0, 1)
    colour = coloured(glow, "3a4a8f 5f6fc0 9a86cf d99ac4 f7a98f fbc979 fff0b8")
    angle = 0.5 * np.sin(2.4 * x + 1) + 0.35 * soft
    detail = np.full(canvas.shape, 0.28, np.float32)
    sun = np.hypot(x - 0.45, y - 0.385)
    colour = mix(colour, rgb("fffbe0")[0], step(0.052 - sun, 0, 0.01))

    for level, swing, tilt, hues in (
        (0.46, 0.035, 0.4, "5f6fb0 8f86c4 c59ac0"),
        (0.52, 0.030, 2.3, "3f5f9a 5f86a8 9fa8c0"),
        (0.585, 0.025, 4.0, "2a5f7a 3f8f8a 8fc09a"),
    ):
        crest = level + swing * np.sin(3.6 * x + tilt) + 0.4 * swing * np.sin(9 * x + tilt)
        below = y - crest
        hill = coloured(np.clip(0.5 - 4.5 * below + 0.35 * canvas.noise(6, 3), 0, 1), hues)
        colour = mix(colour, hill, step(below, 0, 0.006))
        angle = np.where(below > 0, 0.5 * np.cos(3.6 * x + tilt), angle)

    near = np.clip((y - 0.64) / 0.36, 0, 1)
    meadow = y > 0.635 + 0.012 * np.sin(5 * x)
    light = np.exp(-(((x - 0.45) / (0.10 + 0.45 * near)) ** 2))
    grass = coloured(
        np.clip(0.25 + 0.5 * light + 0.30 * canvas.noise(7, 3, stretch=2.5), 0, 1),
        "1a3f5a 1f6f6a 4f9f5a a8c45a f5dc7a",
    )
    colour = np.where(meadow[..., None], grass, colour)
    angle = np.where(meadow, 0.12 * np.sin(7 * x) + 0.9 * near * (0.45 - x), angle)
    pond = np.hypot((x - 0.47) / 0.36, (y - 0.80) / 0.085) < 1 + 0.12 * soft
    mirror = coloured(
        np.clip(1.0 - 2.3 * np.abs(x - 0.45) + 0.25 * canvas.noise(30, 2, stretch=6), 0, 1),
        "3a4a8f 7a7ac8 d99ac4 fbc08a fff0b8",
    )
    colour = np.where(pond[..., None], mirror, colour)
    angle = np.where(pond, 0.0, angle)
    detail = np.where(pond, 0.5, detail)

    bloom = canvas.noise(16, 3)
    for base, foot, size in (
        (0.73, 0.70, 0.11),
        (0.20, 0.70, 0.12),
        (0.90, 0.73, 0.17),
        (1.14, 0.86, 0.31),
        (0.02, 0.84, 0.27),
    ):
        cast = np.hypot((x - base - 0.5 * size) / (0.95 * size), (y - foot) / (0.11 * size)) < 1
        colour = np.where(cast[..., None], mix(colour, rgb("1f2f6a")[0], 0.75 + 0 * x), colour)
        trunk = np.abs(x - base - 0.10 * size * np.sin((foot - y) / size * 5)) < 0.055 * size * (
            1 + 1.5 * np.clip(1 - (foot - y) / (0.6 * size), 0, 1)
        )
        trunk &= (y < foot) & (y > foot - 1.3 * size)
        bark = coloured(np.clip((base - x) / (0.12 * size) + 0.5, 0, 1), "241a3a 4a2f5a c07a6a")
        colour = np.where(trunk[..., None], bark, colour)
        angle = np.where(trunk, 1.5, angle)
        for _ in range(15):
            cx = base + size * random.uniform(-0.85, 0.85)
            cy = foot - size * (
                1.25 + random.uniform(-0.55, 0.65) * (1 - 0.4 * abs(cx - base) / size)
            )
            wide = size * random.uniform(0.26, 0.5)
            across, down = (x - cx) / wide, (y - cy) / (0.8 * wide)
            inside = step(1 - np.hypot(across, down) + 0.35 * bloom, 0, 0.12)
            toward = np.sign(0.45 - base)
            lightness = np.clip(0.48 + 0.26 * toward * across - 0.38 * down + 0.22 * bloom, 0, 1)
            crown = coloured(lightness, "4a3a8a 8a5fb0 d882b4 f7b0c4 ffd9d4 fff6e8")
            colour = mix(colour, crown, inside * 0.95)
            angle = np.where(inside > 0.5, np.arctan2(down, across) + 1.57, angle)
            detail = np.maximum(detail, inside * 0.95)
    for _ in range(150):
        px, py = random.uniform(0, 1.33), random.uniform(0.70, 1.0)
        spot = step(
            random.uniform(0.003, 0.009) * (0.4 + py) - np.hypot(x - px, (y - py) * 1.6), 0, 0.002
        )
        colour = mix(
            colour, rgb("fff0d8 f7b0c4 f7dc7a c9b0f0")[random.integers(4)], spot * meadow * ~pond
        )
        detail = np.maximum(detail, spot)
    return colour.astype(np.float32), angle.astype(np.float32), detail.astype(np.float32)
