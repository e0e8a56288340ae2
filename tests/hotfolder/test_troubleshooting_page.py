"""docs/troubleshooting.md and docs/gimp.md quote messages: the program has to say them."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

VARYING = "\0"
"""Stands for what a message fills in."""


def messages() -> list[str]:
    """Every text in the code."""
    return [
        text
        for room in ("engine", "hotfolder", "plugin")
        for path in (ROOT / room).rglob("*.py")
        for text in _texts(ast.parse(path.read_text()))
    ]


def _texts(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (p.value if isinstance(p, ast.Constant) else VARYING for p in node.values)
            found.append("".join(map(str, parts)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(re.sub(r"%[-.\d]*[dgrs]", VARYING, node.value))
    return found


def quoted(page: str) -> list[str]:
    """The messages of a page: the first column of its tables of messages, and blocks of text."""
    text = (ROOT / "docs" / page).read_text()
    found = re.findall(r"```text\n(.*?)\n```", text, re.S)
    for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
        heading, _, *rows = table.splitlines()
        if re.search(r"message|says|error\.txt", heading.split("|")[1]):
            for row in rows:
                found += re.findall(r"`([^`]+)`", row.split(" | ")[0])
    return found


@pytest.mark.parametrize("page", ["troubleshooting.md", "gimp.md"])
def test_every_message_that_the_page_quotes_is_in_the_code(page: str) -> None:
    said = messages()
    missing = [
        (message, part)
        for message in quoted(page)
        for part in re.split(r"\W*\.\.\.\W*", message)
        if not any(part in text for text in said)
    ]
    assert len(quoted(page)) > 20
    assert not missing
