"""Small pictures of what is painted, for the preview.

Each is made once: of a large layer that takes a second.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
from choices import Choices, Refusal, StyledRegion
from gi.repository import Gimp
from images.areas import look_at, looks_of
from images.layers import offsets
from images.reduced import look_of
from images.region import Region
from painting.job import Exported

__all__ = ["LayerPictures"]

SIDE = 512
"""Longest side of the picture that is shown, and sent for the preview: the preset paints at 256."""


class LayerPictures:
    """Pictures of the layer, or of what is selected of it, and of its masks."""

    def __init__(self, image: Any, drawables: Any, folder: Path) -> None:
        self._image = image
        self._drawables = drawables
        self._folder = folder
        self._contents: dict[bool, Exported] = {}
        self._masks: dict[Any, tuple[Path | None, list[Path]]] = {}
        self._look = self._now()

    def forget_changed(self) -> bool:
        """Forget the pictures if what they show has changed since; whether it has."""
        before, self._look = self._look, self._now()
        changed = before != self._look
        if changed:
            self._contents.clear()
            self._masks.clear()
        return changed

    def export(self, choices: Choices) -> Exported:
        """What is painted, small.

        Raises:
            Refusal: it cannot be painted.
        """
        key = choices.selection_only, tuple(replace(each, style="") for each in choices.regions)
        content = self._content(choices.selection_only)
        if key not in self._masks:
            folder = self._folder / f"masks-{len(self._masks)}"
            folder.mkdir(exist_ok=True)
            region = self.region(*key)
            self._masks[key] = region.export_masks(folder, soft_side=SIDE)
        mask, regions = self._masks[key]
        return replace(content, mask=mask, regions=regions)

    def original(self, choices: Choices) -> Path:
        """A picture of what is painted; there is none where it cannot be."""
        with contextlib.suppress(Refusal):  # said when it is previewed or painted
            self._content(choices.selection_only)
        return self._path(choices.selection_only)

    def prepare(self) -> None:
        """Make both pictures where something is selected, so that no switch stands still."""
        for selection_only in (True, False) if self.has_selection else ():
            with contextlib.suppress(Refusal):
                self._content(selection_only)

    def region(self, selection_only: bool, regions: Sequence[StyledRegion] = ()) -> Region:
        """What is painted.

        Raises:
            Refusal: it cannot be.
        """
        return Region(self._image, self._drawables, selection_only=selection_only, regions=regions)

    @property
    def has_selection(self) -> bool:
        return self._image.is_valid() and not Gimp.Selection.is_empty(self._image)

    @property
    def longest_side(self) -> int:
        """The layer's, in pixels."""
        layer = self._drawables[0]
        return max(layer.get_width(), layer.get_height())

    def _content(self, selection_only: bool) -> Exported:
        if selection_only not in self._contents:
            path = self._path(selection_only)
            size = self.region(selection_only).export(path, SIDE)
            self._contents[selection_only] = Exported(path, *size)
        return self._contents[selection_only]

    def _path(self, selection_only: bool) -> Path:
        return self._folder / f"original-{selection_only}.png"

    def _now(self) -> tuple[Any, ...]:
        """What the pictures depend on. Whatever is asked of a layer that is gone may end the
        plug-in."""
        layer = self._drawables[0]
        if not (self._image.is_valid() and layer.is_valid() and layer.is_layer()):
            return ()
        selection = look_at(self._image.get_selection()), *Gimp.Selection.bounds(self._image)
        return look_of(layer), offsets(layer), selection, looks_of(self._image)
