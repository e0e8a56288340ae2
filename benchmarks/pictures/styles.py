"""Style pictures by program, in techniques that oil paintings are not: two colours or many, line
or wash, flat or dotted, on white or on black.

Each is a motif, a valley or a still life, drawn by one technique. Same name, same pixels, but for
the last bits of a processor's arithmetic.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.pictures.packages import picture_folder
from benchmarks.report import log_progress
from hotfolder.styles.oil import Scene, paint_scene

HEIGHT, WIDTH = 768, 1024
Random = np.random.Generator
Field = Any  # an array of float32


@dataclass(frozen=True)
class Motif:
    """What is drawn. All fields are H x W."""

    index: Field
    """The colour's number in a palette from dark to light; between two whole ones, a mixture."""
    tone: Field
    """Lightness, 0 to 1."""
    stream: Field
    """Strokes follow its level lines."""


def painted(name: str) -> Path:
    """The style as a PNG in the cache, painted at first."""
    path = picture_folder() / f"{name}.png"
    if not path.exists():
        log_progress(f"painting {name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        PAINTED[name]().save(part, "PNG")
        part.replace(path)
    return path


def valley(x: Field, y: Field, random: Random) -> Motif:
    """A low sun over five ridges."""
    away = np.hypot(x - 0.95, y - 0.3)
    warp = _noise(x, y, random, 5)
    index = np.clip(5.6 - 4.2 * away + 0.5 * warp, 2.5, 5)
    index = np.where(away < 0.11, 5.9, index)
    stream = away + 0.03 * warp
    for number, level in enumerate((0.48, 0.58, 0.68, 0.79, 0.9)):
        crest = level + 0.05 * np.sin((3 + number) * x + 2.1 * number)
        crest = crest + 0.015 * _noise(x, 0 * y, random, 9)
        below = y > crest
        fold = 0.5 + 0.5 * np.sin(60 * (y - crest) + 4 * _noise(x, y, random, 6))
        index = np.where(below, 2.6 - 0.55 * number + 0.9 * fold, index)
        stream = np.where(below, y - crest + 0.02 * np.sin(8 * x + number), stream)
    return Motif(index.clip(0, 5.9), index.clip(0, 5.9) / 5.9, stream)


def still_life(x: Field, y: Field, random: Random) -> Motif:
    """A jug and five fruits on a table, lit from the left."""
    warp = _noise(x, y, random, 4)
    index = 1.2 + 0.5 * warp + 0.6 * x
    stream = x + 0.1 * warp + 0.3 * y
    table = y > 0.66 + 0.02 * np.sin(3 * x)
    index = np.where(table, 3.2 + 0.5 * np.sin(40 * (y + 0.1 * warp)), index)
    stream = np.where(table, y + 0.02 * warp, stream)
    bodies = [(0.38, 0.5, 0.2, 0.26, 3.5), (0.38, 0.24, 0.09, 0.11, 3.3)]
    bodies += [(0.7, 0.66, 0.12, 0.12, 4.6), (0.9, 0.7, 0.1, 0.1, 2.6), (1.1, 0.68, 0.13, 0.11, 4)]
    bodies += [(0.62, 0.83, 0.09, 0.08, 2.4), (0.84, 0.86, 0.1, 0.09, 4.9)]
    for cx, cy, wide, tall, hue in bodies:
        across, down = (x - cx) / wide, (y - cy) / tall
        away = np.hypot(across, down)
        shadow = np.hypot((x - cx - 0.6 * wide) / wide, (y - cy - 0.75 * tall) / (0.5 * tall)) < 1
        index = np.where(shadow & (away > 1) & table, 0.5, index)
        light = np.sqrt(np.clip(1 - away**2, 0, 1)) - 0.55 * across - 0.35 * down
        index = np.where(away < 1, hue - 1.6 + 1.9 * light.clip(-0.6, 1.2), index)
        stream = np.where(away < 1, 0.2 * away + 0.05 * across, stream)
    return Motif(index.clip(0, 5.9), index.clip(0, 5.9) / 5.9, stream)


Drawn = Callable[[Field, Field, Random], Motif]


def oil(motif: Drawn, palette: str, seed: int) -> Image.Image:
    """Thick strokes of a bristle brush."""

    def scene(x: Field, y: Field, random: Random) -> Scene:
        drawn = motif(x, y, random)
        return Scene(_coloured(drawn.index, palette), drawn.stream, 0.4 + 0.6 * drawn.tone)

    return paint_scene(scene, seed, HEIGHT)


def woodcut(motif: Drawn, palette: str, seed: int) -> Image.Image:
    """Two colours: lines along the forms, as wide as these are light."""
    x, y, random = _canvas(seed)
    drawn = motif(x, y, random)
    wave = 0.5 + 0.5 * np.sin(drawn.stream * 190 + 1.5 * _noise(x, y, random, 12))
    rough = 0.08 * _noise(x, y, random, 90)
    cut = np.clip((drawn.tone * 1.15 - 0.05 + rough - wave) * 6 + 0.5, 0, 1)
    return _image(_coloured(cut, palette), 1)


def hatching(motif: Drawn, palette: str, seed: int) -> Image.Image:
    """Pen or chalk: straight short lines, crossed where the tone is far from the paper's."""
    x, y, random = _canvas(seed)
    paper, ink = _rgb(palette)
    tone = motif(x, y, random).tone
    light = sum(ink) > sum(paper)
    need = tone if light else 1 - tone
    sheet = Image.new("RGB", (2 * WIDTH, 2 * HEIGHT), _bytes(paper))
    pen = ImageDraw.Draw(sheet)
    for angle, least in ((0.9, 0.22), (-0.5, 0.45), (0.15, 0.62), (1.6, 0.78)):
        for _ in range(22_000):
            px, py = random.random() * WIDTH, random.random() * HEIGHT
            if need[int(py), int(px)] < least + 0.1 * random.normal():
                continue
            turn, length = angle + 0.07 * random.normal(), random.uniform(8, 26)
            dx, dy = math.cos(turn) * length, math.sin(turn) * length
            shade = _bytes(paper + (ink - paper) * random.uniform(0.55, 1))
            line = (2 * (px - dx / 2), 2 * (py - dy / 2), 2 * (px + dx / 2), 2 * (py + dy / 2))
            pen.line(line, fill=shade, width=int(random.integers(2, 5)))
    return sheet.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def wash(motif: Drawn, palette: str, seed: int) -> Image.Image:
    """Watercolour: transparent layers with darker rims on a grained paper."""
    x, y, random = _canvas(seed)
    drawn = motif(x, y, random)
    wet = np.clip(
        drawn.index + 0.5 * _noise(x, y, random, 7) + 0.2 * _noise(x, y, random, 25), 0, 6
    )
    sheet = np.full((HEIGHT, WIDTH, 3), 0.97, np.float32)
    for level, colour in enumerate(reversed(_rgb(palette))):
        inside = np.clip((5.2 - level - wet) * 5 + 0.5, 0, 1)
        rim = np.exp(-(((inside - 0.3) / 0.25) ** 2)) * 0.35
        pool = 0.45 + 0.22 * _noise(x, y, random, 10 + 3 * level)
        strength = (inside * pool + rim).clip(0, 0.85)[..., None]
        sheet *= 1 - strength * (1 - colour)
    grain = 1 + 0.035 * _noise(x, y, random, 160) + 0.02 * random.normal(size=x.shape)
    return _image(sheet * grain[..., None], 1)


def dots(motif: Drawn, palette: str, seed: int) -> Image.Image:
    """Round touches of unmixed colours side by side."""
    x, y, random = _canvas(seed)
    index = motif(x, y, random).index
    colours = _rgb(palette)
    sheet = Image.new("RGB", (2 * WIDTH, 2 * HEIGHT), _bytes(colours[3]))
    brush = ImageDraw.Draw(sheet)
    for number in range(42_000):
        px, py = random.random() * WIDTH, random.random() * HEIGHT
        chosen = index[int(py), int(px)] + 0.75 * random.normal()
        if random.random() < 0.12:
            chosen = 5 - chosen  # the opposite, as neighbours enliven each other
        colour = colours[int(np.clip(chosen, 0, 5))] + 0.05 * random.normal(size=3)
        radius = random.uniform(4, 6.5) if number < 20_000 else random.uniform(2.5, 4.5)
        box = [2 * (px - radius), 2 * (py - radius), 2 * (px + radius), 2 * (py + radius)]
        brush.ellipse(box, fill=_bytes(colour.clip(0, 1)))
    return sheet.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def poster(motif: Drawn, palette: str, seed: int) -> Image.Image:
    """Flat areas of five colours with dark outlines, printed on a smooth ground."""
    x, y, random = _canvas(seed)
    wanted = motif(x, y, random).index + 0.3 * _noise(x, y, random, 3)
    index = np.floor(wanted.clip(0, 5.9))
    down, across = np.gradient(np.asarray(Image.fromarray(index.astype(np.float32))))
    outline = np.hypot(down, across) > 0.4
    thick = np.asarray(Image.fromarray((outline * 255).astype(np.uint8)).resize((WIDTH, HEIGHT)))
    flat = _rgb(palette)[index.astype(int)]
    return _image(np.where((thick > 100)[..., None], 0.08, flat), 1)


PAINTED: dict[str, Callable[[], Image.Image]] = {
    "pond": lambda: wash(valley, "1d3b53 2f6f73 5a9e8f 9cc5a1 f2d0a4 f7ede2", 3),
    "linocut": lambda: woodcut(valley, "16130f f3e9d2", 5),
    "confetti": lambda: dots(valley, "2b2d6e 6a3d9a c2417c f0803c f7c948 fdf3c0", 7),
    "screenprint": lambda: poster(valley, "1b1f3b 7b2d43 e4572e f3a712 a8c686 f6f1d5", 9),
    "pen": lambda: hatching(valley, "f4efe4 1c1a19", 11),
    "lamplight": lambda: oil(still_life, "0b0806 24150c 54300f 8f5a1c c99337 f1d58c", 13),
    "rain": lambda: wash(still_life, "2a2438 5c4b7a a0729c d99aa6 f0c5b5 fbeae0", 17),
    "indigo": lambda: woodcut(still_life, "1a2a6c f7f4ea", 19),
    "meadow": lambda: dots(still_life, "123524 1f6f50 4f9d69 a7c957 f2e8cf ee9b7a", 23),
    "matchbox": lambda: poster(still_life, "0d1321 1d3f58 3e7c80 b5c9a0 d1495b edc79b", 29),
    "chalk": lambda: hatching(still_life, "17181a e9e4d8", 31),
}
"""Name -> program."""


def _canvas(seed: int) -> tuple[Field, Field, Random]:
    """x, y in heights, and random numbers."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32) / HEIGHT
    return x, y, np.random.default_rng(seed)


def _noise(x: Field, y: Field, random: Random, cells: int) -> Field:
    """Smooth noise of about -1 to 1 over the canvas, `cells` bumps to the height."""
    knots = random.uniform(-1, 1, (cells + 3, 2 * cells + 3)).astype(np.float32)
    size = (x.shape[1], x.shape[0])
    box = (1, 1, 1 + cells * WIDTH / HEIGHT, 1 + cells)
    return 1.4 * np.asarray(Image.fromarray(knots).resize(size, Image.Resampling.BICUBIC, box))


def _rgb(palette: str) -> Field:
    """N x 3, 0 to 1, from colours in hexadecimal."""
    return np.array([[int(c[i : i + 2], 16) / 255 for i in (0, 2, 4)] for c in palette.split()])


def _coloured(index: Field, palette: str) -> Field:
    """H x W x 3: the palette's colours, mixed between two whole numbers."""
    colours = _rgb(palette)
    stops = np.arange(len(colours))
    return np.stack([np.interp(index, stops, colours[:, c]) for c in range(3)], -1).astype(
        "float32"
    )


def _bytes(colour: Sequence[float]) -> tuple[int, int, int]:
    red, green, blue = (round(255 * float(c)) for c in colour)
    return red, green, blue


def _image(pixels: Field, largest: float) -> Image.Image:
    return Image.fromarray((np.clip(pixels / largest, 0, 1) * 255 + 0.5).astype(np.uint8))
