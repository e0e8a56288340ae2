"""YAML from untrusted files: plain values, and the line of every key.

Refused: more than 64 KB, aliases (a few lines of them can fill the memory), tags (they name
Python types), duplicate keys, deep nesting, several documents. Scalars are read by YAML 1.2's core
schema, so `1e6` is a number and `no` is text. What remains possible is a document of 64 KB of
nonsense, which the settings model refuses.
"""

import contextlib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from engine.errors import Problem
from hotfolder.errors import ConfigError, HotFolderError
from hotfolder.file_names import shown
from hotfolder.limits import MAX_MESSAGE, MAX_PROBLEMS, shortened

__all__ = ["Document", "parse_document"]

MAX_BYTES = 64 * 1024
MAX_DEPTH = 12

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
    if _FAST is not None:
        with contextlib.suppress(_DocumentError, yaml.YAMLError, IndexError):
            return _parse(data, name, _FAST)
    try:
        return _parse(data, name, yaml.SafeLoader)  # Its messages are better than libyaml's.
    except _DocumentError as error:
        raise raises(str(error)) from None


def _parse(data: bytes, name: str, make_loader: Any) -> Document:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _DocumentError(f"{name}, line {line}: not UTF-8; save the file as UTF-8.") from None
    try:
        _refuse_dangers(text, name, make_loader)
        loader = make_loader(text)
        try:
            root = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise _DocumentError(f"{name}, line {line}: not valid YAML: {_reason(error)}.") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _DocumentError(
            f"{name}, line {line}: character U+{ord(text[error.position]):04X} is not allowed."
        ) from None
    lines: dict[Path, int] = {}
    values = {} if root is None else _plain(root, (), lines, name)
    if values is None:
        values = {}
    if not isinstance(values, dict):
        kind = "a list" if isinstance(values, list) else "a single value"
        raise _DocumentError(f"{name}, line 1: {kind}; expected lines of `key: value`.")
    return Document(name, values, lines)


def _refuse_dangers(text: str, name: str, make_loader: Any) -> None:
    """Check the parser's events before anything is built from them (and without recursion)."""
    depth = 0
    for event in yaml.parse(text, Loader=make_loader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        tag = getattr(event, "tag", None)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _DocumentError(f"{name}, line {line}: anchors and aliases are not allowed.")
        if tag:
            raise _DocumentError(f"{name}, line {line}: tag {tag!r}; tags are not allowed.")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise _DocumentError(f"{name}, line {line}: nested more than {MAX_DEPTH} deep.")


def _plain(node: yaml.Node, path: Path, lines: dict[Path, int], name: str) -> Any:
    """A node's value in plain Python."""
    line = node.start_mark.line + 1
    lines.setdefault(path, line)
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node, f"{name}, line {line}")
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*path, i), lines, name) for i, item in enumerate(node.value)]
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise _DocumentError(f"{name}, line {line}: a key that is not a word.")
        key = key_node.value
        if key in values:
            first, known = lines[(*path, key)], shown(".".join(map(str, (*path, key))))
            raise _DocumentError(
                f"{name}, line {line}: {known}: given twice (first in line {first}); expected once."
            )
        lines[(*path, key)] = line
        values[key] = _plain(value_node, (*path, key), lines, name)
    return values


def _scalar(node: yaml.ScalarNode, place: str) -> Any:
    text: str = node.value
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _DocumentError(f"{place}: half a surrogate pair; expected valid Unicode.") from None
    if node.style:  # quoted, or a block: text
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
