"""Style pictures: those that come with Impasto, and finding one by its name."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from hotfolder.cli.console import did_you_mean
from hotfolder.errors import InputError
from hotfolder.file_names import is_ignored
from hotfolder.paths import expand_home
from plugin.client.protocol import PICTURE_SUFFIXES, fold_name

__all__ = ["OWN_STYLES", "fill_style_library", "find_style"]

OWN_STYLES = Path(__file__).resolve().parents[1] / "styles"
"""The style pictures that come with Impasto."""

README = """\
The style library. A sidecar in the inbox, or `impasto submit`, names the pictures here without a
path: `styles: [night.jpg]`. Put paintings of your own beside them; JPEG, PNG, WebP and TIFF are
read.

night.jpg and evening.jpg were painted by Impasto's own program (hotfolder/styles/generate.py) and
come under its MIT licence.
"""


def find_style(given: str, libraries: Sequence[Path]) -> Path:
    """A style picture: a file, or a name in one of the libraries, with or without its suffix.

    Raises:
        InputError: there is none; names those that there are.
        FolderError: it begins with the `~` of nobody.
    """
    file = expand_home(given)
    if file.is_file():
        return file
    known: dict[str, Path] = {}
    for library in reversed(libraries):
        if library.is_dir():
            files = (path for path in sorted(library.iterdir()) if not is_ignored(path.name))
            pictures = [path for path in files if path.suffix.lower() in PICTURE_SUFFIXES]
            known |= {picture.name: picture for picture in pictures}
    for name, picture in known.items():
        if fold_name(given) in (fold_name(name), fold_name(picture.stem)):
            return picture
    hint = did_you_mean(given, [*known, *(picture.stem for picture in known.values())])
    there_are = ", ".join(sorted(known)) or "none"
    raise InputError(
        f"{given}: no such file, and no such style in the library ({there_are}).{hint}"
    )


def fill_style_library(library: Path) -> None:
    """Copy the pictures that come with Impasto into a style library; what is there stays."""
    for source in sorted(OWN_STYLES.glob("*.jpg")):
        if not (library / source.name).exists():
            shutil.copyfile(source, library / source.name)
    readme = library / "README.txt"
    if not readme.exists():
        readme.write_text(README, encoding="utf-8")
