"""A batch in the inbox: `NAME.batch.yaml` lists contents x styles x settings (docs/batches.md)."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from pydantic import ValidationError

from engine.errors import Problem, SettingsError
from engine.settings import Settings, misplaced_setting, problems_of
from hotfolder.batches.deadline import DEADLINE_KEYS, deadline_of
from hotfolder.batches.expansion import variants_of
from hotfolder.batches.patterns import MAX_DEEP, MAX_LENGTH, is_pattern
from hotfolder.errors import SidecarError
from hotfolder.file_names import FILE_NAME_BYTES
from hotfolder.inbox.sidecar import MAX_STYLES, client_mapping, resolve_untrusted
from hotfolder.job_options import JobOptions
from hotfolder.limits import shortened
from hotfolder.near_misses import list_hint
from hotfolder.yaml_document import Document, parse_document
from plugin.client.protocol import PICTURE_SUFFIXES

__all__ = ["BATCH_KEYS", "BatchFile", "of_folders", "parse_batch"]

_OPTIONS = ("priority", "max_minutes", "name")

BATCH_KEYS = ("contents", "styles", "settings", "recursive", *DEADLINE_KEYS, *_OPTIONS, "client")

MOST = 1000
"""Patterns, styles or settings that one batch may list."""

MAX_PATTERNS = 50
"""Contents that are patterns, each of which is compared with every picture."""

FOR_ALL = ("palette", "mask")
"""Settings that name a picture for all contents."""

_OF_ONE_CONTENT = {
    "init_file": "no such key in a batch: it is for one content",
    "regions": "no such key in a batch: masks of regions lie beside each content (cat.mask1.png)",
    "style_regions": "no such key in a batch: label pictures are for one content",
}

_LENGTH = f"at most {MAX_LENGTH} characters"


@dataclass(frozen=True)
class BatchFile:
    """One batch as it was written. Nothing has been looked for."""

    document: Document
    contents: tuple[str, ...] | None
    """Patterns of pictures, below the inbox; those of a folder end in `/*` or, if the folders in it
    are meant as well, in `/**`. None: textures of the styles."""
    styles: tuple[tuple[str, ...], ...]
    """Names or patterns, of the inbox or the style library; more than one are blended."""
    variants: Mapping[str, Settings]
    options: JobOptions
    client: Mapping[str, Any]
    deadline: datetime | None = None
    """When the last painting should be there."""
    recursive: bool = False
    """Whether folders mean the folders in them, too."""


def parse_batch(data: bytes, name: str, base: Mapping[str, Any]) -> BatchFile:
    """Read and check it; `base` is `settings:` of the configuration.

    Raises:
        SidecarError: with file, line, key and what was expected.
    """
    document = parse_document(data, name, SidecarError)
    values = document.values
    problems = [_unknown(key) for key in values if key not in BATCH_KEYS]
    given = values.get("settings") or {}
    layers = _listed(given)
    textures = [_is_texture(layer) for layer in layers]
    contents = None
    if "contents" in values or not all(textures):
        contents = _words(values.get("contents"), ("contents",), problems)
    if contents and (count := sum(map(is_pattern, contents))) > MAX_PATTERNS:
        expected = f"at most {MAX_PATTERNS}; the others by their names"
        problems.append(Problem(("contents",), f"{count} patterns", expected))
    styles = tuple(
        tuple(blend) if isinstance(blend, list) else (blend,)
        for blend in _listed(values.get("styles"))
    )
    _words([style for blend in styles for style in blend], ("styles",), problems)
    for index, blend in enumerate(styles):
        if not 0 < len(blend) <= MAX_STYLES:
            expected = f"1 to {MAX_STYLES} pictures"
            problems.append(Problem(("styles", index), f"{len(blend)} pictures", expected))
    for index, layer in enumerate(layers[:MOST]):
        above = ("settings", index) if isinstance(given, list) else ("settings",)
        problems += _problems_of_layer(layer, above, base)
        if contents is not None and textures[index]:
            key = "texture" if layer.get("texture") else "texture_size"
            expected = "no such key beside `contents`: a texture has none"
            if "contents" not in values:
                expected = "it in all of the settings, or in none"
            problems.append(Problem((*above, key), str(layer[key]).lower(), expected))
    if len(layers) > MOST:
        problems.append(Problem(("settings",), f"{len(layers)} entries", f"1 to {MOST}"))
    recursive = values.get("recursive", False)
    if not isinstance(recursive, bool):
        problems.append(Problem(("recursive",), repr(recursive)[:80], "true or false"))
    client = client_mapping(values.get("client"), problems)
    options = _options(values, problems)
    deadline = deadline_of(values, datetime.now().astimezone(), problems)
    if problems:
        raise SidecarError(document.describe(problems))
    if contents is not None:
        contents = tuple(of_folders(word, recursive=recursive) for word in contents)
    variants = variants_of(layers, base)
    return BatchFile(document, contents, styles, variants, options, client, deadline, recursive)


def of_folders(word: str, *, recursive: bool) -> str:
    """A name or a pattern; of a folder, that of the pictures in it."""
    path = PurePosixPath(word)
    if not _may_be_pictures(path):  # A folder.
        return f"{path}/{'**' if recursive else '*'}"
    if recursive and is_pattern(path.name) and "**" not in path.parts:
        return str(path.parent / "**" / ("" if path.name == "*" else path.name))
    return word


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _words(given: Any, path: tuple[str | int, ...], problems: list[Problem]) -> tuple[str, ...]:
    """File names or patterns that stay within the folder."""
    found = []
    for word in _listed(given):
        if not isinstance(word, str) or not word:
            shown = "missing" if word is None else repr(word)[:80]
            problems.append(Problem(path, shown, "a picture's name or a pattern such as '*.jpg'"))
            continue
        if len(word) > MAX_LENGTH:
            problems.append(Problem(path, shortened(repr(word), 80), _LENGTH))
            continue
        name = PurePosixPath(word)
        if name.parts.count("**") > MAX_DEEP:
            expected = f"`**` at most {MAX_DEEP} times"
            problems.append(Problem(path, shortened(repr(word), 80), expected))
        elif name.is_absolute() or ".." in name.parts or "\\" in word or word[1:2] == ":":
            expected = "a path below the inbox, not one that leads elsewhere"
            problems.append(Problem(path, repr(word)[:200], expected))
        elif "\0" in word or any(len(part.encode()) > FILE_NAME_BYTES for part in name.parts):
            problems.append(Problem(path, repr(word)[:200], "names that files can have"))
        elif name.suffix and not _may_be_pictures(name) and not word.endswith("/"):
            expected = f"a picture ending in {', '.join(PICTURE_SUFFIXES)}, or a pattern of them"
            problems.append(Problem(path, repr(word)[:200], f"{expected}{list_hint(word)}"))
        else:
            found.append(str(name))
    if len(found) > MOST or not (found or problems):
        problems.append(Problem(path, f"{len(found)} entries", f"1 to {MOST}"))
    return tuple(found)


def _may_be_pictures(name: PurePosixPath) -> bool:
    if "*" in name.suffix or ("*" in name.name and not name.suffix):
        return True
    return name.suffix.lower() in PICTURE_SUFFIXES


def _options(values: Mapping[str, Any], problems: list[Problem]) -> JobOptions:
    given = {key: values[key] for key in _OPTIONS if key in values}
    try:
        return JobOptions.model_validate(given)
    except ValidationError as error:
        problems += problems_of(error, JobOptions)
        return JobOptions()


def _problems_of_layer(
    layer: Any, above: tuple[str | int, ...], base: Mapping[str, Any]
) -> list[Problem]:
    if not isinstance(layer, dict):
        return [Problem(above, repr(layer)[:80], "a mapping of settings")]
    problems = [
        Problem((key,), repr(layer[key])[:80], expected)
        for key, expected in _OF_ONE_CONTENT.items()
        if key in layer
    ]
    for key in FOR_ALL:
        if isinstance(name := layer.get(key), str):  # All else is no setting.
            _words(name, (key,), problems)
            if is_pattern(name):
                problems.append(Problem((key,), repr(name)[:80], "the name of one picture"))
    try:
        resolve_untrusted({key: layer[key] for key in layer if key not in _OF_ONE_CONTENT}, [base])
    except SettingsError as error:
        problems += error.problems
    return [Problem((*above, *p.path), p.given, p.expected, p.nearest) for p in problems]


def _is_texture(layer: Any) -> bool:
    if not isinstance(layer, dict):
        return False
    return layer.get("texture") is True or bool(layer.get("texture_size"))


def _unknown(key: str) -> Problem:
    if misplaced := misplaced_setting((key,)):
        return misplaced
    nearest = difflib.get_close_matches(key, BATCH_KEYS, n=1)
    expected = f"one of {', '.join(BATCH_KEYS)}"
    return Problem((key,), "unknown key", expected, nearest[0] if nearest else None)
