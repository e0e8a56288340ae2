"""YAML from untrusted files: plain values, and the line of every key.

Refused: more than 64 KB or 5,000 keys and values, aliases (a few lines of them can fill the
memory), tags (they name Python types), duplicate keys, deep nesting, several documents. Scalars are
read by YAML 1.2's core schema, so `1e6` is a number and `no` is text. Values are built from the
parser's events as these come: without recursion, and the first danger ends the reading.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from engine.errors import Problem
from hotfolder.errors import ConfigError, HotFolderError
from hotfolder.file_names import shown
from hotfolder.limits import MAX_MESSAGE, MAX_PROBLEMS, shortened

__all__ = ["Document", "parse_document"]

MAX_BYTES = 64 * 1024
MAX_DEPTH = 12
MAX_NODES = 5_000
"""Keys and values. Far fewer tell all that can be told; each costs some microseconds."""

MAX_EXPLAINED = 8 * 1024
"""Characters of a faulty document that the slow parser reads again, for its better message."""

Path = tuple[str | int, ...]

_FAST: Any = getattr(yaml, "CSafeLoader", None)
"""libyaml's, where there is one: eight times as fast, which counts with thousands of sidecars."""

_INT = re.compile(r"[-+]?[0-9]{1,40}")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,32}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,40}|[0-9]{1,40}(\.[0-9]{0,40})?)([eE][-+]?[0-9]{1,4})?")
_WORDS: dict[str, Any] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class _DocumentError(ValueError):
    """The message names file and line."""


class _SyntaxError(_DocumentError):
    """It is no YAML, says the parser, at character number `at` (from 0)."""

    def __init__(self, message: str, at: int = 0) -> None:
        super().__init__(message)
        self.at = at


@dataclass(frozen=True)
class Document:
    """One mapping, and where its keys stand."""

    name: str
    values: Mapping[str, Any]
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """Line (from 1) of the key at `path`, or of the nearest key above it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def describe(self, problems: Iterable[Problem]) -> str:
        """One line a problem: `portrait.yaml, line 3: key: given; expected ...`. Of very many the
        first, and how many more there are."""
        ordered = sorted(problems, key=lambda problem: self.line(problem.path))
        # A key may hold what a terminal obeys; what was given is shown as Python writes it anyway.
        lines = [
            f"{self.name}, line {self.line(p.path)}: {shown(shortened(str(p), MAX_MESSAGE))}"
            for p in ordered[:MAX_PROBLEMS]
        ]
        if more := len(ordered) - len(lines):
            lines.append(f"{self.name}: {more} more problems")
        return "\n".join(lines)


def parse_document(data: bytes, name: str, raises: type[HotFolderError] = ConfigError) -> Document:
    """Read one mapping; an empty document is an empty mapping.

    Raises:
        `raises`: with `name`, the line and what was expected.
    """
    if len(data) > MAX_BYTES:
        raise raises(f"{name}: {len(data)} bytes; expected at most {MAX_BYTES}.")
    try:
        if _FAST is None:
            return _parse(data, name, yaml.SafeLoader)
        try:
            return _parse(data, name, _FAST)
        except _SyntaxError as error:
            if error.at > MAX_EXPLAINED:
                raise
            return _parse(data, name, yaml.SafeLoader)  # Its messages are better than libyaml's.
    except _DocumentError as error:
        raise raises(str(error)) from None


def _parse(data: bytes, name: str, make_loader: Any) -> Document:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _DocumentError(f"{name}, line {line}: not UTF-8; save the file as UTF-8.") from None
    builder = _Builder(name)
    try:
        for event in yaml.parse(text, Loader=make_loader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else builder.line
        reason = f"{name}, line {line}: not valid YAML: {_reason(error)}."
        raise _SyntaxError(reason, mark.index if mark else 0) from None
    except yaml.reader.ReaderError as error:
        # libyaml counts bytes; then the other parser, which looks at all characters first, tells.
        position = min(error.position, len(text) - 1)
        line = text.count("\n", 0, position) + 1
        raise _SyntaxError(
            f"{name}, line {line}: character U+{ord(text[position]):04X} is not allowed."
        ) from None
    except (yaml.YAMLError, ValueError, IndexError, OverflowError) as error:
        if isinstance(error, _DocumentError):
            raise
        # Such as a character beyond Unicode, which neither parser foresees.
        what = shown(shortened(str(error), 200))
        raise _SyntaxError(f"{name}, line {builder.line}: not valid YAML: {what}.") from None
    values = {} if builder.root is None else builder.root
    if not isinstance(values, dict):
        kind = "a list" if isinstance(values, list) else "a single value"
        raise _DocumentError(f"{name}, line 1: {kind}; expected lines of `key: value`.")
    return Document(name, values, builder.lines)


@dataclass
class _Frame:
    """A list or a mapping that has not ended."""

    values: Any
    path: Path
    key: str | None = None
    """Of a mapping: the key whose value comes next."""


@dataclass
class _Builder:
    """Builds one document's plain values from the parser's events."""

    name: str
    root: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    line: int = 1
    """Of the event that came last."""
    _frames: list[_Frame] = field(default_factory=list)
    _nodes: int = 0
    _documents: int = 0

    def take(self, event: yaml.Event) -> None:
        if event.start_mark:
            self.line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise self._error("anchors and aliases are not allowed.")
        if tag := getattr(event, "tag", None):
            raise self._error(f"tag {tag!r}; tags are not allowed.")
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._error("not valid YAML: another document begins.")
        elif isinstance(event, yaml.CollectionEndEvent):
            self._frames.pop()
        elif isinstance(event, yaml.ScalarEvent):
            self._take_scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            values: Any = [] if isinstance(event, yaml.SequenceStartEvent) else {}
            path = self._place(values)
            self._frames.append(_Frame(values, path))
            if len(self._frames) > MAX_DEPTH:
                raise self._error(f"nested more than {MAX_DEPTH} deep.")

    def _take_scalar(self, event: yaml.ScalarEvent) -> None:
        frame = self._frames[-1] if self._frames else None
        if frame is None or frame.key is not None or isinstance(frame.values, list):
            self._place(_scalar(event, f"{self.name}, line {self.line}"))
            return
        self._count()
        key = event.value
        path = (*frame.path, key)
        if key in frame.values:
            first, known = self.lines[path], shown(".".join(map(str, path)))
            raise self._error(f"{known}: given twice (first in line {first}); expected once.")
        self.lines[path] = self.line
        frame.values[key] = None
        frame.key = key

    def _place(self, value: Any) -> Path:
        """Put a value where it belongs; returns its path."""
        self._count()
        frame = self._frames[-1] if self._frames else None
        path: Path = ()
        if frame is None:
            self.root = value
        elif isinstance(frame.values, list):
            path = (*frame.path, len(frame.values))
            frame.values.append(value)
        elif frame.key is None:
            raise self._error("a key that is not a word.")
        else:
            path = (*frame.path, frame.key)
            frame.values[frame.key] = value
            frame.key = None
        self.lines.setdefault(path, self.line)
        return path

    def _count(self) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self._error(f"more than {MAX_NODES} keys and values.")

    def _error(self, what: str) -> _DocumentError:
        return _DocumentError(f"{self.name}, line {self.line}: {what}")


def _scalar(event: yaml.ScalarEvent, place: str) -> Any:
    text: str = event.value
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _DocumentError(f"{place}: half a surrogate pair; expected valid Unicode.") from None
    if event.style:  # quoted, or a block: text
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _HEX.fullmatch(text):
        return int(text, 16)
    if _FLOAT.fullmatch(text):
        if math.isinf(number := float(text)):
            raise _DocumentError(f"{place}: {text}: too large; expected a finite number.")
        return number
    return text


def _reason(error: yaml.MarkedYAMLError) -> str:
    reason = error.problem or error.context or "unknown reason"
    if "\\t" in reason:
        reason += " (indent with spaces, not tabs)"
    return shown(reason)
