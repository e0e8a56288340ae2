"""Oil: a night sky over hills, and the sun going down over a sea, in thick paint.

Strokes of a bristle brush, from broad to fine, follow the level lines of a stream function; bands
of colour follow the same lines, so form and stroke agree, as they do on a canvas. Each stroke lays
down colour and thickness; a lamp from the upper left then shows the relief.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hotfolder.styles.canvas import ASPECT, LAMP, Field, image_of, mix, step

__all__ = ["PAINTINGS", "Scene", "paint", "paint_scene"]

SUPERSAMPLING = 2
RELIEF = 0.44

FRAME = 0.03
"""Share of the canvas on each side that a frame would cover: strokes there are sparse."""

# Brushes, broad to fine: width and length in thousandths of the height, how often the strokes
# cover the canvas, how far they may stray from the colour beneath.
BRUSHES = (
    (70, 380, 3.4, 1.0),
    (40, 240, 2.2, 1.0),
    (23, 150, 1.9, 0.9),
    (14, 90, 1.1, 0.8),
)


@dataclass(frozen=True)
class Scene:
    """What is painted: colour, stream function and detail (where the fine brushes go)."""

    colour: Field
    """H x W x 3, 0 to 1."""
    stream: Field
    """H x W; strokes follow its level lines."""
    detail: Field
    """H x W, 0 to 1."""


def paint(name: str, height: int = 768) -> Image.Image:
    """One of `PAINTINGS`, 4:3. Same name and height, same pixels."""
    return paint_scene(*PAINTINGS[name], height)


def paint_scene(
    scene_of: Callable[[Field, Field, np.random.Generator], Scene], seed: int, height: int = 768
) -> Image.Image:
    """A scene, 4:3: a function of x and y, both H x W in heights from the upper left, and of the
    random numbers that the strokes are drawn by."""
    random = np.random.default_rng(seed)
    tall = round(height * SUPERSAMPLING / (1 - 2 * FRAME))
    wide = round(tall * ASPECT)
    y, x = np.mgrid[0:tall, 0:wide].astype(np.float32) / tall
    scene = scene_of(x, y, random)
    canvas = _Canvas(scene, random)
    for brush in BRUSHES:
        canvas.cover(*brush)
    size = (round(height * ASPECT), height)
    seen = (FRAME * wide, FRAME * tall, (1 - FRAME) * wide, (1 - FRAME) * tall)
    return canvas.lit().resize(size, Image.Resampling.LANCZOS, seen)


class _Canvas:
    """Wet paint: colour and thickness of every pixel."""

    def __init__(self, scene: Scene, random: np.random.Generator) -> None:
        self.scene = scene
        self.random = random
        self.colour = scene.colour * 0.8
        self.thickness = np.zeros(scene.stream.shape, np.float32)
        down, right = np.gradient(scene.stream)
        self.direction = np.stack([-down, right], axis=-1)  # x, y: along the level line
        self.direction /= np.linalg.norm(self.direction, axis=-1, keepdims=True) + 1e-9

    def cover(self, width: float, length: float, times: float, freedom: float) -> None:
        tall, wide = self.thickness.shape[:2]
        width, length = width * tall / 1000, length * tall / 1000
        # One start in each cell of a grid, so that no ground shows; in any order.
        cell = (width * length / times) ** 0.5
        rows, columns = int(tall / cell) + 1, int(wide / cell) + 1
        fine = width < 0.03 * tall
        for number in self.random.permutation(rows * columns):
            corner = np.array((number % columns, number // columns))
            x, y = (corner + self.random.random(2)) * cell
            x, y = min(x, wide - 1), min(y, tall - 1)
            if fine and self.random.random() > self.scene.detail[int(y), int(x)]:
                continue
            size = self.random.uniform(0.7, 1.25)
            self._stroke(x, y, width * size, length * self.random.uniform(0.5, 1.2), freedom)

    def _stroke(self, x: float, y: float, width: float, length: float, freedom: float) -> None:
        random = self.random
        path = self._path(x, y, length)
        across = np.linspace(-1, 1, max(6, int(width * 1.8)), dtype=np.float32)
        along = np.linspace(0, 1, len(path), dtype=np.float32)[:, None]
        tangent = np.gradient(path, axis=0)
        tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-9
        normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
        half = width / 2 * np.minimum(1, 0.45 + 4 * along) * (1 - 0.25 * along)
        points = path[:, None] + normal[:, None] * (across[None, :, None] * half[..., None])

        hairs = _smooth_line(random.normal(size=len(across)), 1.5)
        run_out = 0.82 + 0.18 * _smooth_line(random.normal(size=len(across)), 1.0)
        start = 0.05 * np.abs(_smooth_line(random.normal(size=len(across)), 2.0))
        held = (along < run_out) & (along > start) & (np.abs(across) < 1)
        # Towards its end the brush runs dry: only the fullest hairs still give paint.
        held &= ~((along > 0.6) & (hairs[None] < -1.6 + 3.2 * (along - 0.6)))

        tall, wide = self.thickness.shape[:2]
        column, row = np.rint(points[..., 0]).astype(int), np.rint(points[..., 1]).astype(int)
        held &= (column >= 0) & (column < wide) & (row >= 0) & (row < tall)
        if not held.any():
            return
        cx, cy = path[len(path) // 3]
        own = self.scene.colour[int(np.clip(cy, 0, tall - 1)), int(np.clip(cx, 0, wide - 1))]
        own = _stray(own, random, freedom)
        second = _stray(own, random, 1.6 * freedom)
        streaks = np.clip(0.5 + 0.55 * hairs, 0, 1)[None, :, None] ** 1.5
        tint = own * (1 - 0.5 * streaks) + second * 0.5 * streaks
        tint = tint * (1 + 0.07 * hairs[None, :, None]) * np.ones_like(along)[..., None]
        row, column = row[held], column[held]
        under = self.colour[row, column]
        wet = (0.10 + 0.25 * along * np.ones_like(hairs)[None])[held][:, None]
        self.colour[row, column] = tint[held] * (1 - wet) + under * wet
        ridge = 0.55 * np.abs(across) ** 3 * (1 - np.abs(across) ** 12)
        body = (0.7 + 0.38 * hairs[None] + ridge[None]) * (1 - 0.45 * along)
        load = width * (0.10 + 0.07 * random.random())
        self.thickness[row, column] = self.thickness[row, column] * 0.35 + (body * load)[held]

    def _path(self, x: float, y: float, length: float) -> Field:
        """The way of the brush, one point every half pixel."""
        tall, wide = self.thickness.shape[:2]
        pace = 5.0
        place, points = np.array([x, y]), []
        sign = self.random.choice((-1, 1))
        turn = self.random.normal(0, 0.10)
        turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        for _ in range(max(4, int(length / pace))):
            points.append(place)
            column, row = np.clip(place, 0, (wide - 1, tall - 1)).astype(int)
            place = place + pace * sign * (turned @ self.direction[row, column])
        nodes = np.array(points)
        fine = np.linspace(0, len(nodes) - 1, int(len(nodes) * pace / 0.5))
        steps = np.arange(len(nodes))
        return np.stack([np.interp(fine, steps, nodes[:, i]) for i in (0, 1)], axis=1)

    def lit(self) -> Image.Image:
        """The canvas under a lamp."""
        down, right = np.gradient(_softened(self.thickness))
        slope = np.tanh((right * LAMP[0] + down * LAMP[1]) * 0.55)
        shaded = self.colour * (1 + RELIEF * slope[..., None])
        gloss = np.clip(slope - 0.55, 0, 1) ** 2 * 0.9
        shaded = shaded + gloss[..., None] * np.array([1.0, 0.97, 0.9])
        return image_of(shaded)


def _night(x: Field, y: Field, random: np.random.Generator) -> Scene:
    """A night sky that turns around its stars, over hills."""
    whirls = (  # x, y, radius, turn, light
        (1.02, 0.20, 0.20, 1.0, 1.0),
        (0.42, 0.30, 0.27, -1.0, 0.55),
        (0.78, 0.47, 0.16, 1.0, 0.35),
        (0.14, 0.12, 0.10, 1.0, 0.8),
        (0.68, 0.09, 0.08, -1.0, 0.75),
        (1.25, 0.44, 0.09, -1.0, 0.7),
        (0.10, 0.47, 0.075, 1.0, 0.7),
    )
    warp = _noise(x, y, random, 4) * 0.05
    stream = y + 0.05 * np.sin(5.5 * x + 2 * np.sin(2 * x)) + warp
    glow = np.zeros_like(x)
    rings = np.zeros_like(x)
    for cx, cy, radius, turn, shine in whirls:
        away = np.hypot(x - cx, y - cy)
        near = np.exp(-((away / radius) ** 2))
        stream = stream + turn * 1.35 * radius * near
        glow = np.maximum(glow, shine * np.exp(-((away / (0.62 * radius)) ** 2)))
        rings = rings + shine * near * np.cos(away / radius * 11)
    bands = 0.5 + 0.5 * np.sin(stream * 34 + 3 * _noise(x, y, random, 3))
    bands = np.clip(bands * 0.8 + 0.25 * _noise(x, y, random, 9), 0, 1)
    sky = _palette(bands, ["0b1446", "17307f", "1f56b4", "2f86c9", "7cc3cf", "d5e3c0"])
    light = np.clip(glow * 1.15 + 0.16 * rings, 0, 1)
    sun = _palette(light, ["17307f", "3f8fb8", "b9cf8a", "f4d545", "f9a824", "fff3bd"])
    colour = mix(sky, sun, step(light, 0.12, 0.42))

    for level, swing, hues, pitch in (
        (0.68, 0.055, ["12224f", "1d3f77", "2b6a86", "4d9a8c"], 1.0),
        (0.79, 0.050, ["0d1a33", "16423f", "2f6b3e", "8a9a3a"], 2.3),
        (0.90, 0.040, ["0a0f26", "1c2b3c", "6a4a22", "c9812a"], 4.1),
    ):
        crest = level + swing * np.sin(3.1 * x + pitch) + 0.5 * swing * np.sin(7.3 * x + 2 * pitch)
        inside = step(y, crest, crest + 0.006)
        contour = (y - crest) + 0.02 * np.sin(9 * x + pitch)
        folds = 0.5 + 0.5 * np.sin(contour * 75 + 3 * _noise(x, y, random, 5))
        rim = np.exp(-(((y - crest) / 0.03) ** 2))
        hill = _palette(np.clip(0.65 * folds + 0.45 * rim, 0, 1), hues)
        colour = mix(colour, hill, inside)
        stream = np.where(y > crest, contour, stream)
        light = light * (1 - inside)
    return Scene(colour, stream, np.clip(0.45 + light + 0.3 * step(y, 0.55, 0.6), 0, 1))


def _evening(x: Field, y: Field, random: np.random.Generator) -> Scene:
    """The sun going down over a sea."""
    horizon = 0.56
    cx, cy = 0.86, 0.40
    away = np.hypot(x - cx, (y - cy) * 1.05)
    warp = _noise(x, y, random, 4)
    stream = away + 0.045 * warp + 0.02 * np.sin(9 * x)
    rings = 0.5 + 0.5 * np.sin(away * 46 + 2.2 * warp)
    depth = np.clip(away * 1.12 + 0.13 * (rings - 0.5) + 0.07 * _noise(x, y, random, 8), 0, 1)
    hues = "fff6c8 ffdf55 fdb02c f47a22 e04a2e b52a50 742a72 3a2c7c 232a66".split()  # noqa: SIM905
    colour = _palette(depth**0.85, hues)
    clouds = step(_noise(x, y * 3, random, 4) + 0.5 * _noise(x, y * 3, random, 8), 0.35, 0.6)
    clouds = clouds * step(away, 0.16, 0.3)
    colour = mix(colour, _palette(rings, ["5a3f8f", "c2557a", "f7a072", "ffd9a0"]), 0.75 * clouds)

    sea = step(y, horizon, horizon + 0.004)
    near = np.clip((y - horizon) / (1 - horizon), 0, 1)
    swell = y + (0.004 + 0.03 * near) * np.sin((16 - 9 * near) * x + 5 * warp)
    swell = swell + 0.012 * near * np.sin(31 * x + 7 * warp)
    waves = 0.5 + 0.5 * np.sin(swell * (130 - 70 * near) + 2 * _noise(x, y * 2, random, 6))
    water = _palette(waves, ["0d1c4f", "123f7c", "1670a0", "2fa79f", "8fd3b4"])
    path = np.exp(-(((x - cx) / (0.05 + 0.20 * near)) ** 2)) * (0.35 + 0.65 * waves)
    water = mix(
        water, _palette(path, ["b52a50", "f06a2a", "fdb737", "fff1b0"]), step(path, 0.2, 0.5)
    )
    colour = mix(colour, water, sea)
    stream = np.where(y > horizon, swell, stream)
    return Scene(colour, stream, np.clip(0.5 + path * sea + 0.6 * np.exp(-away * 6), 0, 1))


PAINTINGS: dict[str, tuple[Callable[[Field, Field, np.random.Generator], Scene], int]] = {
    "night": (_night, 7),
    "evening": (_evening, 11),
}
"""Name -> scene and seed."""


def _noise(x: Field, y: Field, random: np.random.Generator, cells: int) -> Field:
    """Smooth noise of about -1 to 1, `cells` bumps to the height."""
    knots = random.uniform(-1, 1, (cells + 3, round(cells * ASPECT) + 3)).astype(np.float32)
    size = (x.shape[1], x.shape[0])
    box = (1, 1, 1 + cells * ASPECT, 1 + cells)
    smooth = Image.fromarray(knots).resize(size, Image.Resampling.BICUBIC, box)
    return np.asarray(smooth) * 1.4


def _palette(t: Field, hues: Sequence[str]) -> Field:
    """Colours between `hues` (hex) for t from 0 to 1, mixed in double precision: `coloured` differs
    in the last bit."""
    colours = np.array([[int(hue[i : i + 2], 16) / 255 for i in (0, 2, 4)] for hue in hues])
    stops = np.linspace(0, 1, len(hues))
    return np.stack([np.interp(t, stops, colours[:, c]) for c in range(3)], -1).astype(np.float32)


def _stray(colour: Field, random: np.random.Generator, freedom: float) -> Field:
    """A colour near by: lighter or darker, warmer or cooler, now and then a bold one."""
    bold = 2.4 if random.random() < 0.08 else 1.0
    value = 1 + random.normal(0, 0.10) * freedom * bold
    warmth = random.normal(0, 0.035) * freedom * bold
    shift = np.array([warmth, random.normal(0, 0.02) * freedom, -warmth])
    grey = colour.mean()
    vivid = grey + (colour - grey) * (1.12 + random.normal(0, 0.1))
    return np.clip(vivid * value + shift, 0, 1).astype(np.float32)


def _smooth_line(values: NDArray[np.float64], radius: float) -> Field:
    reach = int(3 * radius) + 1
    kernel = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * radius**2))
    padded = np.pad(values, reach, mode="wrap" if len(values) > reach else "edge")
    smooth = np.convolve(padded, kernel / kernel.sum(), mode="valid")
    return (smooth / (smooth.std() + 1e-9)).astype(np.float32)


def _softened(values: Field) -> Field:
    """Each pixel with its neighbours, 1-2-1 both ways."""
    wide = np.pad(values, 1, mode="edge")
    rows = (wide[:-2] + 2 * wide[1:-1] + wide[2:]) / 4
    return (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 4
