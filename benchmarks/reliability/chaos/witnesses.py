"""Who looks on, as a program beside the server would: nobody ever sees half a file."""

import contextlib
import io
import json
import threading
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from benchmarks.reliability.chaos.background import in_background
from hotfolder.paths import FolderPaths

__all__ = ["END", "Client"]

END = b"the end\n"
"""Of what a puppet paints."""


class Client:
    """Reads results and statuses all the while, as a program beside the server would."""

    def __init__(self, folders: Sequence[FolderPaths]) -> None:
        self.looks = 0
        self.problems: list[str] = []
        self._folders = folders
        self._seen: dict[Path, tuple[int, int, int]] = {}
        self._checked: set[Path] = set()

    def looking(self) -> contextlib.AbstractContextManager[None]:
        return in_background(self._run)

    def _run(self, end: threading.Event) -> None:
        while not end.wait(0.02):
            self.looks += 1
            try:
                self._look_at_results()
                self._look_at_statuses()
            except Exception as error:
                self.problems.append(f"the client met {error!r}")
                return

    def _look_at_results(self) -> None:
        outboxes = [folder.outbox for folder in self._folders]
        found = {path for outbox in outboxes for path in outbox.glob("[!.]*")}
        self.problems += [f"{path.name} vanished" for path in self._seen.keys() - found]
        for path in found:
            facts = path.stat()
            known = (facts.st_ino, facts.st_size, facts.st_mtime_ns)
            if self._seen.setdefault(path, known) != known:
                self.problems.append(f"{path.name} was changed after it had appeared")
        for path in found - self._checked:
            self._checked.add(path)
            if path.suffix == ".png":
                if (problem := _half(path)) is not None:
                    self.problems.append(f"{path.name}: {problem}")
                if not path.with_suffix(".result.yaml").exists():
                    self.problems.append(f"{path.name} was there before its record")

    def _look_at_statuses(self) -> None:
        for folder in self._folders:
            for path in folder.status.glob("*.json"):
                with contextlib.suppress(FileNotFoundError):
                    json.loads(path.read_bytes())


def _half(picture: Path) -> str | None:
    data = picture.read_bytes()
    if data.startswith(b"\x89PNG"):
        try:
            with Image.open(io.BytesIO(data)) as image:
                image.load()
        except OSError as error:
            return f"half a picture ({error})"
        return None
    return None if data.endswith(END) else f"half a picture ({len(data)} bytes)"
