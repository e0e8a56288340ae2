"""Writes status/: one JSON file a job, its preview, and the server's heartbeat.

docs/protocol.md has the table of keys; `plugin.client.protocol` has them as fields.
"""

import contextlib
import stat
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hotfolder.atomic_files import copy, discard, read_json, write_json
from hotfolder.file_names import check_plain, shown
from hotfolder.folder_access import exists, scan, unlink
from hotfolder.job import now
from hotfolder.limits import MAX_ERROR, MAX_MESSAGE, MAX_STATUS_BYTES, finite, shortened
from hotfolder.paths import FolderPaths
from plugin.client import protocol
from plugin.client.protocol import LIVE_STATES, JobState, JobStatus, ServerStatus

__all__ = ["StatusWriter", "read_statuses"]

_LONGEST = {
    "message": MAX_MESSAGE,
    "error": MAX_ERROR,
    "paused": MAX_MESSAGE,
    "config_problem": MAX_MESSAGE,
    "problem": MAX_MESSAGE,
}
"""Characters of a status: what others' files make of it must stay readable for every client."""

_SEVERAL_LINES = ("error", "config_problem")
"""The others are shown in one; a name in it may hold what ends the line, or steers a terminal."""


class StatusWriter:
    """Writes the files of one status folder. None is synced to the disk: they are rewritten all
    the time and worthless after a power cut."""

    def __init__(self, folder: FolderPaths) -> None:
        self._folder = folder

    def post(self, status: JobStatus) -> dict[str, Any]:
        """Write `status/NAME.json`; returns what was written."""
        return self._write(self._job_path(status.name), status)

    def post_server(self, status: ServerStatus) -> None:
        """Write the heartbeat."""
        self._write(self._job_path(protocol.SERVER_STATUS), status)

    def post_preview(self, name: str, picture: Path) -> str:
        """Publish a preview; returns its path below the hot folder."""
        target = self._preview_path(name)
        copy(picture, target)
        return self._folder.relative(target)

    def clear(self, name: str) -> None:
        """Remove the status and the preview of `name`: an earlier job's, or those of files that
        were taken out of the inbox."""
        unlink(self._job_path(name), missing_ok=True)
        self.clear_preview(name)

    def clear_preview(self, name: str) -> None:
        """Remove an earlier job's preview."""
        unlink(self._preview_path(name), missing_ok=True)

    def clear_waiting(self) -> None:
        """At start: remove what a server before this one wrote about files in the inbox, and about
        jobs and batches in the queue, that are gone since."""
        for path, _, document in read_statuses(self._folder.status):
            if document.get("state") in LIVE_STATES and not self._is_claimed(document):
                discard(path)

    def _is_claimed(self, document: Mapping[str, Any]) -> bool:
        """Whether what the status is about lies in the queue, or cannot be looked for now."""
        place, name = self._folder.spool, document.get("id")
        if name is None and document.get("state") == JobState.RUNNING:
            place, name = self._folder.batches, document.get("name")
        try:
            check_plain(name)
            return isinstance(name, str) and exists(place / name)
        except (ValueError, TypeError):
            return False
        except OSError:
            return True

    def _write(self, path: Path, status: JobStatus | ServerStatus) -> dict[str, Any]:
        document: dict[str, Any] = finite(
            {"protocol": protocol.VERSION, **asdict(status), "updated": now()}
        )
        for key, most in _LONGEST.items():
            if isinstance(text := document.get(key), str):
                lines = text.split("\n") if key in _SEVERAL_LINES else [text]
                document[key] = shortened("\n".join(map(shown, lines)), most)
        write_json(path, document, durable=False, indent=True)
        return document

    def _job_path(self, name: str) -> Path:
        return self._folder.status / f"{name}{protocol.STATUS_SUFFIX}"

    def _preview_path(self, name: str) -> Path:
        return self._folder.status / f"{name}{protocol.PREVIEW_SUFFIX}"


def read_statuses(folder: Path) -> Iterator[tuple[Path, float, dict[str, Any]]]:
    """What lies in the status folder: path, time of change, document. Whatever is no status, or
    cannot be read, is left out: anybody may have put it there."""
    with contextlib.suppress(OSError):
        for name, facts in scan(folder):
            if not name.endswith(protocol.STATUS_SUFFIX) or name.startswith("."):
                continue
            if not stat.S_ISREG(facts.st_mode):
                continue
            with contextlib.suppress(OSError, ValueError):
                document = read_json(folder / name, MAX_STATUS_BYTES)
                if isinstance(document, dict) and isinstance(document.get("state"), str):
                    yield folder / name, facts.st_mtime, document
