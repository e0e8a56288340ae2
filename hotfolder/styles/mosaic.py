"""Mosaic: a humming-bird at a flower, of glass tesserae.

The tesserae are the cells of a Voronoi diagram whose distance is that of a square turned along the
nearest outline (A. Hausner, *Simulating decorative mosaics*, SIGGRAPH 2001), so that they lie in
rows around every form.
"""

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from hotfolder.styles.canvas import (
    ASPECT,
    Canvas,
    Field,
    coloured,
    curve,
    image_of,
    lit,
    outlines,
    step,
)

GRID = 384
"""Rows of the grid on which the tesserae find their places."""

ROUNDS = 14
NEIGHBOURS = 9


def paint(height: int, seed: int = 21) -> Image.Image:
    if height < GRID:  # tesserae of a pixel would be all joints
        size = (round(height * ASPECT), height)
        return paint(GRID, seed).resize(size, Image.Resampling.BOX)
    cartoon = Canvas(GRID, seed)
    region, wish, size = _cartoon(cartoon)
    tesserae = _Tesserae(cartoon, region, size)
    canvas = Canvas(height, seed)
    tile = _colours(cartoon, wish[tesserae.places()])

    seeds = tesserae.centres
    tiles = tesserae.cover(canvas, _smooth_regions(canvas, region))
    depth = canvas.depth(~outlines(tiles))
    joint = 0.0012 * (1 + 0.5 * canvas.noise(40))
    glass = step(canvas.blurred(depth, 0.0006), joint, joint + 0.0011)

    lean = canvas.random.normal(0, 1, (2, len(seeds))).astype(np.float32)
    away = np.stack([canvas.x, canvas.y], -1) - seeds[tiles]
    slant = lean[0][tiles] * away[..., 0] + lean[1][tiles] * away[..., 1]
    streak = canvas.noise(60, 3, stretch=3)
    colour = tile[tiles] * (1 + 7 * slant + 0.07 * streak)[..., None]
    crown = np.minimum(depth / 0.0045, 1) ** 0.6
    relief = gaussian_filter((crown * 0.0042 + 0.0002 * canvas.noise(150)) * height, height / 1536)
    colour = lit(colour, relief, 0.55, 0.5)
    grout = np.array([0.10, 0.085, 0.08]) * (1 + 0.25 * canvas.grain()[..., None])
    return image_of(grout + (colour - grout) * glass[..., None])


def _cartoon(canvas: Canvas) -> tuple[Field, Field, Field]:
    """What is drawn: the number of the region, the colour and the size of tesserae, H x W."""
    x, y = canvas.x, canvas.y
    warp = canvas.noise(3, 2)
    sun = np.hypot(x - 0.93, y - 0.36)
    glow = np.clip(1.15 - 1.25 * sun + 0.06 * warp, 0, 1)
    sky = "0c2350 123d7e 1a66a8 2f97b8 7cc7bd d9e4b0 f7dc84 f6c04d"
    wish = coloured(glow, sky)
    region = (sun < 0.30).astype(int)
    wish[region == 1] = coloured(np.clip(sun / 0.30, 0, 1), "fff3c4 fbd867 f4b13a e0872c")[
        region == 1
    ]
    size = np.full(canvas.shape, 0.0215, np.float32)
    count = 1

    def lay(mask: Field, colour: Field, tessera: float) -> None:
        nonlocal count
        count += 1
        chosen = mask > 0.5
        region[chosen], size[chosen] = count, tessera
        wish[chosen] = np.broadcast_to(colour, wish.shape)[chosen]

    def leaf(x0: float, y0: float, x1: float, y1: float, belly: float, hues: str) -> None:
        start, end = np.array([x0, y0]), np.array([x1, y1])
        side = np.array([y0 - y1, x1 - x0]) * belly
        middle = (start + end) / 2
        upper = curve([start, middle + side, end], closed=False, count=40)
        lower = curve([end, middle - 0.55 * side, start], closed=False, count=40)
        along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / np.hypot(*(end - start)) ** 2
        shade = np.clip(0.25 + 0.6 * along + 0.1 * warp, 0, 1)
        for half, sign in ((upper, 1), (lower, -1)):
            vein = np.linspace(end if sign > 0 else start, start if sign > 0 else end, 40)
            tint = coloured(np.clip(shade - 0.16 * (sign < 0), 0, 1), hues)
            lay(canvas.inside(np.concatenate([half, vein])), tint, 0.0165)

    greens = "0d3b2e 1c6a45 4a9d4c a5cf5a e0ec9a"
    for shape in (
        (0.20, 1.02, 0.02, 0.52, 0.20),
        (0.22, 1.02, 0.50, 0.66, 0.24),
        (0.30, 1.05, 0.80, 0.86, 0.22),
        (0.86, 1.08, 1.30, 0.80, 0.24),
        (0.10, 1.05, 0.30, 0.78, 0.25),
    ):
        leaf(*shape, greens)
    stem = canvas.along(curve([(0.30, 0.56), (0.27, 0.78), (0.20, 1.05)], closed=False))
    lay(stem < 0.012, coloured(np.clip(y, 0, 1), "a5cf5a 1c6a45"), 0.014)

    fx, fy = 0.285, 0.47
    for turn, reach, hues in (
        (3.6, 0.27, "7a0f2b b81f3a e2492f f58a3c"),
        (5.6, 0.23, "7a0f2b b81f3a e2492f f58a3c"),
        (2.45, 0.25, "8f1437 cf2c49 f0603f fbb05a"),
        (1.3, 0.22, "8f1437 cf2c49 f0603f fbb05a"),
        (4.6, 0.26, "9d1b45 dd3d56 f77f62 fdc98a"),
        (0.35, 0.19, "9d1b45 dd3d56 f77f62 fdc98a"),
    ):
        away = np.array([np.cos(turn), np.sin(turn)])
        side = np.array([-away[1], away[0]]) * reach * 0.36
        tip = np.array([fx, fy]) + away * reach
        petal = [(fx, fy), tip - 0.45 * away * reach + side, tip, tip - 0.45 * away * reach - side]
        far = np.hypot(x - fx, y - fy) / reach
        lay(canvas.inside(curve(petal)), coloured(np.clip(far, 0, 1), hues), 0.0165)
    lay(
        np.hypot(x - fx, y - fy) < 0.045,
        coloured(np.clip(np.hypot(x - fx, y - fy) / 0.045, 0, 1), "fff0a8 f7b52c"),
        0.012,
    )

    def feathers(root: tuple[float, float], tips: Field, belly: float, hues: str) -> None:
        for number, tip in enumerate(tips):
            start = np.array(root) + 0.10 * number / len(tips) * np.array([0.6, 0.5])
            side = np.array([start[1] - tip[1], tip[0] - start[0]]) * belly
            middle = start + 0.62 * (tip - start)
            far = np.hypot(x - start[0], y - start[1]) / np.hypot(*(tip - start))
            tint = coloured(np.clip(far + 0.05 * (number % 2), 0, 1), hues)
            lay(canvas.inside(curve([start, middle + side, tip, middle - side])), tint, 0.0145)

    far_wing = np.array([(0.80, 0.02), (0.72, 0.03), (0.655, 0.09), (0.63, 0.17)])
    feathers((0.765, 0.40), far_wing, 0.10, "16204f 243f8c 3f6fc0 8fb4e0")
    tail = np.array([(1.12, 0.93), (1.06, 0.97), (0.99, 0.98), (1.17, 0.87)])
    feathers((0.90, 0.60), tail, 0.10, "0b3f45 11665e 1b9079 8a2f6f")
    body = [(0.60, 0.315), (0.665, 0.275), (0.735, 0.30), (0.83, 0.40), (0.955, 0.60)]
    body += [(0.995, 0.71), (0.90, 0.675), (0.78, 0.58), (0.685, 0.475), (0.625, 0.385)]
    back = (x - 0.60) * 0.62 - (y - 0.315) * 0.78  # towards the back of the bird
    tint = coloured(np.clip(0.50 - 3.4 * back, 0, 1), "0a4a3f 0f7a57 2fae5f 8fd35a e9efc8 f7f3e0")
    lay(canvas.inside(curve(body)), tint, 0.0125)
    throat = [(0.605, 0.335), (0.655, 0.345), (0.70, 0.40), (0.715, 0.475), (0.66, 0.43)]
    lay(
        canvas.inside(curve(throat)),
        coloured(np.clip((y - 0.33) / 0.14, 0, 1), "f2487a d81b60 9a1050"),
        0.0105,
    )
    near_wing = np.array(
        [(1.26, 0.10), (1.20, 0.045), (1.12, 0.03), (1.03, 0.05), (0.955, 0.10), (1.28, 0.18)]
    )
    feathers(
        (0.775, 0.42), near_wing[[5, 0, 1, 2, 3, 4]], 0.085, "1a1550 3a2a8c 6a4fc0 b79be6 efe3fa"
    )
    shoulder = [(0.755, 0.42), (0.82, 0.335), (0.93, 0.315), (0.94, 0.39), (0.84, 0.47)]
    lay(
        canvas.inside(curve(shoulder)),
        coloured(np.clip((x - 0.75) / 0.2, 0, 1), "0f7a57 17a089 4fc6c0"),
        0.011,
    )
    beak = [(0.612, 0.322), (0.45, 0.405), (0.335, 0.462), (0.45, 0.417), (0.612, 0.345)]
    lay(canvas.inside(beak), np.array([0.08, 0.07, 0.10]), 0.011)
    lay(np.hypot(x - 0.662, y - 0.318) < 0.017, np.array([0.95, 0.93, 0.85]), 0.01)
    lay(np.hypot(x - 0.662, y - 0.318) < 0.0115, np.array([0.03, 0.03, 0.05]), 0.02)
    return region, wish, size


def _angles(canvas: Canvas, region: Field) -> Field:
    """H x W, the way of the nearest outline."""
    depth = canvas.blurred(canvas.depth(~outlines(region)), 0.006)
    down, right = np.gradient(depth)
    doubled = (right + 1j * down) ** 2  # a square turned by half a circle is the same
    blurred = canvas.blurred(doubled.real, 0.01) + 1j * canvas.blurred(doubled.imag, 0.01)
    return np.angle(blurred) / 2


class _Tesserae:
    """Where the tesserae lie, each in the middle of the pixels that are nearest to it (Lloyd)."""

    def __init__(self, cartoon: Canvas, region: Field, size: Field) -> None:
        """`region` and `size` are H x W of the cartoon."""
        random = cartoon.random
        self._last = np.array([cartoon.height, cartoon.width]) - 1
        self._region, self._size = region, size
        self._angle = _angles(cartoon, region)
        chance = 1 / (size * GRID) ** 2
        count = int(chance.sum())
        flat = random.choice(chance.size, count, replace=False, p=(chance / chance.sum()).ravel())
        start = np.stack([flat % cartoon.width, flat // cartoon.width], 1)
        self.centres = ((start + random.random((count, 2))) / GRID).astype(np.float32)
        """N x 2: x, y."""
        for _ in range(ROUNDS):
            tiles = self.cover(cartoon, region).ravel()
            number = np.bincount(tiles, minlength=count)
            held = number > 0
            for axis, place in enumerate((cartoon.x, cartoon.y)):
                mean = np.bincount(tiles, place.ravel(), minlength=count)[held] / number[held]
                self.centres[held, axis] = mean

    def places(self) -> tuple[Field, Field]:
        """Row and column in the cartoon of each."""
        row, column = (self.centres[:, ::-1] * GRID).astype(int).clip(0, self._last).T
        return row, column

    def cover(self, canvas: Canvas, region: Field) -> Field:
        """H x W, the number of the tessera at each pixel; none reaches over into another region."""
        at = self.places()
        turn, own, size = self._angle[at], self._region[at], self._size[at]
        points = np.stack([canvas.x.ravel(), canvas.y.ravel()], 1)
        near = cKDTree(self.centres).query(points, NEIGHBOURS)[1]
        best = np.full(len(points), np.inf, np.float32)
        chosen = np.zeros(len(points), int)
        for who in near.T:
            right, down = (points - self.centres[who]).T
            cos, sin = np.cos(turn[who]), np.sin(turn[who])
            far = np.maximum(np.abs(right * cos + down * sin), np.abs(down * cos - right * sin))
            far = far / size[who] + 3.0 * (own[who] != region.ravel())
            closer = far < best
            best[closer], chosen[closer] = far[closer], who[closer]
        return chosen.reshape(canvas.shape)


def _smooth_regions(onto: Canvas, drawn: Field) -> Field:
    """The regions at the size of `onto`, their outlines without stairs."""
    best = np.full(onto.shape, -1.0, np.float32)
    region = np.zeros(onto.shape, int)
    for number in np.unique(drawn):
        mask = Image.fromarray(gaussian_filter((drawn == number).astype(np.float32), 0.8))
        share = np.asarray(mask.resize((onto.width, onto.height), Image.Resampling.BICUBIC))
        more = share > best
        best[more], region[more] = share[more], number
    return region


def _colours(canvas: Canvas, wish: Field) -> Field:
    """N x 3: the colour wished for, as the glass at hand comes near it."""
    random = canvas.random
    value = 1 + random.normal(0, 0.13, (len(wish), 1))
    shift = random.normal(0, 0.035, (len(wish), 3))
    grey = wish.mean(1, keepdims=True)
    vivid = grey + (wish - grey) * (1.15 + random.normal(0, 0.12, (len(wish), 1)))
    bold = random.random((len(wish), 1)) < 0.05
    return np.clip(vivid * np.where(bold, value * 1.35, value) + shift, 0.01, 1).astype(np.float32)
