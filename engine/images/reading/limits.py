"""How large and how small a picture may be, and which of its file's pages there are."""

from dataclasses import dataclass
from pathlib import Path

from engine.errors import PictureError

__all__ = ["Limits", "check_page"]


@dataclass(frozen=True)
class Limits:
    """Checked by the header, before anything is decoded."""

    max_megapixels: float
    min_side: int

    def check(self, size: tuple[int, int], path: Path) -> None:
        """
        Raises:
            PictureError: `size` (width, height) is too large or too small.
        """
        width, height = size
        if width * height > self.max_megapixels * 1e6:
            raise PictureError(
                f"{path}: the picture has {width} x {height} px, which is "
                f"{width * height / 1e6:.4g} megapixels; at most {self.max_megapixels:g} are read. "
                "Make it smaller."
            )
        if min(width, height) < self.min_side:
            raise PictureError(
                f"{path}: the picture has {width} x {height} px; each side must have at least "
                f"{self.min_side}."
            )


def check_page(page: int | None, pages: int, path: Path) -> None:
    """
    Raises:
        PictureError: the page (from 1) that is asked for is not there.
    """
    if page is not None and page > pages:
        there = f"{pages} pages" if pages > 1 else "one page"
        raise PictureError(f"{path}: it has {there}; there is no page {page}.")
