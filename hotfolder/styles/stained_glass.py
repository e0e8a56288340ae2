"""Stained glass: a lily before the sun, in coloured glass and lead.

Light comes through: the glass glows where it is thin, its streaks and bubbles show, and paint that
was rubbed off in the middle of each piece darkens it towards the lead.
"""

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from hotfolder.styles.canvas import (
    Canvas,
    Field,
    coloured,
    curve,
    image_of,
    lit,
    mix,
    outlines,
    rgb,
    step,
)

LEAD = "14151a"


def paint(height: int, seed: int = 33) -> Image.Image:
    canvas = Canvas(height, seed)
    wish, piece, line = _cartoon(canvas)
    from_edge = canvas.depth(~outlines(piece))
    lead = 0.0052 * (1 + 0.12 * canvas.noise(14)) * line
    came = step(lead - from_edge, -0.0006, 0.0006)

    numbers, index = np.unique(piece, return_inverse=True)
    index = index.reshape(canvas.shape)
    random = canvas.random
    value = random.normal(0, 0.16, len(numbers))
    shift = random.normal(0, 0.05, (len(numbers), 3))
    slope = random.normal(0, 1, (2, len(numbers)))
    swirl = canvas.noise(4, 5)
    streak = np.sin(9 * (slope[0][index] * canvas.x + slope[1][index] * canvas.y) + 6 * swirl)
    ripple = canvas.noise(26, 3, stretch=2) + 0.5 * canvas.noise(90, 2)
    bubbles = step(canvas.noise(150), 1.02, 1.12)
    through = 1 + value[index] + 0.16 * streak + 0.10 * ripple
    glass = (
        np.clip(wish + shift[index].astype(np.float32), 0.01, 1)
        ** (1 / np.clip(through, 0.5, 1.6))[..., None]
    )
    matting = np.exp(-np.clip(from_edge - lead, 0, 1) / 0.011) * (0.75 + 0.35 * canvas.noise(40, 3))
    glass = glass * (1 - 0.62 * np.clip(matting, 0, 1))[..., None]
    glass = mix(glass, np.minimum(1, glass * 1.5 + 0.08), bubbles * 0.7)
    glass = lit(glass, gaussian_filter(ripple, height / 1200) * 1.4 * height / 1536, 0.16, 0.35)

    round_bar = np.sqrt(np.clip(1 - (from_edge / np.maximum(lead, 1e-4)) ** 2, 0, 1))
    relief = gaussian_filter(round_bar * lead * height, height / 1100) + 0.35 * canvas.noise(120, 2)
    metal = rgb(LEAD)[0] * (1 + 0.3 * canvas.noise(60, 2))[..., None]
    metal = lit(np.broadcast_to(metal, glass.shape), relief, 0.8, 0.9)
    shown = mix(glass, metal, came)
    # Bright glass outshines the lead beside it.
    glow = canvas.blurred(np.clip(shown - 0.35, 0, 1), 0.008) * 0.5
    glow += canvas.blurred(np.clip(shown - 0.5, 0, 1), 0.03) * 0.35
    return image_of(1 - (1 - np.clip(shown, 0, 1)) * (1 - np.clip(glow, 0, 1)))


def _cartoon(canvas: Canvas) -> tuple[Field, Field, Field]:
    """H x W each: colour, number of the piece, thickness of the lead around it."""
    x, y = canvas.x, canvas.y
    random = canvas.random
    sx, sy = 0.667, 0.43
    away = np.hypot(x - sx, y - sy)
    angle = np.arctan2(y - sy, x - sx)
    bands = np.array([0.0, 0.15, 0.245, 0.36, 0.49, 0.64, 0.9, 2.0])
    bent = away + 0.016 * np.sin(angle * 12) * step(away, 0.15, 0.3) + 1e-3
    ring = np.digitize(bent, bands)
    spokes = np.array([1, 6, 12, 12, 24, 24, 24, 24])[ring - 1]
    turn = np.array([0, 0.3, 0, 0.5, 0, 0.5, 0, 0.5])[ring - 1]
    wave = 0.35 * np.sin(10 * away)
    sector = (
        np.floor((angle / (2 * np.pi) + 0.5) * spokes + turn + 0.25 * wave).astype(int) % spokes
    )
    piece = ring * 100 + sector
    wish = np.zeros((*canvas.shape, 3), np.float32)
    hues = (
        "fff6c0",
        "ffe27a ffd24a",
        "ffb52e ff9a1f f7c64a",
        "f4702a e8542a f28c2e",
        "c72f4a a8285f d8455a 8a2a7a",
        "5a3a9a 3f4fb5 7a4fb0 2f6fc0",
        "1f4fa8 1b6fa8 2a3f90 2a8fb0",
        "16306a 1d4a8a 142457 1f6a8f",
    )
    for number, names in enumerate(hues, 1):
        colours = rgb(names)
        chosen = (sector * 7 + number * 3 + (sector // 3)) % len(colours)
        wish = np.where((ring == number)[..., None], colours[chosen], wish)
    line = np.ones(canvas.shape, np.float32)
    count = 2000

    def lay(mask: Field, hue: Field, parts: Field | int = 0) -> None:
        nonlocal count, piece, wish
        chosen = mask > 0.5
        piece = np.where(chosen, count + parts, piece)
        wish = np.where(chosen[..., None], hue, wish)
        count += 50

    # Hills and a stream below.
    for number, (level, swing, names) in enumerate(
        (
            (0.70, 0.05, "2f7f5a 4f9f4a 2a6f6a"),
            (0.80, 0.04, "1f6f4a 8fb53a 2f8f5a"),
            (0.90, 0.03, "14504a 2f7f3a 5a9f3a"),
        )
    ):
        crest = level + swing * np.sin(4 * x + 2.1 * number) + 0.25 * swing * np.sin(9 * x)
        parts = np.floor(x * 6.5 + 0.4 * number + 0.8 * (y - level) * np.cos(5 * x)).astype(int)
        colours = rgb(names)
        lay((y > crest) * 1.0, colours[parts % len(colours)], parts)
    course = 0.70 + 0.075 * np.sin(13 * (y - 0.66))
    stream = (np.abs(x - course) < 0.022 + 0.36 * np.clip(y - 0.715, 0, 1)) & (y > 0.715)
    parts = np.floor(np.clip(y - 0.7, 0, 1) ** 0.7 * 17 + 5 * (x - course)).astype(int)
    lay(stream * 1.0, rgb("8fd8e8 4fb0e0 c8eef0 2f8fd0")[parts % 4], parts)

    # Lilies with their leaves.
    for fx, fy, size, lean in (
        (0.36, 0.40, 0.27, -0.15),
        (0.98, 0.50, 0.23, 0.2),
        (0.15, 0.66, 0.17, -0.3),
    ):
        path = curve(
            [(fx, fy), (fx + 0.05, (fy + 1) / 2), (fx + 0.12 - 0.3 * lean, 1.05)], closed=False
        )
        parts = np.floor(y * 6).astype(int)
        lay((canvas.along(path) < 0.0125) * 1.0, rgb("6fae3a 4f8f3a")[parts % 2], parts)
        for side, rise, reach in ((-1, 0.62, 0.9), (1, 0.74, 1.0), (-1, 0.88, 0.8)):
            foot = path[int(rise * 199)]
            tip = foot + size * reach * np.array([side * 0.85, -0.55])
            bow = size * 0.24 * np.array([-side * 0.35, -0.9])
            mid = (foot + tip) / 2
            upper = curve([foot, mid + bow, tip], closed=False)
            middle = curve([foot, mid + 0.42 * bow, tip], closed=False)
            lower = curve([foot, mid - 0.15 * bow, tip], closed=False)
            for one, other, names in (
                (upper, middle, "a8cf4a 7ab53a"),
                (middle, lower, "2f8a4a 1f6f4f"),
            ):
                parts = np.floor(np.hypot(x - foot[0], y - foot[1]) / (0.36 * size)).astype(int)
                lay(canvas.inside(np.concatenate([one, other[::-1]])), rgb(names)[parts % 2], parts)
        for order in (0, 5, 1, 4, 2, 3):
            turn = -np.pi / 2 + lean + (order - 2.5) * 0.62
            reach = size * (1.05 if order in (2, 3) else 0.95)
            ahead = np.array([np.cos(turn), np.sin(turn)])
            across = np.array([-ahead[1], ahead[0]])
            root, tip = np.array([fx, fy]), np.array([fx, fy]) + reach * ahead
            curl = 0.10 * reach * np.sign(order - 2.5) * across
            rib = curve([root, root + 0.55 * reach * ahead, tip + curl], closed=False)
            for sign, names in ((-1, "ffe9ee f7b8cf e87aa8"), (1, "fff7f2 fbd0dc f094b8")):
                rim = curve(
                    [root, root + 0.45 * reach * ahead + sign * 0.20 * reach * across, tip + curl],
                    closed=False,
                )
                far = np.hypot(x - fx, y - fy) / reach
                hue = coloured(np.clip(1.05 - far, 0, 1), names)
                lay(canvas.inside(np.concatenate([rib, rim[::-1]])), hue)
        for order in range(5):
            turn = -np.pi / 2 + lean + (order - 2) * 0.25
            tip = np.array([fx, fy]) + 0.42 * size * np.array([np.cos(turn), np.sin(turn)])
            lay((np.hypot((x - tip[0]), (y - tip[1])) < 0.045 * size) * 1.0, rgb("f0a020")[0])
    # Breaks across the largest pieces.
    seeds = random.random((260, 2)) * [1.34, 1]
    near = cKDTree(seeds).query(np.stack([x.ravel(), y.ravel()], 1))[1].reshape(canvas.shape)
    large = (piece > 500) & (piece < 900)
    piece = np.where(large, piece * 1000 + near // 2, piece)
    # The border.
    border = canvas.border
    side = np.where((x < 0.045) | (x > canvas.width / canvas.height - 0.045), y, x)
    parts = np.floor(side * 9.5).astype(int)
    lay((border < 0.045) * 1.0, rgb("7a1f2a 1f5f4a 9a2f2f 17406a")[parts % 4], parts)
    line = np.where(border < 0.047, 1.25, line)
    return wish, piece, line
