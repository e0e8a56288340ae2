"""What `impasto install-plugin` wrote down, and what the artist chose in earlier runs."""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from choices import Choices, style_file

__all__ = ["Installation", "Preferences"]

RECENT_STYLES = 8


class Installation:
    """`impasto.json` beside the plug-in: the hot folder, and the command that serves it."""

    def __init__(self, folder: Path) -> None:
        document = _read(folder / "impasto.json")
        hot_folder, command = document.get("hot_folder"), document.get("command")
        self.hot_folder: str = hot_folder if isinstance(hot_folder, str) else ""
        self.command: list[str] = [str(part) for part in _list(command)]


class Preferences:
    """The choices of the last run, whether it went well or not, and the styles chosen lately."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "choices.json"

    def choices(self) -> Choices:
        """The choices of the last run; the usual ones where there was none."""
        document = _read(self._path).get("choices")
        return Choices().updated_with(document) if isinstance(document, dict) else Choices()

    def recent_styles(self) -> list[Path]:
        """Style pictures that were chosen as files and are still there, the latest first."""
        recent = _list(_read(self._path).get("recent_styles"))
        return [Path(path) for path in recent if isinstance(path, str) and Path(path).is_file()]

    def remember(self, choices: Choices) -> None:
        """Keep the choices. That it fails is no reason not to paint."""
        recent = self.recent_styles()
        for style in filter(None, map(style_file, choices.styles)):
            recent = [style, *(path for path in recent if path != style)]
        document = {
            "choices": json.loads(choices.to_json()),
            "recent_styles": [str(path) for path in recent[:RECENT_STYLES]],
        }
        draft = self._path.with_suffix(f".{os.getpid()}.part")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(document, indent=1), encoding="utf-8")
            draft.replace(self._path)


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
