"""The drawn parts of docs/architecture.md, made from contracts, docstrings and transitions.

`python docs/draw_architecture.py` writes them again, between their markers; a test keeps the page
equal to what this program makes of the code.
"""

import ast
import re
import sys
import textwrap
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "architecture.md"

WIDTH = 100


def page() -> str:
    """The page as it should be."""
    text = PAGE.read_text(encoding="utf-8")
    for name, drawing in (("rooms", _rooms()), ("transitions", _transitions())):
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        text = pattern.sub(lambda _: f"{begin}\n{drawing}\n{end}", text)  # noqa: B023
    return text


def _rooms() -> str:
    """The layers of each package as its contract in pyproject.toml has them, the highest first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    lines: list[str] = []
    for contract in contracts["contracts"]:
        if contract["type"] != "layers":
            continue
        (package,) = contract["containers"]
        lines += ["" if lines else None, f"{package}/"]  # type: ignore[list-item]
        for number, layer in enumerate(contract["layers"]):
            lines += ["      |" if number else None]  # type: ignore[list-item]
            for member in layer.split(" | "):
                lines.append(_line(member, ROOT / package / member))
    return "\n".join(["```text", *(line for line in lines if line is not None), "```"])


def _line(name: str, path: Path) -> str:
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    docstring = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    summary = " ".join(docstring.partition("\n\n")[0].split())
    label = f"  {name + ('/' if path.is_dir() else ''):<16}"
    return textwrap.fill(summary, WIDTH, initial_indent=label, subsequent_indent=" " * len(label))


def _transitions() -> str:
    """The table of states that a job may go through."""
    from hotfolder.job import TRANSITIONS

    lines = ["| from | to |", "|---|---|"]
    for state, nexts in TRANSITIONS.items():
        ordered = [each for each in TRANSITIONS if each in nexts]
        lines.append(f"| `{state}` | {', '.join(f'`{each}`' for each in ordered) or '(the end)'} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    PAGE.write_text(page(), encoding="utf-8")
