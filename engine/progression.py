"""Records a painting's progress: a strip of stages, an animation, the curve of its losses.

It keeps thumbnails of 8 bits a channel, whatever the painting's size. Does not import torch.
"""

import io
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from PIL import Image

from engine.images.picture import Picture, encode_picture
from engine.images.plot import Curve, loss_plot
from engine.images.sheet import Panel, contact_sheet, image_of

if TYPE_CHECKING:
    from engine.stylise import Progress, Result

__all__ = ["FILES", "Progression"]

FILES = ("progression.jpg", "progression.webp", "losses.png")
"""The files of `Progression.files`; these names follow the result's, after a dot."""

FRAMES = 40
"""Frames of the animation, unless more stages are asked for."""

FRAME_SIDE = 512
STRIP_SIDE = 256
"""Pixels of the longest side, in the animation and in the strip."""

STRIP_COLUMNS = 8
FRAME_MILLISECONDS = 100
LAST_MILLISECONDS = 2000
QUALITY = 85


class Progression:
    """Records every step of `stylise(..., preview_at=progression.wanted)`.

    The stages are evenly spaced in the work, by `Progress.fraction`: the first is what the painting
    started from, the last is the result. Where the work is reported more seldom than that, there
    are fewer.
    """

    def __init__(self, stages: int) -> None:
        """`stages` of the strip, at least 2."""
        self._stages = stages
        frames = max(FRAMES, stages)
        self.wanted = tuple(number / (frames - 1) for number in range(frames - 1))
        """Fractions of the work at which a preview is wanted."""
        self._frames: list[tuple[float, Image.Image]] = []
        self._next = 0
        self._losses: list[tuple[float, float, float]] = []
        self._evaluations: list[int] = []
        self._scale_ends: list[int] = []
        self._scale = 1

    def add(self, step: "Progress | Result") -> None:
        """Record a step; a preview that is not needed is not kept."""
        # Told apart by attribute: importing their classes would import torch.
        if hasattr(step, "picture"):
            self._keep(1.0, step.picture)
            return
        if step.scale > self._scale:
            self._scale_ends.append(self._evaluations[-1])
            self._scale = step.scale
        before = self._scale_ends[-1] if self._scale_ends else 0
        while self._evaluations and self._evaluations[-1] >= before + step.step:
            # Resumed from an earlier step than the last that was reported.
            del self._evaluations[-1], self._losses[-1]
        self._evaluations.append(before + step.step)
        self._losses.append((step.losses.content, step.losses.style, step.losses.total))
        due = self._next < len(self.wanted) and step.fraction >= self.wanted[self._next]
        # What is painted at the very end comes as the result.
        if due and step.preview is not None and step.fraction < 1:
            self._keep(step.fraction if self._frames else 0.0, step.preview)
            while self._next < len(self.wanted) and self.wanted[self._next] <= step.fraction:
                self._next += 1

    def state(self) -> dict[str, Any]:
        """The record so far, as numbers and bytes."""
        frames = [(at, *image.size, image.tobytes()) for at, image in list(self._frames)]
        return {
            "frames": frames,
            "next": self._next,
            "losses": list(self._losses),
            "evaluations": list(self._evaluations),
            "scale_ends": list(self._scale_ends),
            "scale": self._scale,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from an earlier `state`."""
        self._frames = [
            (at, Image.frombytes("RGB", (width, height), data))
            for at, width, height, data in state["frames"]
        ]
        self._next = state["next"]
        self._losses = list(state["losses"])
        self._evaluations = list(state["evaluations"])
        self._scale_ends = list(state["scale_ends"])
        self._scale = state["scale"]

    def files(self) -> dict[str, bytes]:
        """The three files by their names, once the result has been added."""
        strip, animation, losses = FILES
        return {
            strip: encode_picture(self._strip(), format="jpeg", quality=QUALITY),
            animation: self._animation(),
            losses: encode_picture(self._plot()),
        }

    def _keep(self, fraction: float, picture: Picture) -> None:
        small = picture.opaque().thumbnail(FRAME_SIDE)
        self._frames.append((fraction, image_of(small)))

    def _strip(self) -> Picture:
        chosen = [
            min(range(len(self._frames)), key=lambda n: abs(self._frames[n][0] - wanted))
            for wanted in (number / (self._stages - 1) for number in range(self._stages))
        ]
        images = self._equal()
        panels = [
            Panel(Picture.from_image(images[n]), _label(self._frames[n][0]))
            for n in dict.fromkeys(chosen)
        ]
        return contact_sheet(panels, columns=STRIP_COLUMNS, side=STRIP_SIDE)

    def _animation(self) -> bytes:
        first, *others = self._equal()
        buffer = io.BytesIO()
        first.save(
            buffer,
            "WEBP",
            save_all=True,
            append_images=others,
            duration=[FRAME_MILLISECONDS] * len(others) + [LAST_MILLISECONDS],
            loop=0,
            quality=QUALITY,
        )
        return buffer.getvalue()

    def _plot(self) -> Picture:
        content, style, total = (list(values) for values in zip(*self._losses, strict=True))
        curves = [
            Curve("total", total, (60, 60, 60)),  # first: one of the others may lie upon it
            Curve("style", style, (214, 96, 30)),
            Curve("content", content, (31, 119, 180)),
        ]
        return loss_plot(self._evaluations, curves, marks=self._scale_ends)

    def _equal(self) -> list[Image.Image]:
        """The frames, those of the coarse scales enlarged to the size of the last."""
        return list(_resized((image for _, image in self._frames), self._frames[-1][1].size))


def _resized(images: Iterable[Image.Image], size: tuple[int, int]) -> Iterable[Image.Image]:
    for image in images:
        yield image if image.size == size else image.resize(size, Image.Resampling.BICUBIC)


def _label(fraction: float) -> str:
    return {0.0: "start", 1.0: "result"}.get(fraction, f"{fraction:.0%}")
