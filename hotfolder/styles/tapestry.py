"""Tapestry: a bird in a flowering tree, woven of wool.

The weft covers the warp: every row of it shows one yarn over, one under. Outlines go in steps, and
colours meet in hatchings, as on a loom. Yarns are dyed unevenly, twisted and a little hairy.
"""

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from hotfolder.styles.canvas import Canvas, Field, curve, image_of, lit, rgb, step

ROWS = 170
"""Wefts to the height."""

COLUMNS = 112
"""Warps to the height."""

YARNS = {
    "navy": "1b2340",
    "blue": "25386b",
    "petrol": "2f5d7c",
    "sky": "5b93a0",
    "mist": "a9c4b4",
    "cream": "f0e3c4",
    "gold": "e2b04a",
    "orange": "d9822f",
    "red": "c4472d",
    "wine": "8e2436",
    "fir": "2f5a40",
    "leaf": "6b8f47",
    "lime": "b7b85a",
    "rose": "d98f8f",
    "bark": "3a2420",
}


def paint(height: int, seed: int = 41) -> Image.Image:
    canvas = Canvas(height, seed)
    random = canvas.random
    # The cloth is never quite straight.
    x = canvas.x + 0.0022 * canvas.noise(5, 2) + 0.0005 * canvas.noise(60)
    y = canvas.y + 0.0024 * canvas.noise(5, 2) + 0.0005 * canvas.noise(60)
    warp, weft = x * COLUMNS, y * ROWS
    column = np.floor(warp).astype(int)
    row = np.floor(weft + 0.5 * (column % 2)).astype(int)
    across = warp - column - 0.5
    down = weft + 0.5 * (column % 2) - row - 0.5

    cartoon = Canvas(4 * ROWS, seed)
    design, palette = _design(cartoon)
    # Along an outline every other weft reaches over.
    reach = (row % 2 - 0.5) * 0.9 + (row % 4 == 0) * 0.7
    at_x = np.clip((column + 0.5 + reach) / COLUMNS, 0, canvas.width / height - 0.003)
    at_y = np.clip((row - 0.25 * (column % 2) + 0.25) / ROWS, 0, 0.998)
    yarn = design[(at_y * cartoon.height).astype(int), (at_x * cartoon.height).astype(int)]

    shades = len(palette)
    batch = random.normal(0, 0.07, (ROWS + 8, shades))  # no two skeins are dyed alike
    abrash = gaussian_filter(batch, (3, 0)) * 2.2 + 0.5 * batch
    stitch = random.normal(0, 0.05, (ROWS + 8, int(COLUMNS * 1.34) + 8))
    value = 1 + abrash[row.clip(0), yarn] + stitch[row.clip(0), column.clip(0)]
    colour = palette[yarn] * value[..., None]
    fibre = canvas.noise(240, 2, stretch=3)
    colour = colour * (1 + 0.09 * fibre + 0.10 * canvas.noise(3, 3))[..., None]

    bead = np.clip(1 - (2 * np.abs(across)) ** 2.6, 0, 1) * np.clip(
        1 - (2 * np.abs(down)) ** 2.4, 0, 1
    )
    twist = 0.5 + 0.5 * np.sin(2 * np.pi * (warp * 2.2 + weft * 1.5))
    relief = (bead**0.55 + 0.20 * twist * bead) * 5.2 + 0.8 * fibre * bead
    shade = 0.28 + 0.72 * step(bead, 0.0, 0.55)
    colour = colour * shade[..., None] * (0.90 + 0.16 * twist * bead)[..., None]
    fuzz = gaussian_filter(canvas.grain(1 / 1100), (height / 2600, height / 700))
    colour = colour * (1 + 0.35 * fuzz)[..., None]
    relief = gaussian_filter(relief, height / 1800) * height / 1536
    return image_of(lit(colour, relief * 0.55, 0.34) * 1.12)


def _design(canvas: Canvas) -> tuple[Field, Field]:
    """The number of the yarn, H x W, and the yarns' colours."""
    palette = rgb(" ".join(YARNS.values()))
    yarns = {name: index for index, name in enumerate(YARNS)}
    navy, blue, petrol, sky, mist = (yarns[n] for n in ("navy", "blue", "petrol", "sky", "mist"))
    cream, gold, orange, red = (yarns[n] for n in ("cream", "gold", "orange", "red"))
    wine, rose, bark = yarns["wine"], yarns["rose"], yarns["bark"]
    fir, leaf, lime = yarns["fir"], yarns["leaf"], yarns["lime"]
    x, y = canvas.x, canvas.y
    wide = canvas.width / canvas.height
    hatch = ((y * ROWS).astype(int) % 2) * 0.05 + 0.02 * canvas.noise(6, 2)
    sun = np.hypot(x - 0.40, y - 0.34) + hatch
    yarn = np.digitize(sun, [0.13, 0.165, 0.20, 0.285, 0.37, 0.47, 0.60, 0.76])
    yarn = np.array([cream, gold, orange, gold, orange, rose, sky, petrol, blue])[yarn]
    rays = np.cos(24 * np.arctan2(y - 0.34, x - 0.40))
    yarn = np.where((sun > 0.20) & (sun < 0.285) & (rays > 0.1), red, yarn)

    def lay(mask: Field, number: int | Field) -> None:
        nonlocal yarn
        yarn = np.where(mask, number, yarn)

    for level, swing, tilt, one, other in (
        (0.66, 0.050, 0.3, petrol, fir),
        (0.735, 0.045, 2.2, fir, leaf),
        (0.81, 0.035, 4.4, leaf, lime),
    ):
        crest = level + swing * np.sin(4.4 * x + tilt)
        below = y - crest + hatch * 0.6
        bands = np.floor(below * 26).astype(int)
        lay(y > crest, np.where(bands % 2 == 0, one, other))

    # The tree and its leaves.
    for path, width in (
        ([(1.02, 0.93), (0.99, 0.70), (1.03, 0.48), (0.98, 0.22)], 0.030),
        ([(1.01, 0.60), (0.86, 0.50), (0.66, 0.545), (0.42, 0.52)], 0.017),
        ([(1.01, 0.50), (1.14, 0.38), (1.26, 0.33)], 0.015),
        ([(1.00, 0.33), (0.88, 0.23), (0.74, 0.13)], 0.013),
        ([(0.99, 0.26), (1.07, 0.14), (1.18, 0.08)], 0.012),
        ([(1.00, 0.66), (1.14, 0.61), (1.27, 0.62)], 0.014),
    ):
        line = curve(path, closed=False)
        lay(canvas.along(line) < width * (0.75 + 0.6 * np.clip(y - 0.4, 0, 1)), bark)
        for number in range(16, 196, 24 if width < 0.03 else 60):
            foot, ahead = line[number], line[number] - line[number - 8]
            ahead = ahead / np.hypot(*ahead)
            for sign in (1, -1):
                turn = np.arctan2(ahead[1], ahead[0]) + sign * 0.95
                away = np.array([np.cos(turn), np.sin(turn)])
                side = np.array([-away[1], away[0]]) * 0.026
                tip = foot + 0.098 * away
                blade = curve([foot, foot + 0.05 * away + side, tip, foot + 0.05 * away - side])
                tones = ((fir, leaf), (lime, leaf), (petrol, sky))[(number + sign) % 3]
                lay(canvas.inside(blade) > 0.5, tones[0])
                over = ((x - foot[0]) * side[0] + (y - foot[1]) * side[1]) * sign > 0
                lay((canvas.inside(blade) > 0.5) & over, tones[1])

    def flower(cx: float, cy: float, size: float, outer: int, inner: int, heart: int) -> None:
        away = np.hypot(x - cx, y - cy) / size
        petals = 0.72 + 0.28 * np.cos(8 * np.arctan2(y - cy, x - cx))
        lay(away < petals * 1.14, navy)
        lay(away < petals, outer)
        lay(away < petals * 0.66, inner)
        lay(away < 0.30, heart)
        lay(away < 0.14, wine)

    for shape in (
        (0.77, 0.14, 0.085, red, rose, gold),
        (1.22, 0.09, 0.075, rose, cream, gold),
        (1.28, 0.34, 0.080, red, orange, cream),
        (0.99, 0.17, 0.065, cream, rose, gold),
        (1.20, 0.62, 0.085, wine, red, gold),
        (1.16, 0.42, 0.050, gold, cream, red),
        (0.13, 0.84, 0.095, red, orange, cream),
        (0.36, 0.88, 0.075, cream, rose, gold),
        (0.60, 0.85, 0.090, wine, rose, gold),
        (0.82, 0.90, 0.070, gold, cream, orange),
        (1.27, 0.86, 0.085, red, rose, gold),
    ):
        flower(*shape)

    # The bird on the bough.
    body = [
        (0.545, 0.235),
        (0.60, 0.245),
        (0.66, 0.31),
        (0.72, 0.42),
        (0.70, 0.49),
        (0.61, 0.515),
        (0.525, 0.46),
        (0.485, 0.37),
        (0.495, 0.275),
    ]
    tail = [
        (0.68, 0.44),
        (0.83, 0.58),
        (0.90, 0.74),
        (0.85, 0.755),
        (0.80, 0.73),
        (0.76, 0.75),
        (0.715, 0.72),
        (0.66, 0.50),
    ]
    for outline, grow in ((tail, 1.0), (body, 1.0)):
        shape = curve(outline)
        middle = shape.mean(0)
        lay(canvas.inside(middle + (shape - middle) * 1.07 * grow) > 0.5, navy)
    inside = canvas.inside(curve(tail)) > 0.5
    stripes = np.floor((x - y * 0.55) * 38).astype(int) % 4
    lay(inside, np.array([red, gold, petrol, cream])[stripes])
    inside = canvas.inside(curve(body)) > 0.5
    lay(inside, np.where(y - 0.36 > 0.9 * (x - 0.55) + hatch, orange, red))
    lay(inside & (y - 0.41 > 0.9 * (x - 0.55) + hatch), gold)
    lay(inside & (y < 0.315 - 0.25 * (x - 0.55) + hatch * 0.5), wine)
    wing = curve(
        [(0.575, 0.335), (0.65, 0.35), (0.72, 0.46), (0.76, 0.56), (0.67, 0.50), (0.59, 0.44)]
    )
    lay(canvas.inside(wing.mean(0) + (wing - wing.mean(0)) * 1.12) > 0.5, navy)
    plumes = np.floor(((x - 0.575) * 0.7 + (y - 0.335) * 0.7) * 52).astype(int) % 3
    lay(canvas.inside(wing) > 0.5, np.array([petrol, sky, mist])[plumes])
    lay(canvas.inside([(0.505, 0.265), (0.43, 0.295), (0.50, 0.315)]) > 0.5, gold)
    eye = np.hypot(x - 0.543, y - 0.282)
    lay(eye < 0.021, cream)
    lay(eye < 0.0115, navy)

    # A border of lozenges.
    edge = np.minimum(np.minimum(x, wide - x), np.minimum(y, 1 - y))
    side = np.where((x < 0.07) | (x > wide - 0.07), y, x)
    lozenge = np.abs((side * 11) % 1 - 0.5) * 2 + np.abs(edge - 0.034) / 0.026
    lay(edge < 0.068, wine)
    lay((edge < 0.068) & (lozenge < 1.0), gold)
    lay((edge < 0.068) & (lozenge < 0.55), petrol)
    lay((edge < 0.068) & (lozenge < 0.22), cream)
    lay((edge > 0.060) & (edge < 0.068), cream)
    lay(edge < 0.007, navy)
    return yarn, palette
