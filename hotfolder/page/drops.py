"""What the form drops: pictures and settings become jobs of the folder, through `plugin.client`."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.datastructures import FormData, UploadFile

from hotfolder import folder_access
from hotfolder.atomic_files import publish
from hotfolder.errors import InputError
from hotfolder.page.fields import Filled, fill
from hotfolder.page.folder.gallery import Details
from hotfolder.paths import FolderPaths
from hotfolder.platforms import system
from plugin.client import Client, Request
from plugin.client.protocol import PICTURE_SUFFIXES, usable_name

__all__ = ["MAX_FILES", "Drop", "add_styles", "drop", "read_drop"]

MAX_FILES = 200
"""Of one request."""

RESERVE_BYTES = 256_000_000
"""That stay free on the disk of the hot folder."""

CHUNK = 1 << 20


@dataclass
class Drop:
    """What somebody has put into the form, checked."""

    filled: Filled
    contents: list[Path] = field(default_factory=list)
    styles: list[Path | str] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    """By field; empty if it can be dropped."""


@contextlib.contextmanager
def read_drop(
    form: FormData, folder: FolderPaths, like: Details | None, library: Sequence[str]
) -> Iterator[Drop]:
    """The form's pictures as files, which are there until the block ends, and its settings.

    Args:
        like: the painting whose content and styles the form may name.
        library: the names of the styles that there are.
    """
    given = {key: value for key, value in form.multi_items() if isinstance(value, str)}
    filled = fill(given)
    made = Drop(filled, errors=dict(filled.errors))
    with tempfile.TemporaryDirectory(prefix="impasto-page-") as place:
        staging = _Staging(Path(place).resolve())
        made.styles = [name for name in form.getlist("style") if isinstance(name, str) and name]
        if unknown := [name for name in made.styles if name not in library]:
            made.errors["style"] = f"There is no style {unknown[0]} in the library."
        for key, error_key, files in (
            ("content", "content", made.contents),
            ("style_file", "style", made.styles),
        ):
            try:
                files += staging.uploads(form.getlist(key))
            except InputError as error:
                made.errors[error_key] = str(error)
        if like is not None:
            _add_originals(made, like, folder, staging, given)
        if not made.contents:
            made.errors.setdefault("content", "Choose at least one picture to paint.")
        if not made.styles:
            made.errors.setdefault("style", "Choose a style, or bring a picture of one.")
        _check_room(made, folder)
        yield made


def drop(made: Drop, client: Client) -> list[str]:
    """Deliver a job for each content; their names.

    Raises:
        ClientError
    """
    settings: Mapping[str, Any] = {**made.filled.settings, **made.filled.options}
    return [
        client.submit(Request(content, made.styles, settings, client={"from": "page"})).name
        for content in made.contents
    ]


def add_styles(form: FormData, folder: FolderPaths) -> list[str]:
    """Put pictures into the style library; their names there.

    Raises:
        InputError: nothing, or no picture, was given, or a name is taken.
    """
    added = []
    with tempfile.TemporaryDirectory(prefix="impasto-page-") as place:
        for path in _Staging(Path(place).resolve()).uploads(form.getlist("style_file")):
            if not publish(path, folder.styles / path.name):
                raise InputError(f"The library has a {path.name} already; give it another name.")
            added.append(path.name)
    if not added:
        raise InputError("Choose a picture first.")
    return added


class _Staging:
    """A folder for what is on its way into the hot folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def uploads(self, parts: Sequence[object]) -> list[Path]:
        """
        Raises:
            InputError: one of them is no picture, by its name, or is empty.
        """
        files = [part for part in parts if isinstance(part, UploadFile) and part.filename]
        return [self._written(file) for file in files]

    def original(self, path: Path) -> Path:
        """
        Raises:
            OSError: it is not there any more.
        """
        target = self._target(path.name)
        with folder_access.open_regular(path) as source, target.open("xb") as copy:
            shutil.copyfileobj(source, copy, CHUNK)
        return target

    def _written(self, upload: UploadFile) -> Path:
        target = self._target(upload.filename or "")
        with target.open("xb") as file:
            shutil.copyfileobj(upload.file, file, CHUNK)
        if not target.stat().st_size:
            raise InputError(f"{target.name} is empty.")
        return target

    def _target(self, name: str) -> Path:
        """A new file in a folder of its own, so that it can have the name it came with."""
        base = Path(name.replace("\\", "/").rpartition("/")[2])
        suffix = base.suffix.lower()
        if suffix not in PICTURE_SUFFIXES:
            known = ", ".join(PICTURE_SUFFIXES)
            raise InputError(f"{base.name[:100]!r} is no picture that Impasto reads ({known}).")
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        return folder / f"{usable_name(base.stem, longest=150)}{suffix}"


def _add_originals(
    made: Drop, like: Details, folder: FolderPaths, staging: _Staging, given: Mapping[str, str]
) -> None:
    """The content and the styles of another painting, where the form asks for them."""
    try:
        if given.get("same_content") and like.content:
            content = staging.original(folder.absolute(like.content))
            made.contents.append(_renamed(content, like.painting.name))
        if given.get("same_styles"):
            for name, place in like.styles:
                if place is None:
                    made.errors["style"] = f"{name} is not here any more."
                elif place.startswith("styles/"):
                    made.styles.append(name)
                else:
                    made.styles.append(staging.original(folder.absolute(place)))
    except OSError as error:
        made.errors["content"] = f"{error.filename}: {error.strerror}."


def _renamed(path: Path, name: str) -> Path:
    return path.rename(path.with_name(f"{usable_name(name, longest=150)}{path.suffix}"))


def _check_room(made: Drop, folder: FolderPaths) -> None:
    styles = [style for style in made.styles if isinstance(style, Path)]
    contents = sum(path.stat().st_size for path in made.contents)
    size = contents + len(made.contents) * sum(path.stat().st_size for path in styles)
    with contextlib.suppress(OSError):
        if system.disk_room(folder.inbox).free < size + RESERVE_BYTES:
            made.errors["content"] = "The disk of the hot folder has no room for these pictures."
