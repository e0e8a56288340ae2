"""What the form drops: pictures and settings become jobs of the folder, through `plugin.client`."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.datastructures import FormData

from hotfolder.atomic_files import publish
from hotfolder.errors import InputError
from hotfolder.inbox.refusals import regions_problem
from hotfolder.page.fields import Filled, fill
from hotfolder.page.folder.gallery import Details
from hotfolder.page.uploads import Staging
from hotfolder.paths import FolderPaths
from hotfolder.platforms import system
from plugin.client import Client, Request
from plugin.client.protocol import usable_name

__all__ = ["MAX_FILES", "REGIONS", "Drop", "add_styles", "drop", "read_drop"]

MAX_FILES = 200
"""Of one request."""

REGIONS = 6
"""Regions that the form has room for."""

RESERVE_BYTES = 256_000_000
"""That stay free on the disk of the hot folder."""


@dataclass
class Drop:
    """What somebody has put into the form, checked."""

    filled: Filled = field(default_factory=lambda: Filled({}, {}, {}))
    contents: list[Path] = field(default_factory=list)
    styles: list[Path | str] = field(default_factory=list)
    init: list[Path | str] = field(default_factory=list)
    palette: list[Path | str] = field(default_factory=list)
    mask: list[Path | str] = field(default_factory=list)
    regions: list[Path | str] = field(default_factory=list)
    style_regions: list[Path | str] = field(default_factory=list)
    name: str | None = None
    """What the job of a texture is called; None: as its styles."""
    errors: dict[str, str] = field(default_factory=dict)
    """By field; empty if it can be dropped."""

    @property
    def is_texture(self) -> bool:
        settings = self.filled.settings
        return settings.get("texture") is True or bool(settings.get("texture_size"))

    def of_request(self) -> dict[str, Any]:
        """The pictures besides the contents, as a `Request` has them."""
        single = {key: getattr(self, key) for key in ("init", "palette", "mask")}
        several = {key: getattr(self, key) for key in ("styles", "regions", "style_regions")}
        return several | {key: found[0] for key, found in single.items() if found}

    def layer(self) -> dict[str, Any]:
        """The settings that name pictures, to be checked; their names come with the job."""
        given = {"init_file": self.init, "palette": self.palette, "mask": self.mask}
        layer: dict[str, Any] = {key: "a picture" for key, found in given.items() if found}
        layer |= {"init": "file"} if self.init else {}
        several = {"regions": self.regions, "style_regions": self.style_regions}
        return layer | {key: ["a picture"] * len(found) for key, found in several.items() if found}


@contextlib.contextmanager
def read_drop(
    form: FormData, folder: FolderPaths, like: Details | None, library: Sequence[str]
) -> Iterator[Drop]:
    """The form's pictures as files, which are there until the block ends, and its settings.

    Args:
        like: the painting whose pictures the form may name.
        library: the names of the styles that there are.
    """
    given = {key: value for key, value in form.multi_items() if isinstance(value, str)}
    made = Drop()
    with tempfile.TemporaryDirectory(prefix="impasto-page-") as place:
        staging = Staging(Path(place).resolve())
        form_reader = _Form(form, given, staging, library, made)
        form_reader.read()
        if like is not None:
            _add_originals(made, like, folder, staging, given)
        made.filled = fill(given, made.layer())
        if made.is_texture and made.contents:
            words = "A texture has no picture to paint: choose none, or untick it."
            made.errors.setdefault("content", words)
        elif not made.is_texture and not made.contents:
            made.errors.setdefault("content", "Choose at least one picture to paint.")
        if not made.styles:
            made.errors.setdefault("style", "Choose a style, or bring a picture of one.")
        if not made.errors and (problem := regions_problem(made.layer(), len(made.styles))):
            made.errors["style"] = f"{problem.given}: expected {problem.expected}."
        made.errors = {**made.filled.errors, **made.errors}
        _check_room(made, folder)
        yield made


def drop(made: Drop, client: Client) -> list[str]:
    """Deliver a job for each content, or one for a texture; their names.

    Raises:
        ClientError
    """
    settings: Mapping[str, Any] = {**made.filled.settings, **made.filled.options}
    contents: Sequence[Path | None] = made.contents or [None]
    return [
        client.submit(
            Request(
                content,
                settings=settings,
                name=None if content else made.name,
                client={"from": "page"},
                **made.of_request(),
            )
        ).name
        for content in contents
    ]


def add_styles(form: FormData, folder: FolderPaths) -> list[str]:
    """Put pictures into the style library; their names there.

    Raises:
        InputError: nothing, or no picture, was given, or a name is taken.
    """
    added = []
    with tempfile.TemporaryDirectory(prefix="impasto-page-") as place:
        for path in Staging(Path(place).resolve()).uploads(form.getlist("style_file")):
            if not publish(path, folder.styles / path.name):
                raise InputError(f"The library has a {path.name} already; give it another name.")
            added.append(path.name)
    if not added:
        raise InputError("Choose a picture first.")
    return added


class _Form:
    """Reads the pictures of a form into a `Drop`."""

    def __init__(
        self,
        form: FormData,
        given: Mapping[str, str],
        staging: Staging,
        library: Sequence[str],
        made: Drop,
    ) -> None:
        self._form = form
        self._given = given
        self._staging = staging
        self._library = library
        self._made = made

    def read(self) -> None:
        made = self._made
        made.styles += self._named("style", self._form.getlist("style"))
        made.contents += self._uploads("content", "content")
        made.styles += self._uploads("style_file", "style")
        made.mask += self._uploads("mask", "mask")
        made.palette += self._chosen("palette", "palette_file", "palette")
        regions = [self._region(number) for number in range(1, REGIONS + 1)]
        if any(mask or style for mask, style in regions):
            if made.styles or self._given.get("same_styles"):
                made.errors.setdefault(
                    "style", "Each region has a style of its own: choose none here, or no regions."
                )
            for mask, style in regions:
                made.regions += mask
                made.styles += style

    def _region(self, number: int) -> tuple[Sequence[Path], Sequence[Path | str]]:
        """The mask of a region and its style, or neither."""
        key = f"region{number}"
        mask = self._uploads(f"{key}_mask", key)
        style = self._chosen(f"{key}_style", f"{key}_file", key)
        if mask and not style:
            self._made.errors.setdefault(key, "Choose the style of this region.")
        if style and not mask:
            self._made.errors.setdefault(key, "Choose the mask of this region.")
        return mask, style

    def _chosen(self, name: str, upload: str, field: str) -> list[Path | str]:
        """One picture: an upload, or else one of the library."""
        brought: list[Path | str] = [*self._uploads(upload, field)]
        return brought[:1] or self._named(field, [self._given.get(name, "")])

    def _named(self, field: str, given: Sequence[object]) -> list[Path | str]:
        """Pictures of the library."""
        names = [name for name in given if isinstance(name, str) and name]
        if unknown := [name for name in names if name not in self._library]:
            self._made.errors.setdefault(field, f"There is no style {unknown[0]} in the library.")
        return [*names]

    def _uploads(self, key: str, field: str) -> list[Path]:
        try:
            return self._staging.uploads(self._form.getlist(key))
        except InputError as error:
            self._made.errors.setdefault(field, str(error))
            return []


KEPT = {
    "init": ("init",),
    "palette": ("palette",),
    "mask": ("mask",),
    "regions": ("regions", "style_regions"),
}
"""Other pictures of a painting that the form can take over, by what it calls them."""


def _add_originals(
    made: Drop, like: Details, folder: FolderPaths, staging: Staging, given: Mapping[str, str]
) -> None:
    """The pictures of another painting, where the form asks for them. What it brings itself comes
    before."""

    def copies(pictures: Sequence[tuple[str, str | None]], field: str) -> list[Path | str]:
        found: list[Path | str] = []
        for name, place in pictures:
            if place is None:
                made.errors[field] = f"{name} is not here any more."
            elif place.startswith("styles/"):
                found.append(name)
            else:
                found.append(staging.original(folder.absolute(place)))
        return found

    field = "content"
    try:
        if given.get("same_content") and like.content:
            content = staging.original(folder.absolute(like.content))
            made.contents.append(_renamed(content, like.painting.name))
        field = "style"
        if given.get("same_styles"):
            made.styles += copies(like.styles, field)
            made.name = like.painting.name if like.settings.get("texture") else None
        for field, keys in KEPT.items():
            if given.get(f"same_{field}") and not getattr(made, field):
                for key in keys:
                    getattr(made, key).extend(copies(like.others.get(key, ()), field))
    except OSError as error:
        made.errors[field] = f"{error.filename}: {error.strerror}."


def _renamed(path: Path, name: str) -> Path:
    return path.rename(path.with_name(f"{usable_name(name, longest=150)}{path.suffix}"))


def _check_room(made: Drop, folder: FolderPaths) -> None:
    others = (made.styles, made.init, made.palette, made.mask, made.regions, made.style_regions)
    shared = [path for paths in others for path in paths if isinstance(path, Path)]
    contents = sum(path.stat().st_size for path in made.contents)
    size = contents + max(1, len(made.contents)) * sum(path.stat().st_size for path in shared)
    with contextlib.suppress(OSError):
        if system.disk_room(folder.inbox).free < size + RESERVE_BYTES:
            made.errors["content"] = "The disk of the hot folder has no room for these pictures."
