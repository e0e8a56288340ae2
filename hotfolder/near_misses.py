"""Files that are not quite what they were meant to be, and what they may have been meant as. Pure.

Whoever drops a file expects something of it. So one that is no job's input is named with its
reason, and a name that is nearly the one that is missing is shown beside it.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from hotfolder.file_names import FileRole, parse
from hotfolder.limits import shortened
from plugin.client.protocol import PICTURE_SUFFIXES, SIDECAR_SUFFIXES, fold_name

__all__ = [
    "NearNames",
    "list_hint",
    "loosened",
    "program_of",
    "split_reason",
    "why_unrecognised",
]

MAX_COMPARED = 300
"""Names among which the most similar one is looked for, ..."""

COMPARED_LENGTH = 40
"""... by so many of their characters: a comparison takes the square of them."""

SIMILARITY = 0.7
"""Of two names, from 0 to 1, from which on one may have been meant as the other."""

REMEMBERED = 1 << 14
"""Names of which is remembered what they may mean: a folder is scanned again and again."""

_PICTURE = "which Impasto does not read; save it as PNG, TIFF or JPEG"
_KINDS = {
    **dict.fromkeys(
        (".gif", ".bmp", ".ico", ".tga", ".pcx", ".ppm", ".pgm"), f"a picture {_PICTURE}"
    ),
    **dict.fromkeys((".jp2", ".j2k", ".jpx", ".exr", ".hdr", ".dds"), f"a picture {_PICTURE}"),
    **dict.fromkeys((".svg", ".eps", ".ai", ".pdf"), f"a drawing or document, {_PICTURE}"),
    **dict.fromkeys(
        (".psd", ".psb", ".xcf", ".kra", ".ora", ".afphoto"), f"an editor's file, {_PICTURE}"
    ),
    **dict.fromkeys(
        (
            *(".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".sr2", ".raf", ".orf"),
            *(".rw2", ".pef", ".srw", ".x3f", ".3fr", ".iiq", ".rwl", ".gpr"),
        ),
        "a camera's raw file, which Impasto does not read; develop it to TIFF or JPEG",
    ),
    **dict.fromkeys((".mov", ".mp4", ".avi", ".mkv", ".webm", ".m4v"), "a film, not a picture"),
    **dict.fromkeys((".zip", ".rar", ".7z", ".tar", ".gz"), "an archive; unpack it"),
    **dict.fromkeys(
        (".xmp", ".aae", ".thm", ".pp3", ".dop", ".arp", ".cos", ".json"),
        "another program's notes on a picture; settings are in a .yaml",
    ),
}
"""What people have beside their pictures, by suffix."""

_PROGRAMS: Sequence[tuple[str, frozenset[str]]] = (
    ("PhotoPrism", frozenset({"TakenAt", "UID"})),
    ("PhotoPrism", frozenset({"UID", "Type"})),
    ("PhotoPrism", frozenset({"UID", "Title"})),
    ("Docker Compose", frozenset({"services"})),
    ("Kubernetes", frozenset({"apiVersion", "kind"})),
    ("GitHub Actions", frozenset({"on", "jobs"})),
    ("Conda", frozenset({"channels", "dependencies"})),
    ("pre-commit", frozenset({"repos"})),
    ("OpenAPI", frozenset({"openapi"})),
    ("MkDocs", frozenset({"site_name"})),
    ("DVC", frozenset({"outs"})),
    ("a training program", frozenset({"train", "val"})),
)
"""Programs that write YAML, by keys which none but theirs has."""

_ENDINGS = (*PICTURE_SUFFIXES, *SIDECAR_SUFFIXES, *_KINDS, ".txt", ".rtf")
_COPY = re.compile(r"[ _-]*(\(\d{1,4}\)|[-_ ](copy|kopie|copie)( ?\(?\d{1,4}\)?)?)$")
_QUOTES = "\"'`\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb "


@lru_cache(maxsize=REMEMBERED)
def why_unrecognised(file_name: str, *, in_folder: bool) -> str:
    """Why a file of the inbox, or of a folder in it, is no job's input, in words, as far as its
    name tells."""
    stem, dot, end = file_name.rpartition(".")
    suffix = f"{dot}{end}".lower() if stem else ""
    parsed = parse(file_name)
    if parsed is not None and parsed.role is FileRole.PICTURE:
        return "a picture that no job names"
    if parsed is not None and parsed.role is FileRole.BATCH and in_folder:
        return "a batch counts in the inbox itself"
    meant = parse(stem) if suffix in (".txt", ".rtf") else None
    if meant is not None and meant.role not in (FileRole.OTHER, FileRole.PICTURE):
        return f"called {stem} it would count"
    if suffix in SIDECAR_SUFFIXES and stem.lower().endswith(PICTURE_SUFFIXES):
        return "settings are in the sidecar of the job, or of its content"
    if suffix in _KINDS:
        return _KINDS[suffix]
    if suffix in (*PICTURE_SUFFIXES, *SIDECAR_SUFFIXES):
        return "no job can have this name"
    return "neither a picture nor a sidecar"


def split_reason(words: str) -> tuple[str, str]:
    """The name and the reason of `name (reason)`, either of which may have brackets of its own. No
    reason if there is none."""
    depth = 0
    for end in range(len(words) - 1, 0, -1):
        depth += (words[end] == ")") - (words[end] == "(")
        if depth == 0:
            begin = words.endswith(")") and words[end - 1] == " "
            return (words[: end - 1], words[end + 1 : -1]) if begin else (words, "")
    return words, ""


def program_of(values: Mapping[str, Any], known: Iterable[str]) -> str | None:
    """The program of which a YAML file is, if that is certain: none of its keys is `known`."""
    # Many have a `name`.
    if not values.keys().isdisjoint(set(known) - {"name"}):
        return None
    return next((name for name, keys in _PROGRAMS if keys <= values.keys()), None)


@lru_cache(maxsize=REMEMBERED)
def loosened(name: str) -> str:
    """Equal for names that people take for one: whatever case, suffixes, quotes, and number of a
    copy (`cat (1).jpg`, `cat - Copy.jpg`)."""
    before, name = "", fold_name(name[:500])
    while name != before:
        before = name
        name = name.strip(_QUOTES)
        stem, dot, end = name.rpartition(".")
        if stem and dot + end in _ENDINGS:
            name = stem
        name = _COPY.sub("", name)
    return name


class NearNames:
    """The names that are there, to find among them what another name may have meant."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = list(names)
        self._loose = {loosened(name): name for name in reversed(self._names)}

    def same(self, name: str) -> str | None:
        """The one that people would take for `name`, and that is another."""
        there = self._loose.get(loosened(name))
        return None if there == name else there

    def nearest(self, name: str) -> str | None:
        """The same; or else the one that is most similar, if one is."""
        if (same := self.same(name)) is not None:
            return same
        # Without suffixes, which make all names similar.
        cut = {loosened(each)[:COMPARED_LENGTH]: each for each in self._names[:MAX_COMPARED]}
        near = difflib.get_close_matches(loosened(name)[:COMPARED_LENGTH], cut, 1, SIMILARITY)
        return cut[near[0]] if near else None


def list_hint(name: str) -> str:
    """Of a name that is several: how they are written. Empty if it is one."""
    parts = [part.strip(_QUOTES) for part in name.split(",")]
    if len(parts) < 2 or not all(parts):
        return ""
    return f"; several are a list: [{shortened(', '.join(parts), 200)}]"
