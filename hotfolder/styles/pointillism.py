"""Pointillism: a river bank under trees on a summer's day, in points of unmixed colour.

Every point takes the colour of its place apart: some lighter, some of the hue beside it, some of
its complement; the eye puts them together again.
"""

import colorsys

import numpy as np
from PIL import Image, ImageDraw

from hotfolder.styles.canvas import Canvas, Field, coloured, curve, image_of, lit, mix, rgb, step

GROUND = "e9dcc0"
LAYERS = ((0.0105, 2.6), (0.0078, 2.4), (0.0056, 1.5))
"""Radius of the points, and how often a layer covers the canvas."""


def paint(height: int, seed: int = 17) -> Image.Image:
    canvas = Canvas(height, seed)
    scene = _scene(canvas)
    random = canvas.random
    scale = 2
    size = (scale * canvas.width, scale * canvas.height)
    colours = Image.new("RGB", size, _bytes(rgb(GROUND)[0]))
    relief = Image.new("L", size, 0)
    paint_colour, paint_relief = ImageDraw.Draw(colours), ImageDraw.Draw(relief)
    for radius, times in LAYERS:
        pitch = radius * 1.7 / times**0.5
        for x, y, py, px in canvas.scattered(pitch):
            own = _divided(scene[py, px], random)
            reach = radius * random.uniform(0.62, 1.08) * height * scale
            cx, cy = x * height * scale, y * height * scale
            long, turn = reach * random.uniform(0.95, 1.2), random.uniform(0.85, 1.0)
            box = (cx - long, cy - reach * turn, cx + long, cy + reach * turn)
            paint_colour.ellipse(box, fill=_bytes(own))
            thick = int(random.uniform(120, 230))
            paint_relief.ellipse(box, fill=thick // 3)
            for share in (0.85, 0.62):
                inner = (
                    cx - share * long,
                    cy - share * reach * turn,
                    cx + share * long,
                    cy + share * reach * turn,
                )
                paint_relief.ellipse(inner, fill=int(thick * (1.35 - share)))
    small = (canvas.width, canvas.height)
    flat = np.asarray(colours.resize(small, Image.Resampling.LANCZOS), np.float32) / 255
    body = np.asarray(relief.resize(small, Image.Resampling.LANCZOS), np.float32) / 255
    weave = 0.10 * np.sin(canvas.x * 1150) * np.sin(canvas.y * 1150)
    body = canvas.blurred(body + weave, 0.0006) * 4.2 * height / 1536
    return image_of(lit(flat, body, 0.26, 0.12))


def _divided(colour: Field, random: np.random.Generator) -> Field:
    """One of the pure colours that a colour is made of."""
    hue, light, vivid = colorsys.rgb_to_hls(*map(float, colour))
    kind = random.random()
    if kind < 0.12:  # the complement
        hue, light, vivid = hue + 0.5, light * 0.95, vivid * 0.75
    elif kind < 0.30:  # sunlight or shade
        warm = light > 0.45
        goal = 0.125 if warm else 0.68
        hue += 0.45 * ((goal - hue + 0.5) % 1 - 0.5)
        light = light + (0.14 if warm else -0.06)
        vivid = min(1, vivid * 1.25)
    else:
        hue += random.normal(0, 0.035)
        light *= 1 + random.normal(0, 0.13)
        vivid = min(1, vivid * random.uniform(1.0, 1.45))
    return np.array(colorsys.hls_to_rgb(hue % 1, min(0.95, max(0.04, light)), min(1, vivid)))


def _scene(canvas: Canvas) -> Field:
    x, y = canvas.x, canvas.y
    random = canvas.random
    leaves = canvas.noise(13, 4)
    soft = canvas.noise(3, 3)
    colour = coloured(np.clip(y / 0.42 + 0.10 * soft, 0, 1), "5fa8e0 8cc4ea c3e0ea f7ead0 fbdcb4")
    clouds = step(canvas.noise(4, 5, stretch=2.6) - 0.9 * y, 0.15, 0.75)
    colour = mix(colour, coloured(np.clip(0.6 - soft, 0, 1), "fffaf0 f6dfe0 d9cfe8"), 0.8 * clouds)

    # The far bank and the water with its lights.
    bank = 0.40 + 0.018 * np.sin(6 * x) + 0.022 * canvas.noise(10, 4)[canvas.height // 3][None]
    far = coloured(
        np.clip(0.5 + 0.5 * leaves - 2.5 * (y - 0.38), 0, 1), "2f5f7a 4f8f7a 8fbf6a e0d878"
    )
    colour = mix(colour, far, step(y - bank, 0, 0.006))
    water = y > 0.475
    ripple = canvas.noise(34, 2, stretch=7)
    mirror = coloured(
        np.clip((y - 0.475) / 0.42 + 0.22 * ripple, 0, 1), "a8cbb0 7fb9d8 4f98d4 3478c0 2a5fa8"
    )
    glitter = np.exp(-(((x - 0.62) / (0.05 + 0.30 * np.clip(y - 0.45, 0, 1))) ** 2))
    mirror = mix(mirror, rgb("fff3c8")[0], step(ripple + 1.1 * glitter, 0.95, 1.3) * 0.9)
    colour = np.where(water[..., None], mirror, colour)

    for cx, foot, size, hue in (
        (0.60, 0.515, 0.155, "fffaf0"),
        (0.82, 0.50, 0.10, "f7c9a0"),
        (0.47, 0.495, 0.075, "f5efe0"),
    ):
        mast = np.array([cx, foot - size])
        sail = canvas.inside(
            [mast, (cx + 0.42 * size, foot - 0.16 * size), (cx, foot - 0.10 * size)]
        )
        jib = canvas.inside(
            [mast, (cx - 0.30 * size, foot - 0.14 * size), (cx - 0.02 * size, foot - 0.10 * size)]
        )
        hull = canvas.inside(
            curve(
                [
                    (cx - 0.34 * size, foot - 0.07 * size),
                    (cx, foot - 0.06 * size),
                    (cx + 0.46 * size, foot - 0.07 * size),
                    (cx + 0.25 * size, foot + 0.05 * size),
                    (cx - 0.2 * size, foot + 0.05 * size),
                ]
            )
        )
        shine = (
            np.exp(-(((x - cx) / (0.30 * size)) ** 2))
            * step(y, foot, foot + 0.01)
            * step(foot + 0.8 * size - y, 0, 0.05)
        )
        colour = mix(colour, rgb(hue)[0], 0.65 * shine * step(ripple, -0.35, 0.2))
        colour = mix(colour, rgb(hue)[0] * 0.97, sail)
        colour = mix(colour, rgb(hue)[0] * [0.88, 0.86, 0.95], jib)
        colour = mix(colour, rgb("8a3b32")[0], hull)

    # The near bank: sunny grass, and the shade of the trees on it.
    edge = (
        0.99
        - 0.24 * np.exp(-(((x - 1.30) / 0.42) ** 2))
        - 0.22 * np.exp(-(((x + 0.05) / 0.55) ** 2))
    )
    edge = edge - 0.11 + 0.012 * np.sin(23 * x)
    lawn = step(y - edge, 0, 0.008)
    grass = coloured(
        np.clip(0.62 + 0.35 * canvas.noise(6, 3, stretch=2.5), 0, 1), "3f8a3c 74b043 b5cf4f ecdf6a"
    )
    shade = (
        canvas.noise(4, 3, stretch=3.0)
        + 1.2 * np.exp(-(((x - 0.16) / 0.24) ** 2))
        + 1.3 * np.exp(-(((x - 1.2) / 0.2) ** 2))
        - 0.85
        - 30 * (y - 0.90) ** 2
    )
    cool = coloured(np.clip(0.5 + 0.4 * leaves, 0, 1), "1f3f6a 23605f 3a7d4f")
    colour = mix(colour, mix(grass, cool, step(shade, 0, 0.35)), lawn)
    for _ in range(130):  # poppies and daisies
        px, py = random.uniform(0, 1.33), random.uniform(0.80, 1.0)
        row, column = int(py * (canvas.height - 1)), int(px * (canvas.height - 1))
        if lawn[row, column] > 0.5:
            spot = step(random.uniform(0.006, 0.011) - np.hypot(x - px, y - py), 0, 0.002)
            colour = mix(colour, rgb("e8432e fdf3d8 e8432e f2a0b8")[random.integers(4)], spot)

    for base, lean, width in ((0.13, 0.03, 0.034), (1.19, -0.03, 0.038), (0.30, -0.02, 0.018)):
        trunk = np.abs(x - base - lean * (0.9 - y) * 3) < width * (
            0.75 + 0.9 * np.clip(y - 0.72, 0, 1)
        )
        trunk &= (y < 0.885) & (y > 0.1)
        bark = coloured(
            np.clip((x - base - lean * (0.9 - y) * 3) / width * 0.5 + 0.5, 0, 1),
            "c98a5a 7a4a5a 3a2a5a",
        )
        colour = np.where(trunk[..., None], bark, colour)
    for cx, cy, size in (
        (0.02, 0.10, 0.22),
        (0.20, 0.06, 0.20),
        (0.34, 0.16, 0.15),
        (0.10, 0.26, 0.16),
        (0.44, 0.05, 0.11),
        (0.25, 0.29, 0.09),
        (1.30, 0.12, 0.22),
        (1.12, 0.06, 0.18),
        (1.02, 0.15, 0.12),
        (1.22, 0.28, 0.16),
        (1.06, 0.27, 0.08),
        (0.92, 0.04, 0.10),
    ):
        across, down = (x - cx) / size, (y - cy) / (0.8 * size)
        inside = step(1 - np.hypot(across, down) + 0.34 * leaves, 0, 0.06)
        light = np.clip(
            0.52 + 0.34 * across * np.sign(0.62 - cx) - 0.42 * down + 0.45 * leaves, 0, 1
        )
        crown = coloured(light, "1d3a72 1f5f66 2c7a4a 6aa83f a9c445 e3da5c")
        colour = mix(colour, crown, inside)

    for cx, foot, tall, dress, shade_hue in (
        (0.70, 0.955, 0.27, "d8435a", "f6a83a"),
        (0.87, 0.945, 0.24, "4a4f9a", "f7dce4"),
    ):
        skirt = curve(
            [
                (cx - 0.02, foot - 0.55 * tall),
                (cx + 0.02, foot - 0.55 * tall),
                (cx + 0.30 * tall, foot),
                (cx, foot + 0.02 * tall),
                (cx - 0.30 * tall, foot),
            ]
        )
        colour = mix(
            colour,
            coloured(np.clip((x - cx) / (0.5 * tall) + 0.5, 0, 1), f"f9a08a {dress} 2a2050"),
            canvas.inside(skirt),
        )
        chest = canvas.inside(
            curve(
                [
                    (cx - 0.11 * tall, foot - 0.78 * tall),
                    (cx + 0.11 * tall, foot - 0.78 * tall),
                    (cx + 0.07 * tall, foot - 0.52 * tall),
                    (cx - 0.07 * tall, foot - 0.52 * tall),
                ]
            )
        )
        colour = mix(colour, rgb(dress)[0], chest)
        colour = mix(
            colour,
            rgb("f2c3a0")[0],
            step(0.065 * tall - np.hypot(x - cx, y - foot + 0.87 * tall), 0, 0.003),
        )
        dome = step(
            0.44 * tall - np.hypot(x - cx - 0.1 * tall, (y - foot + 0.90 * tall) * 1.25), 0, 0.003
        ) * (y < foot - 0.90 * tall)
        colour = mix(
            colour,
            coloured(np.clip((x - cx) / (0.8 * tall) + 0.4, 0, 1), f"fffbe8 {shade_hue} c07a6a"),
            dome,
        )
        cast = np.hypot((x - cx - 0.25 * tall) / (0.5 * tall), (y - foot) / (0.06 * tall)) < 1
        colour = np.where(
            cast[..., None] & (canvas.inside(skirt) < 0.5)[..., None],
            mix(colour, rgb("23605f")[0], 0.7 + 0 * x),
            colour,
        )
    return np.clip(colour, 0, 1).astype(np.float32)


def _bytes(colour: Field) -> tuple[int, int, int]:
    red, green, blue = (int(255 * min(1.0, max(0.0, float(c))) + 0.5) for c in colour)
    return red, green, blue
