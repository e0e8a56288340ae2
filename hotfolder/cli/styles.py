"""Style pictures: those that come with Impasto, and finding one by its name."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hotfolder.atomic_files import write_whole
from hotfolder.cli.console import did_you_mean
from hotfolder.cli.input_files import why_no_file
from hotfolder.errors import ConfigError, InputError
from hotfolder.file_names import is_ignored
from hotfolder.paths import expand_home
from plugin.client.protocol import PICTURE_SUFFIXES, fold_name

__all__ = [
    "OWN_STYLES",
    "Notes",
    "fill_style_library",
    "find_style",
    "read_notes",
    "write_notes",
]

OWN_STYLES = Path(__file__).resolve().parents[1] / "styles"
"""The style pictures that come with Impasto."""

NOTES = "tags.yaml"
"""In a style library: the tags of its pictures, and which of Impasto's own are not wanted."""

NOTES_HEAD = """\
# Tags of the pictures here. `impasto styles tag` writes this file; comments are not kept.
"""

REMOVED = "removed"
"""The key of the pictures that are not wanted; a picture's name has a suffix."""

README = """\
The style library. A sidecar in the inbox, or `impasto submit`, names the pictures here without a
path: `styles: [night.jpg]`. `impasto styles` lists them; `impasto styles add FILE` puts a painting
of your own beside them, as copying it here does. JPEG, PNG, WebP and TIFF are read, among others.

The pictures that lie here from the beginning were painted by Impasto's own programs
(hotfolder/styles) and come under its MIT licence.
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
        f"{given}: {why_no_file(file)}, and no such style in the library ({there_are}).{hint}"
    )


def fill_style_library(library: Path) -> None:
    """Copy the pictures that come with Impasto into a style library, but for those that
    `impasto styles remove` took out; what is there stays."""
    left_out = read_notes(library).removed
    for source in sorted(OWN_STYLES.glob("*.jpg")):
        if source.name not in left_out and not (library / source.name).exists():
            shutil.copyfile(source, library / source.name)
    readme = library / "README.txt"
    if not readme.exists():
        readme.write_text(README, encoding="utf-8")


@dataclass
class Notes:
    """What a style library's `tags.yaml` says."""

    tags: dict[str, list[str]]
    """Of a picture, by its name in the library; those that come with Impasto have theirs."""
    removed: list[str]
    """Pictures that come with Impasto and are not wanted."""


def read_notes(library: Path) -> Notes:
    """The notes of a library; of one that has none, Impasto's own.

    Raises:
        ConfigError: `tags.yaml` is not as `write_notes` writes it.
    """
    notes = Notes(_read(OWN_STYLES / NOTES), [])
    if library != OWN_STYLES and (library / NOTES).exists():
        own = _read(library / NOTES)
        notes.removed = own.pop(REMOVED, [])
        notes.tags |= own
    return notes


def write_notes(library: Path, notes: Notes) -> None:
    """Write what differs from Impasto's own."""
    common = _read(OWN_STYLES / NOTES)
    own = {name: tags for name, tags in notes.tags.items() if tags != common.get(name, [])}
    lines = [NOTES_HEAD, *(_line(name, own[name]) for name in sorted(own))]
    if notes.removed:
        lines.append(_line(REMOVED, sorted(notes.removed)))
    write_whole(library / NOTES, "".join(lines).encode())


def _line(name: str, values: list[str]) -> str:
    # JSON is YAML, and safe for whatever a name is made of.
    return f"{json.dumps(name, ensure_ascii=False)}: {json.dumps(values, ensure_ascii=False)}\n"


def _read(path: Path) -> dict[str, list[str]]:
    from hotfolder.yaml_document import parse_document

    values = dict(parse_document(path.read_bytes(), str(path)).values)
    for name, words in values.items():
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ConfigError(f"{path}: {name}: expected a list of words, such as [sea, blue].")
    return values
