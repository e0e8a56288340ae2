"""What `impasto install-plugin` wrote down, and what the artist chose in earlier runs."""

import contextlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from choices import Choices
from pictures import style_file

__all__ = ["Installation", "Preferences"]

RECENT_STYLES = 8

PAINTING, TEXTURE = "choices", "texture"
"""Keys of what is remembered."""


class Installation:
    """`impasto.json` beside the plug-in: the hot folder, and the command that serves it."""

    def __init__(self, folder: Path) -> None:
        document = _read(folder / "impasto.json")
        hot_folder, command = document.get("hot_folder"), document.get("command")
        self.hot_folder: str = hot_folder if isinstance(hot_folder, str) else ""
        self.command: list[str] = [str(part) for part in _list(command)]


class Preferences:
    """The choices of the last run, whether it went well or not, those of the last texture apart,
    and the styles chosen lately."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "choices.json"

    def choices(self) -> Choices:
        """The choices of the last run; the usual ones where there was none."""
        return self._kept(PAINTING)

    def texture(self) -> Choices:
        """Those of the last texture, for the hot folder that was used last."""
        return replace(self._kept(TEXTURE), texture=True, hot_folder=self.choices().hot_folder)

    def _kept(self, key: str) -> Choices:
        document = _read(self._path).get(key)
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
        document = {key: _read(self._path).get(key) for key in (PAINTING, TEXTURE)}
        document["recent_styles"] = [str(path) for path in recent[:RECENT_STYLES]]
        document[TEXTURE if choices.texture else PAINTING] = json.loads(choices.to_json())
        if choices.texture:
            # Of both: it is where the server is.
            painting = replace(self.choices(), hot_folder=choices.hot_folder)
            document[PAINTING] = json.loads(painting.to_json())
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
