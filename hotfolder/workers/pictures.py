"""The pictures that a painting is made of, read. Imports torch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from engine.errors import Problem, SettingsError
from engine.images.picture import Picture
from engine.regions.areas import MaskPictures
from engine.settings import Settings
from engine.texture.canvas import texture_canvas

__all__ = ["PictureFile", "Pictures"]

PictureFile = tuple[Path, Picture]
"""A picture, and what it was read from."""


@dataclass(frozen=True)
class Pictures:
    """Content, styles and the pictures besides."""

    content: PictureFile | None
    """None: a texture is painted."""
    canvas: Picture
    """The content, or the blank picture of a texture."""
    styles: Sequence[PictureFile]
    others: Mapping[str, Sequence[PictureFile]]
    """By the settings that name them (`engine.settings.PICTURES`); empty where there are none."""

    @classmethod
    def read(
        cls,
        content: Path | None,
        styles: Sequence[Path],
        others: Mapping[str, Sequence[Path]],
        settings: Settings,
        read_picture: Callable[[Path, int | None], Picture],
    ) -> Self:
        """
        Args:
            read_picture: reads one, or a page of it.

        Raises:
            SettingsError: a texture with a content, or a painting without.
            PictureError, OSError: `read_picture`'s.
        """
        if settings.texture != (content is None):
            expected = "false, or no content: a texture has none"
            if content is None:
                expected = "true, since there is no content"
            raise SettingsError([Problem(("texture",), str(settings.texture).lower(), expected)])
        canvas = (
            texture_canvas(settings) if content is None else read_picture(content, settings.page)
        )

        def read(paths: Sequence[Path]) -> list[PictureFile]:
            return [(path, read_picture(path, None)) for path in paths]

        return cls(
            None if content is None else (content, canvas),
            canvas,
            read(styles),
            {key: read(paths) for key, paths in others.items()},
        )

    def __iter__(self) -> Iterator[PictureFile]:
        """In the order of their roles."""
        yield from (self.content,) if self.content is not None else ()
        yield from self.styles
        for key in ("init_file", "palette", "mask", "regions", "style_regions"):
            yield from self.others.get(key, ())

    @property
    def paths(self) -> list[Path]:
        return [path for path, _ in self]

    @cached_property
    def masks(self) -> MaskPictures:
        several = (self._read("regions"), self._read("style_regions"))
        return MaskPictures(self._single("mask"), *several)

    def arguments(self) -> dict[str, Any]:
        """Those of `engine.stylise.stylise` besides the canvas and the styles."""
        return {
            "initial": self._single("init_file"),
            "palette": self._single("palette"),
            "masks": self.masks,
        }

    def _read(self, key: str) -> list[Picture]:
        return [picture for _, picture in self.others.get(key, ())]

    def _single(self, key: str) -> Picture | None:
        return next(iter(self._read(key)), None)
