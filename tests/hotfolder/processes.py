"""A real daemon process on a temporary hot folder; its workers are puppets."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hotfolder.paths import FolderPaths

DAEMON = Path(__file__).parent / "programs" / "daemon.py"

Until = Callable[..., None]


def read_until_it_paints(process: subprocess.Popen[str]) -> None:
    """Reads what a command writes to stderr up to its first steps; fails if it ends before."""
    assert process.stderr is not None
    seen = ""
    while "step 3" not in seen and "%" not in seen:
        character = process.stderr.read(1)
        assert character, seen
        seen += character


class Running:
    """A daemon process and its hot folder."""

    def __init__(self, folder: FolderPaths) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", str(DAEMON), str(self.folder.root), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def drop(self, name: str, order: str, sidecar: str | None = None) -> None:
        if sidecar is not None:
            (self.folder.inbox / f"{name}.yaml").write_text(sidecar)
        (self.folder.inbox / f"{name}.content.jpg").write_text(order)
        (self.folder.inbox / f"{name}.style.jpg").write_text("x")

    def status(self, name: str) -> dict[str, Any]:
        try:
            document = json.loads((self.folder.status / f"{name}.json").read_text())
        except FileNotFoundError:
            return {"state": None}
        assert isinstance(document, dict)
        return document

    def state(self, name: str) -> str | None:
        state = self.status(name)["state"]
        assert state is None or isinstance(state, str)
        return state

    def worker_pids(self, daemon: subprocess.Popen[str]) -> list[int]:
        listed = Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]
