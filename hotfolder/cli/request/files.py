"""The files that are painted, and painted from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hotfolder.batches.other_pictures import OtherPictures
from hotfolder.cli.input_files import check_files

if TYPE_CHECKING:
    from engine.settings import Settings
    from hotfolder.workers.pictures import Pictures

__all__ = ["InputFiles"]


@dataclass(frozen=True)
class InputFiles:
    """What is painted, and what of.

    Raises:
        InputError: one of them is no file.
    """

    content: Path | None
    """None: a texture is painted."""
    styles: Sequence[Path]
    others: OtherPictures = OtherPictures()  # noqa: RUF009

    def __post_init__(self) -> None:
        check_files(self.all)

    @property
    def name(self) -> str:
        """What is painted, as the progress calls it."""
        return self.content.name if self.content is not None else "texture"

    @property
    def all(self) -> list[Path]:
        content = [self.content] if self.content is not None else []
        return [*content, *self.styles, *self.others]

    def work_key(self, settings: "Settings") -> str:
        """The same for every command that paints the same (`finished_work.work_key`)."""
        from engine import __version__
        from hotfolder.batches.finished_work import sha256_of_file, work_key

        return work_key(
            sha256_of_file(self.content) if self.content is not None else None,
            [sha256_of_file(style) for style in self.styles],
            settings.model_dump(),
            __version__,
            {
                key: [sha256_of_file(each) for each in paths]
                for key, paths in self.others.by_key().items()
            },
        )

    def read(self, settings: "Settings", max_megapixels: float) -> "Pictures":
        """What is in them.

        Raises:
            PictureError
        """
        from engine.images.picture import read_picture
        from hotfolder.workers.pictures import Pictures

        return Pictures.read(
            self.content and self.content.absolute(),
            [style.absolute() for style in self.styles],
            {
                key: [path.absolute() for path in paths]
                for key, paths in self.others.by_key().items()
            },
            settings,
            lambda path, page: read_picture(path, max_megapixels=max_megapixels, page=page),
        )
