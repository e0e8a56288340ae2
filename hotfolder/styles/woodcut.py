"""Woodcut: a sun over a mountain and a rough sea, printed from three blocks.

The key block is black. What the gouge takes away are lines along the forms, wide where it is light
and tapering where it darkens. Colour blocks lie under it, a little out of register.
"""

import numpy as np
from PIL import Image
from scipy.ndimage import shift

from hotfolder.styles.canvas import Canvas, Field, image_of, mix, rgb, step

PAPER = "f3e8cf"
KEY = "17130f"
RED = "d2432a"
OCHRE = "e9b04a"
BLUE = "3f7f8c"


def paint(height: int, seed: int = 5) -> Image.Image:
    canvas = Canvas(height, seed)
    tone, stream, pitch, blocks, outline = _scene(canvas)
    cut = _cut(canvas, tone, stream, pitch)
    cut *= 1 - outline
    sheet = np.broadcast_to(rgb(PAPER)[0], (*canvas.shape, 3)).copy()
    sheet *= 1 + 0.02 * canvas.noise(60, 3, stretch=4)[..., None]
    wood = canvas.noise(9, 5, stretch=9)
    for hue, block, off in zip((OCHRE, RED, BLUE), blocks, ((2, 3), (-3, 2), (2, -3)), strict=True):
        moved = shift(block, np.array(off) * height / 1536, order=1, mode="nearest")
        sheet = mix(sheet, sheet * rgb(hue)[0], moved * _inked(canvas, wood, 0.25))
    ink = (1 - cut) * _inked(canvas, wood, 0.0)
    return image_of(mix(sheet, rgb(KEY)[0] * (1 + 0.35 * wood[..., None]), 0.97 * ink))


def _inked(canvas: Canvas, wood: Field, thin: float) -> Field:
    """How much ink a block gives off: little on the grain of the wood and where it is worn."""
    salt = canvas.noise(260, 2) + 0.9 * wood
    worn = step(salt, 1.35 - 0.25 * thin, 1.9 + thin)
    return (1 - 0.75 * worn) * (1 - thin * (0.35 + 0.5 * step(wood, -0.2, 0.9)))


def _cut(canvas: Canvas, tone: Field, stream: Field, pitch: Field) -> Field:
    """H x W, 1 where wood is cut away. `pitch` is how many cuts lie in a unit of `stream`."""
    tremble = 0.10 * canvas.noise(20, 2) + 0.05 * canvas.noise(90)
    phase = stream * pitch + tremble
    number = np.floor(phase)
    wave = 1 - 2 * np.abs(phase - number - 0.5)  # 1 in the middle of a cut
    # Each cut begins and ends where its own noise says.
    own = np.sin(number * 12.9898) * 43758.5453
    own = own - np.floor(own)
    along = canvas.noise(7, 3) + 0.9 * (own - 0.5)
    light = np.clip(tone + 0.30 * along * (tone > 0.03) * (tone < 0.97), 0, 1)
    width = np.where(tone > 0.97, 1.2, light * 1.06 - 0.06)
    steepest = 0.6  # more is a seam between two forms
    sharp = np.abs(np.gradient(phase, axis=0)) + np.abs(np.gradient(phase, axis=1)) + 1e-4
    sharp = np.minimum(sharp, steepest)
    return np.clip((width - (1 - wave)) / (2.2 * sharp) + 0.5, 0, 1).astype(np.float32)


def _scene(canvas: Canvas) -> tuple[Field, Field, Field, tuple[Field, Field, Field], Field]:
    """Lightness, the function along whose level lines is cut, cuts to its unit, the three colour
    blocks, and lines that stay."""
    x, y = canvas.x, canvas.y
    sun_x, sun_y = 0.90, 0.27
    away = np.hypot(x - sun_x, y - sun_y)
    angle = np.arctan2(y - sun_y, x - sun_x)

    rays = 0.5 + 0.5 * np.cos(angle * 22)
    tone = np.clip(
        0.25 + 0.75 * step(rays, 0.35, 0.75) - 0.75 * np.clip(away - 0.25, 0, 1), 0.03, 0.9
    )
    stream = angle / (2 * np.pi)
    pitch = np.full(canvas.shape, 176.0, np.float32)
    ring = (away > 0.165) & (away < 0.192)
    tone = np.where(ring, 0.0, tone)
    disc = away < 0.165
    tone, stream = np.where(disc, 1.0, tone), np.where(disc, y, stream)
    red = step(0.166 - away, 0, 0.001)
    ochre = step(0.62 - away + 0.03 * np.cos(angle * 22), 0, 0.004) * (1 - red)
    blue = np.zeros(canvas.shape, np.float32)
    outline = np.zeros(canvas.shape, np.float32)

    def lay(inside: Field, value: Field, along: Field, cuts: Field, contour: Field | None) -> None:
        nonlocal tone, stream, pitch, outline, ochre, red, blue
        tone = np.where(inside, value, tone)
        stream = np.where(inside, along, stream)
        pitch = np.where(inside, cuts, pitch)
        outline = np.where(inside, 0, outline)
        ochre, red, blue = (np.where(inside, 0, block) for block in (ochre, red, blue))
        if contour is not None:
            outline = np.maximum(outline, contour)

    # Long clouds, flat below.
    for cx, cy, wide, tall in (
        (0.16, 0.135, 0.30, 0.042),
        (0.36, 0.185, 0.24, 0.030),
        (0.03, 0.235, 0.22, 0.030),
        (1.24, 0.11, 0.17, 0.028),
        (1.14, 0.47, 0.17, 0.020),
    ):
        swell = 1 + 0.35 * np.sin(17 * (x - cx)) + 0.15 * np.sin(41 * (x - cx))
        top = tall * (1 - ((x - cx) / wide) ** 2) * swell
        within = np.minimum(top - (cy - y), cy + 0.3 * top - y)
        value = np.clip(0.55 + 0.5 * (cy + 0.01 - y) / tall, 0.2, 0.98)
        lay(within > 0, value, y - 0.35 * top, np.full_like(x, 95.0), None)
        outline = np.maximum(outline, step(0.0042 - np.abs(within), 0, 0.002))

    # The mountain: a lit and a shaded side, snow on top.
    ridge = canvas.noise(6, 5)[canvas.height // 2][None]
    peak = 0.43
    slope = np.abs(x - peak) ** 0.86
    crest = 0.20 + 0.66 * slope + 0.016 * ridge
    inside = y > crest
    spine = peak + 0.05 * np.sin(9 * (y - 0.2)) + 0.04 * canvas.noise(5, 4) + 0.25 * (y - 0.22)
    lit_side = x > spine
    gully = canvas.noise(7, 4, stretch=0.4)
    zigzag = np.abs((x * 13 + 0.8 * gully) % 1 - 0.5)
    snow = y < 0.33 + 0.13 * zigzag + 0.02 * gully
    value = np.where(lit_side, 0.62 + 0.3 * gully, 0.10 + 0.22 * gully)
    value = np.where(snow, np.where(lit_side, 0.98, 0.55 + 0.3 * gully), value)
    along = np.where(
        lit_side, (y - 0.9 * x) * 0.75 + 0.03 * gully, (y + 0.75 * x) * 0.8 + 0.03 * gully
    )
    lay(inside, np.clip(value, 0.0, 0.98), along, np.full_like(x, 82.0), None)
    outline = np.maximum(outline, step(0.004 - np.abs(y - crest), 0, 0.002))
    blue = np.where(inside & ~snow, 0.9, blue)
    blue = np.where(inside & snow & ~lit_side, 0.35, blue)

    # Hills with firs.
    for level, swing, tilt, value in ((0.60, 0.028, 0.5, 0.5), (0.66, 0.035, 3.1, 0.3)):
        crest = level + swing * np.sin(4.2 * x + tilt) + 0.4 * swing * np.sin(11 * x + 2 * tilt)
        below = y - crest
        lay(
            below > 0,
            np.clip(value + 4 * (0.03 - below), 0.05, 0.8),
            below + 0.08 * x,
            np.full_like(x, 105.0),
            None,
        )
        outline = np.maximum(outline, step(0.0035 - np.abs(below), 0, 0.002))
        ochre = np.where(below > 0, 0.9, ochre)
        for fir in np.linspace(0.02, 1.32, 15) + canvas.random.normal(0, 0.02, 15):
            foot = (
                level + swing * np.sin(4.2 * fir + tilt) + 0.4 * swing * np.sin(11 * fir + 2 * tilt)
            )
            tall = canvas.random.uniform(0.05, 0.105)
            down = (foot + 0.01 - y) / tall
            tier = down * 4.5 - np.floor(down * 4.5)
            wide = 0.32 * tall * np.clip(1 - down, 0, 1) * (0.55 + 0.75 * (1 - tier))
            tree = (np.abs(x - fir) < wide) & (down > 0) & (down < 1)
            lit_edge = np.where(x > fir, 0.42, 0.06)
            lay(tree, lit_edge, y - 0.7 * np.abs(x - fir), np.full_like(x, 120.0), None)
            blue = np.where(tree, 0.5, blue)

    # The sea: waves that curl, one behind the other.
    for number, level in enumerate((0.715, 0.785, 0.865, 0.95)):
        size = 0.05 + 0.022 * number
        count = 6.4 - 1.0 * number
        at = x * count + 0.37 * number
        place = (at + 0.5) % 1 - 0.5  # from the top of the nearest wave
        steep = np.where(place < 0, 0.26, 0.13)
        crest = level - size * (np.exp(-((place / steep) ** 2)) + 0.10 * np.sin(6.28 * at))
        below = y - crest
        inside = below > 0
        curl = np.hypot(place / count, below - 0.55 * size)
        along = below * 0.55 + 0.45 * curl + 0.012 * np.sin(9 * at)
        ragged = 0.020 * np.exp(-(((place - 0.05) / 0.2) ** 2)) + 0.008 * canvas.noise(22, 3)
        foam = step(ragged - below, 0, 0.003)
        value = np.clip(0.72 - 6.2 * below + 0.30 * np.cos(6.28 * (place + 0.2)), 0.06, 0.85)
        value = np.where(foam > 0.5, 1.0, value)
        lay(inside, value, along, np.full_like(x, 118.0 - 12 * number), None)
        outline = np.maximum(outline, inside * step(0.0045 - below, 0, 0.002))
        blue = np.where(inside, 1.0 * (foam < 0.5), blue)

    # The frame of the block.
    border = canvas.border
    rough = 0.0035 * canvas.noise(25, 3)
    margin = step(0.022 + rough - border, 0, 0.002)
    frame = step(border + rough, 0.022, 0.024) * step(0.034 - border + rough, 0, 0.002)
    tone = np.where(margin > 0.5, 1.0, tone)
    outline = np.clip(np.where(margin > 0.5, 0, outline) + frame, 0, 1)
    blocks = (ochre * (1 - margin), red * (1 - margin), blue * (1 - margin))
    return tone, stream, pitch, blocks, outline
