"""A sidecar: which pictures a job takes, and its layer of settings."""

import codecs
import dataclasses
import difflib
import errno
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError

from engine.errors import Problem, SettingsError
from engine.settings import MAX_HINTS, PICTURES, Settings, problems_of, resolve
from hotfolder.errors import SidecarError
from hotfolder.file_names import FILE_NAME_BYTES
from hotfolder.folder_access import is_link, open_regular
from hotfolder.job_options import JobOptions
from hotfolder.near_misses import list_hint, program_of
from hotfolder.yaml_document import MAX_BYTES, Document, parse_document
from plugin.client.protocol import MAX_CLIENT_BYTES, PICTURE_SUFFIXES

__all__ = [
    "EXPECTED_WEIGHTS",
    "LIBRARY_KEYS",
    "MAX_STYLES",
    "SIDECAR_KEYS",
    "ForeignFileError",
    "PictureNamesError",
    "Sidecar",
    "UnreadSidecarError",
    "allowed_weights",
    "client_mapping",
    "parse_sidecar",
    "read_sidecar",
    "read_text",
    "resolve_untrusted",
]

LIBRARY_KEYS = ("styles", "palette")
"""Whose pictures may be those of the style library."""

SIDECAR_KEYS = ("content", "styles", *PICTURES, "client", *JobOptions.model_fields)
"""What a sidecar may say besides settings."""

MAX_STYLES = 64

MAX_NEAREST = 3
"""Wrong names of pictures for which the nearest that is there is looked for."""

MAX_MENTIONED = 64
"""Names of pictures that are looked for in a sidecar that cannot be understood."""

# From a place where a name can begin to the end of a picture's.
_ENDINGS = "|".join(re.escape(suffix) for suffix in PICTURE_SUFFIXES)
_PICTURE_END = re.compile(rf"(?:{_ENDINGS})(?!\w)", re.I)
_NAME_BEGINS = re.compile("^|[\\s\"'`\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb:,\\[\\]{}/\\\\-]")

# What is no plain file answers so when it is opened; everything else may pass.
_NO_FILE = {errno.EINVAL, errno.EISDIR, errno.ELOOP, errno.EMLINK, errno.ENXIO}

BUILT_IN_WEIGHTS = frozenset({"caffe", "torchvision"})
EXPECTED_WEIGHTS = "`caffe` or `torchvision`; a file can only be named in config.yaml"


class UnreadSidecarError(SidecarError):
    """It cannot be understood; `mentioned` are names of pictures that may stand in it."""

    mentioned: tuple[str, ...] = ()


class ForeignFileError(SidecarError):
    """It is YAML, but another program's: no sidecar."""


class PictureNamesError(UnreadSidecarError):
    """The pictures are named wrongly: of form 2, so no pair need be waited for."""

    def __init__(self, document: Document, problems: Sequence[Problem]) -> None:
        self._document = document
        self._problems = problems
        super().__init__(document.describe(problems))

    def hinted(self, nearest: Callable[[str], str | None]) -> SidecarError:
        """The same, with the name that is `nearest` to each of the first that are wrong."""
        hinted = [
            dataclasses.replace(problem, nearest=nearest(name))
            if (name := self._name_at(problem.path)) and problem.nearest is None
            else problem
            for problem in self._problems[:MAX_NEAREST]
        ]
        return SidecarError(self._document.describe([*hinted, *self._problems[MAX_NEAREST:]]))

    def _name_at(self, path: tuple[str | int, ...]) -> str:
        found: Any = self._document.values
        for part in path:
            found = found[part]
        return found if isinstance(found, str) else ""


@dataclass(frozen=True)
class Sidecar:
    """One sidecar as it was written; pictures are names, not yet looked for."""

    document: Document
    content: str | None = None
    styles: tuple[str, ...] = ()
    init_file: str | None = None
    palette: str | None = None
    """It is among the settings of `layer`, too."""
    mask: str | None = None
    regions: tuple[str, ...] = ()
    style_regions: tuple[str, ...] = ()
    client: Mapping[str, Any] = field(default_factory=dict)
    options: JobOptions = field(default_factory=JobOptions)
    layer: Mapping[str, Any] = field(default_factory=dict)
    """The settings, as plain values."""
    recursive: Any = None
    """As it was written: of a preset, whether it holds for the folders in its folder, too."""
    wrong_options: tuple[Problem, ...] = ()
    """What is wrong with the options; `settings` raises it. The pictures are known all the same."""

    def wants_init_picture(self) -> bool:
        """Whether a picture to start from must come, by whatever name."""
        return self.layer.get("init") == "file"

    def is_texture(self) -> bool:
        """Whether it needs no content."""
        return self.layer.get("texture") is True or bool(self.layer.get("texture_size"))

    def without_content(self) -> Problem:
        """What is wrong with a texture that has one."""
        key = "texture" if self.layer.get("texture") is True else "texture_size"
        given = str(self.layer[key]).lower()
        return Problem((key,), given, "no such key, or no content: a texture has none")

    def wants_palette(self) -> bool:
        """The same of a palette."""
        return self.layer.get("colours") == "palette"

    def pictures(self) -> tuple[str, ...]:
        """Every picture that it names, as it names it."""
        own = (self.content, self.init_file, self.palette, *self.styles)
        return tuple(name for name in (*own, *self.mask_names()) if name)

    def masks(self) -> Mapping[str, Any]:
        """The settings that name masks."""
        several = {"regions": self.regions, "style_regions": self.style_regions}
        named: dict[str, Any] = {key: [*names] for key, names in several.items() if names}
        return named | ({"mask": self.mask} if self.mask else {})

    def mask_names(self) -> tuple[str, ...]:
        """Those of them that say where to paint."""
        return (*((self.mask,) if self.mask else ()), *self.regions, *self.style_regions)

    def settings(
        self,
        *base: Mapping[str, Any],
        init_file: str | None = None,
        palette: str | None = None,
        masks: Mapping[str, Any] | None = None,
        of_folder: bool = False,
    ) -> Settings:
        """This sidecar's layer over those of `base` (`settings:` of config.yaml, a preset's),
        resolved.

        Args:
            init_file: name of the picture to start from, if there is one. It implies
                `init: file`, unless the sidecar says otherwise.
            palette: name of the picture whose colours are used, if there is one.
            masks: the settings that name masks, for those that there are.
            of_folder: it is a preset.

        Raises:
            SidecarError: one line for each problem.
        """
        layer = {**self.layer, **(self.masks() if masks is None else masks)}
        if init_file is not None:
            layer.setdefault("init", "file")
            layer["init_file"] = init_file
        if palette is not None:
            layer["palette"] = palette
        problems = list(self.wrong_options)
        if not (self.recursive is None or (of_folder and isinstance(self.recursive, bool))):
            expected = "true or false" if of_folder else "no such key but in a preset or a batch"
            problems.append(Problem(("recursive",), repr(self.recursive)[:80], expected))
        try:
            settings = resolve_untrusted(layer, base)
        except SettingsError as error:
            hinted = [_with_nearest_key(problem) for problem in error.problems[:MAX_HINTS]]
            problems += [*hinted, *error.problems[MAX_HINTS:]]
        if problems:
            raise SidecarError(self.document.describe(problems))
        return settings


def allowed_weights(*base: Mapping[str, Any]) -> frozenset[str]:
    """The weights that others may ask for, over the settings of `base`. A file may be any of this
    machine, so only the configuration names one."""
    named = {str(below["weights"]) for below in base if "weights" in below}
    return BUILT_IN_WEIGHTS | named


def resolve_untrusted(layer: Mapping[str, Any], base: Sequence[Mapping[str, Any]]) -> Settings:
    """A layer of settings that somebody else has written (in a sidecar, a preset or a batch) over
    those of `base`: the one check of what may stand in one.

    Raises:
        SettingsError: with one `Problem` for each key that is refused.
    """
    problems: list[Problem] = []
    weights = layer.get("weights")
    if isinstance(weights, str) and weights not in allowed_weights(*base):
        problems.append(Problem(("weights",), repr(weights), EXPECTED_WEIGHTS))
    try:
        settings = resolve(*base, layer)
    except SettingsError as error:
        problems += error.problems
    if problems:
        raise SettingsError(problems)
    return settings


def client_mapping(given: Any, problems: list[Problem]) -> Mapping[str, Any]:
    """The `client` of a sidecar or a batch, checked."""
    client = given or {}
    if not isinstance(client, dict):
        problems.append(Problem(("client",), repr(client)[:80], "a mapping of names to values"))
        return {}
    if (size := len(json.dumps(client))) > MAX_CLIENT_BYTES:
        expected = f"at most {MAX_CLIENT_BYTES} bytes as JSON"
        problems.append(Problem(("client",), f"{size} bytes", expected))
    return client


def read_sidecar(path: Path, name: str) -> Sidecar:
    """Read the file at `path`, called `name` in messages.

    Raises:
        ForeignFileError, UnreadSidecarError, SidecarError: `read_text`'s or `parse_sidecar`'s.
        OSError: it cannot be read now.
    """
    data = read_text(path, name)
    try:
        return parse_sidecar(data, name)
    except ForeignFileError:
        raise
    except SidecarError as error:
        unread = error if isinstance(error, UnreadSidecarError) else UnreadSidecarError(str(error))
        unread.mentioned = _mentioned(data)
        raise unread from None


def _mentioned(data: bytes) -> tuple[str, ...]:
    """What may be the names of pictures in a text, whatever is wrong with it."""
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = data.decode("utf-16" if utf16 else "utf-8", "replace")
    found: dict[str, None] = {}
    for line in text.splitlines():
        for end in _PICTURE_END.finditer(line, 0, 1000):
            for begin in islice(_NAME_BEGINS.finditer(line, 0, end.start()), 16):
                found[line[begin.end() : end.end()]] = None
            if len(found) > 16 * MAX_MENTIONED:
                return tuple(found)
    return tuple(found)


def read_text(path: Path, name: str) -> bytes:
    """What is in a sidecar or a batch file, which somebody else has written.

    Raises:
        SidecarError: not a regular file, or too large.
        OSError: it cannot be read now.
    """
    try:
        with open_regular(path) as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        if error.errno not in _NO_FILE:
            raise
        reason = "a link" if is_link(path) else error.strerror
        raise SidecarError(f"{name}: cannot be read: {reason}. Put a plain file there.") from None
    if len(data) > MAX_BYTES:
        raise SidecarError(f"{name}: larger than {MAX_BYTES // 1024} KB.")
    return data


def parse_sidecar(data: bytes, name: str) -> Sidecar:
    """The pictures and the client's mapping, checked; the settings as they stand.

    Raises:
        SidecarError: with file, line, key and what was expected.
    """
    document = parse_document(data, name, SidecarError)
    values = dict(document.values)
    if (program := program_of(values, _known_keys())) is not None:
        raise ForeignFileError(f"{name}: a file of {program}, not a sidecar of Impasto's.")
    problems: list[Problem] = []
    content = _picture_name(values.pop("content", None), ("content",), problems)
    init_file = _picture_name(values.pop("init_file", None), ("init_file",), problems)
    palette = _picture_name(values.get("palette"), ("palette",), problems)
    styles = _picture_names(values.pop("styles", None), "styles", problems)
    mask = _picture_name(values.pop("mask", None), ("mask",), problems)
    regions, style_regions = (
        _picture_names(values.pop(key, None), key, problems) for key in ("regions", "style_regions")
    )
    client = client_mapping(values.pop("client", None), problems)
    if problems:
        raise PictureNamesError(document, problems)
    asked = {key: values.pop(key) for key in JobOptions.model_fields if key in values}
    options, wrong_options = _options(asked)
    recursive = values.pop("recursive", None)
    wrong = tuple(wrong_options)
    named = (content, styles, init_file, palette, mask, regions, style_regions)
    return Sidecar(document, *named, client, options, values, recursive, wrong)


def _options(asked: Mapping[str, Any]) -> tuple[JobOptions, list[Problem]]:
    try:
        return JobOptions.model_validate(asked), []
    except ValidationError as error:
        return JobOptions(), problems_of(error, JobOptions)


def _picture_names(given: Any, key: str, problems: list[Problem]) -> tuple[str, ...]:
    if given is None:
        return ()
    listed: Sequence[Any] = given if isinstance(given, list) else [given]
    if not listed or len(listed) > MAX_STYLES:
        expected = f"1 to {MAX_STYLES} pictures"
        problems.append(Problem((key,), f"{len(listed)} pictures", expected))
        return ()
    in_list = isinstance(given, list)
    names = [
        _picture_name(item, (key, i) if in_list else (key,), problems, null=False)
        for i, item in enumerate(listed)
    ]
    return tuple(name for name in names if name is not None)


def _picture_name(
    given: Any, path: tuple[str | int, ...], problems: list[Problem], *, null: bool = True
) -> str | None:
    """A relative name that stays where it belongs; normalised (`./a.jpg` is `a.jpg`)."""
    if given is None and null:
        return None
    if not isinstance(given, str):
        problems.append(Problem(path, repr(given)[:80], "a picture's file name"))
        return None
    name = PurePosixPath(given)
    library = path[0] in LIBRARY_KEYS
    where = "beside the sidecar" + (" or in styles/" if library else "")
    # A backslash and a drive would be a path on Windows.
    leaves = name.is_absolute() or ".." in name.parts or "\\" in given or given[1:2] == ":"
    if leaves or (len(name.parts) > 1 and not library):
        expected = f"the name of a picture {where}, not a path that leads elsewhere"
        problems.append(Problem(path, repr(given)[:200], expected))
        return None
    if "\0" in given or any(len(part.encode()) > FILE_NAME_BYTES for part in name.parts):
        problems.append(Problem(path, repr(given)[:200], "a name that a file can have"))
        return None
    if name.suffix.lower() not in PICTURE_SUFFIXES:
        expected = f"a picture ending in {', '.join(PICTURE_SUFFIXES)}{list_hint(given)}"
        problems.append(Problem(path, repr(given)[:200], expected))
        return None
    return str(name)


def _with_nearest_key(problem: Problem) -> Problem:
    """The nearest valid key among the settings and the sidecar's own."""
    if problem.given != "unknown key" or len(problem.path) != 1:
        return problem
    nearest = difflib.get_close_matches(str(problem.path[0]), _known_keys(), n=1)
    return dataclasses.replace(problem, nearest=nearest[0] if nearest else None)


def _known_keys() -> list[str]:
    return [*SIDECAR_KEYS, "recursive", *Settings.model_fields]
