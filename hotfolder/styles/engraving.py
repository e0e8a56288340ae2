"""Engraving: a nautilus on a shore, cut into copper and printed in two inks.

Swelling lines follow the forms; a second set crosses them where it is darker, dots stand where it
is lightest. Behind lies a tint of fine interlaced lines in another colour, as on a banknote.
"""

import numpy as np
from PIL import Image

from hotfolder.styles.canvas import Canvas, Field, image_of, lit, mix, rgb, step

PAPER = "f3ecd9"
INK = "16302f"
TINT = "b5563c"
SECOND_TINT = "5f8f7f"


def paint(height: int, seed: int = 19) -> Image.Image:
    canvas = Canvas(height, seed)
    dark, first, second, pitch = _scene(canvas)
    tremble = 0.05 * canvas.noise(30, 2)
    ink = _lines(first * pitch + tremble, np.clip(0.06 + 0.80 * dark, 0, 0.94))
    crossed = np.clip((dark - 0.38) * 1.05, 0, 0.8)
    ink = np.maximum(ink, _lines(second * pitch * 0.94 + tremble, crossed))
    third = np.clip((dark - 0.70) * 1.5, 0, 0.7)
    ink = np.maximum(ink, _lines((first + second) * pitch * 0.66, third))
    # Where it is lightest the lines break into dots.
    dots = step(np.sin(2 * np.pi * second * pitch), -0.75 + 2.2 * (0.14 - dark) / 0.14, 0.9)
    ink = np.where(dark < 0.14, ink * dots, ink)
    ink = np.where(dark < 0.02, 0, ink)
    wiped = canvas.noise(5, 4)
    ink = ink * (0.90 + 0.07 * canvas.noise(220)) * (0.97 + 0.03 * wiped)

    sheet = rgb(PAPER)[0] * (1 + 0.012 * canvas.noise(60, 3) + 0.010 * wiped)[..., None]
    for hue, plate in zip((TINT, SECOND_TINT), _tints(canvas), strict=True):
        sheet = mix(sheet, sheet * rgb(hue)[0], 0.45 * plate)
    sheet = mix(sheet, rgb(INK)[0], np.clip(ink + 0.02 * step(wiped, 0, 1), 0, 1))
    return image_of(lit(sheet, canvas.blurred(ink, 0.0004) * 1.5 * height / 1536, 0.05))


def _lines(phase: Field, share: Field) -> Field:
    """Lines at whole numbers of `phase`, `share` of the space between them wide."""
    slope = np.minimum(np.hypot(*np.gradient(phase)), 0.5) + 1e-5
    away = np.abs(phase - np.round(phase))
    return np.clip((share / 2 - away) / slope + 0.5, 0, 1).astype(np.float32) * (share > 0.03)


def _tints(canvas: Canvas) -> tuple[Field, Field]:
    """Two plates of interlaced lines."""
    x, y = canvas.x - 0.72, canvas.y - 0.40
    away, turn = np.hypot(x, y), np.arctan2(y, x)
    rosette = np.zeros(canvas.shape, np.float32)
    for number in range(3):
        petal = away * 34 + (2.2 + 0.6 * number) * np.sin(12 * turn + 2.1 * number + 4 * away)
        rosette = np.maximum(rosette, _lines(petal, 0.20 + 0 * x))
    rosette *= step(0.66 - away, 0, 0.12)
    waves = np.zeros(canvas.shape, np.float32)
    for number in range(3):
        swing = 0.016 * np.sin(15 * canvas.x + 2.1 * number) + 0.010 * np.sin(
            37 * canvas.x - number
        )
        waves = np.maximum(waves, _lines((canvas.y + swing) * 46, 0.17 + 0 * x))
    return rosette, waves * step(away, 0.20, 0.75)


def _scene(canvas: Canvas) -> tuple[Field, Field, Field, Field]:
    """How dark it is, two functions along whose level lines is cut, and lines to their unit."""
    x, y = canvas.x, canvas.y
    wide = canvas.width / canvas.height
    soft = canvas.noise(4, 4)
    # Sky: clouds over level lines.
    billow = canvas.noise(5, 5, stretch=1.8)
    dark = np.clip(0.40 - 0.55 * y + 0.34 * billow, 0.0, 0.75)
    first = y + 0.028 * billow + 0.006 * np.sin(8 * x)
    second = 0.75 * x + 0.55 * y + 0.02 * billow
    pitch = np.full(canvas.shape, 112.0, np.float32)

    def lay(mask: Field, value: Field, one: Field, other: Field, lines: float) -> None:
        nonlocal dark, first, second, pitch
        dark, pitch = np.where(mask, np.clip(value, 0, 1), dark), np.where(mask, lines, pitch)
        first, second = np.where(mask, one, first), np.where(mask, other, second)

    # Cliffs far away, the sea, the beach.
    ridge = (
        0.50
        - 0.17 * np.exp(-(((x - 0.02) / 0.20) ** 2))
        - 0.05 * np.exp(-(((x - 0.27) / 0.09) ** 2))
    )
    ridge = ridge + 0.022 * canvas.noise(16, 5)[canvas.height // 3][None]
    cracks = canvas.noise(10, 5, stretch=0.35)
    lay(
        (y > ridge) & (x < 0.5),
        0.55 + 0.55 * cracks + 0.5 * (y - 0.45),
        x + 0.35 * y + 0.02 * cracks,
        y - 0.5 * x,
        120,
    )
    sea = y > 0.515
    near = np.clip((y - 0.515) / 0.3, 0.001, 1)
    swell = canvas.noise(14, 3, stretch=5)
    water = np.sqrt(near) * 0.36 + 0.012 * swell * near + 0.006 * near * np.sin(26 * x + 9 * soft)
    glint = np.exp(-(((x - 0.5) / 0.30) ** 2))
    lay(
        sea,
        0.62 + 0.55 * swell - 0.45 * glint - 0.15 * near,
        water,
        x * 0.9 + 0.3 * y + 0.02 * swell,
        112,
    )
    shore = 0.775 + 0.030 * np.sin(4.5 * x + 0.6) + 0.010 * np.sin(13 * x)
    foam = np.abs(y - shore + 0.004 + 0.004 * swell) < 0.011
    sand = y > shore
    dune = canvas.noise(7, 4, stretch=3)
    lay(
        sand,
        0.22 + 0.26 * dune + 0.5 * np.clip(y - 0.86, 0, 1),
        y + 0.020 * dune + 0.012 * np.sin(7 * x),
        x + 0.6 * y + 0.02 * dune,
        105,
    )
    dark = np.where(foam, 0.0, dark)

    # The shell's shadow, then the shell: a logarithmic spiral.
    cx, cy = 0.735, 0.50
    cast = np.hypot((x - cx - 0.20) / 0.50, (y - 0.865) / 0.060) + 0.10 * soft
    lay(cast < 1, 0.95 - 0.25 * cast, y + 0.02 * dune, x + 0.6 * y, 105)
    dx, dy = x - cx, y - cy
    turn = np.arctan2(dy, -dx)  # 0 on the left, growing clockwise
    away = np.hypot(dx, dy) + 1e-4
    growth = 0.172  # radius x 2.95 a turn
    whorl = (np.log(away / 0.385) / growth - (turn - 1.15)) / (2 * np.pi)
    number = np.ceil(whorl)
    place = whorl - number + 1  # 0 at the inner edge of a whorl, 1 at the outer
    total = number + (turn - 1.15) / (2 * np.pi)  # turns from the mouth, negative inside
    shell = (total <= 0.0) & (total > -4.2)
    bulge = np.sqrt(np.clip(1 - (2 * place - 1) ** 2, 0, 1))
    # The lamp is at the upper left.
    facing = (-0.6 * dx - 0.8 * dy) / away * (2 * place - 1)
    value = 0.54 - 0.66 * facing - 0.30 * bulge + 0.10 * soft
    value = value + 0.45 * np.exp(-place / 0.06)
    ribs = total * 2 * np.pi * 0.42 + 0.055 * np.sin(np.pi * place)
    lay(shell, value, ribs, place * 0.21 * np.clip(away / 0.3, 0.25, 1.2) + 0.02 * total, 62)
    stripe = np.sin(total * 2 * np.pi * 4.6 + 3.0 * place + 1.2 * canvas.noise(8, 2))
    flame = (
        step(stripe, 0.05, 0.4)
        * step(place, 0.18, 0.42)
        * step(total, -1.25, -0.9)
        * step(-total, 0.12, 0.2)
    )
    dark = np.where(shell, np.clip(dark + 0.40 * flame, 0.0, 1), dark)
    # The mouth.
    mx, my = cx - 0.385 * np.cos(1.15) * 0.78, cy + 0.385 * np.sin(1.15) * 0.78
    mouth = np.hypot(
        ((x - mx) * 0.45 + (y - my) * 0.89) / 0.085, ((x - mx) * 0.89 - (y - my) * 0.45) / 0.050
    )
    lay((mouth < 1) & shell, 1.02 - 0.35 * mouth, mouth * 0.10 + 0.2 * x, x - y, 120)
    edge = shell & ~_shrunk(canvas, shell, 0.0034)
    dark = np.where(edge, 1.0, dark)

    # Pebbles and a starfish.
    for _ in range(34):
        px, py = canvas.random.uniform(0, wide), canvas.random.uniform(0.85, 1.0)
        size = canvas.random.uniform(0.008, 0.030)
        across, down = (x - px) / (1.3 * size), (y - py) / (0.8 * size)
        far = np.hypot(across, down)
        lay(
            (np.hypot(across - 0.5, (down - 0.55) * 1.6) < 1) & ~shell,
            0.8 + 0 * x,
            y + 0 * x,
            x + 0.6 * y,
            105,
        )
        lay(
            far < 1,
            0.40 + 0.55 * across * 0.6 + 0.5 * down * 0.8,
            y - 0.35 * size * np.sqrt(np.clip(1 - far**2, 0, 1)),
            x + 0.5 * y,
            130,
        )
        dark = np.where((far > 0.88) & (far < 1), 0.95, dark)
    sx, sy, size = 0.27, 0.885, 0.105
    far = np.hypot(x - sx, (y - sy) * 1.45) / size
    star = np.arctan2((y - sy) * 1.45, x - sx)
    arm = np.abs((star * 5 / (2 * np.pi) + 0.2) % 1 - 0.5) * 2  # 0 between the arms, 1 along one
    inside = far < 0.30 + 0.70 * arm**2.6
    lay(
        np.hypot(x - sx - 0.018, (y - sy - 0.016) * 1.45) / size < 0.30 + 0.70 * arm**2.6,
        0.95 + 0 * x,
        y,
        x,
        105,
    )
    ridge_line = np.abs(arm - 1) * far
    lay(
        inside,
        0.30 + 1.3 * ridge_line * np.sign(y - sy + 0.4 * (x - sx)) + 0.25 * far,
        far * 0.12 + 0.05 * arm,
        star * 0.06,
        130,
    )
    rim = inside & ~_shrunk(canvas, inside, 0.003)
    dark = np.where(rim, 1.0, dark)
    # A frame.
    border = canvas.border
    dark = np.where(border < 0.030, 0.0, dark)
    dark = np.where((border > 0.024) & (border < 0.030), 1.2, dark)
    dark = np.where((border > 0.016) & (border < 0.0185), 1.2, dark)
    return dark.astype(np.float32), first, second, pitch


def _shrunk(canvas: Canvas, region: Field, width: float) -> Field:
    return canvas.depth(region) > width
