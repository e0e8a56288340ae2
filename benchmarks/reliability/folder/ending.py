"""How the story of a fuzzed folder ends: the stranger stops, everything works again, and each job
comes to its end or says for what it waits."""

import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.reliability.folder.harness import FolderHarness
from benchmarks.reliability.folder.stranger import places_of
from hotfolder.file_names import FileRole, is_ignored, parse, shown
from hotfolder.paths import FolderPaths
from plugin.client.protocol import END_STATES

__all__ = ["Ending"]

OTHERS_STEPS = 12
"""Time enough for a job to end."""
REST_STEPS = 400
QUIET_STEPS = 25
"""So many without a change are rest. Each advances the clock by `REST_SECONDS`."""
REST_SECONDS = 30.0


class Ending:
    """The end of one hot folder."""

    def __init__(self, harness: FolderHarness) -> None:
        self._harness = harness

    def reach(self) -> None:
        """The stranger stops, and everything works again: each job comes to its end, or says for
        what it waits.

        Raises:
            AssertionError: one does not.
        """
        growing, self._harness.growing = self._harness.growing, None
        self._others_go_on()
        self._harness.stop()
        self._harness.act(self._harness.allow_everything)
        self._harness.act(self._harness.stranger.unlock)
        self._harness.act(self._harness.stranger.swap_back)
        self._harness.act(self._harness.stranger.bring_places_back)
        self._harness.act(self._harness.allow_everything)
        self._harness.act(self._harness.stranger.resume)
        self._harness.daemon.life = "paints"
        quiet, last = 0, None
        for _ in range(REST_STEPS):
            self._harness.step(REST_SECONDS)
            now = self._state()
            quiet = quiet + 1 if now == last else 0
            last = now
            if quiet == QUIET_STEPS:
                break
        else:
            raise AssertionError(f"it does not come to rest: {self._state()}")
        self._check_ends()
        self._harness.growing = growing
        self._check_once()

    def _others_go_on(self) -> None:
        """What is wrong with one job stops no other."""
        self._harness.daemon.life = "paints"
        for _ in range(OTHERS_STEPS):
            ended = self._harness.tally.ends.total()
            for _ in range(OTHERS_STEPS):
                self._harness.step(REST_SECONDS)
            server = self._harness.daemon.server
            live = [] if server is None else server._live.values()
            is_running = any(entry.state == "running" for entry in live)
            if self._harness.tally.ends.total() == ended and not is_running:
                break
        server, folder = self._harness.daemon.server, self._harness.folder
        closed = set(_closed(folder))
        of_jobs = {
            path for path in closed if path.is_relative_to(folder.spool) and path != folder.spool
        }
        is_paused = os.path.lexists(folder.private / "paused")
        if (
            server is None
            or is_paused
            or closed != of_jobs
            or not all(map(_is_there, places_of(folder)))
        ):
            return
        for entry in server._live.values():
            mine = f"hot/.impasto/spool/{entry.job.id}"
            is_hindered = any(path.is_relative_to(entry.folder) for path in closed)
            is_hindered |= mine in self._harness.disturbed
            if not is_hindered and entry.state in ("queued", "running"):
                self._harness.insist([f"{entry.tag} is kept from its end: {entry.state}"])
        shown = {status["id"] or status["name"] for status in self._written().values()}
        for mark in sorted(self._harness.tracked):
            for path in self._harness.sight.marks.get(mark, ()):
                _, place, *parts = path.split("/")
                if place == ".impasto" and parts[0] in ("spool", "batches"):
                    taken = (
                        parts[1] in shown
                        or f"hot/.impasto/{parts[0]}/{parts[1]}" in self._harness.disturbed
                    )
                    self._harness.insist([] if taken else [f"no status of {path}"])

    def _check_once(self) -> None:
        """A server that is to end when all has ended does, whatever lies in the folder."""
        self._harness.stop()
        self._harness.daemon.once = True
        for number in range(60):
            self._harness.step(REST_SECONDS / 10)
            if self._harness.daemon.server is None:
                return
            if number == 30 and not self._grows_beside_the_jobs():
                self._harness.growing = (
                    None  # For the files of a job it waits as long as they grow.
                )
        self._harness.insist(["`run --once` does not end"])

    def _grows_beside_the_jobs(self) -> bool:
        server, label = self._harness.daemon.server, shown(self._harness.growing or "")
        return server is not None and any(
            words == label or words.startswith(f"{label} (")
            for words in server._last_scan.unrecognised
        )

    def _state(self) -> Any:
        statuses = [(s["name"], s["state"], s["message"]) for s in self._written().values()]
        return sorted(statuses), sorted(self._harness.look().marks)

    def _written(self) -> dict[str, Mapping[str, Any]]:
        """The status files that are the server's."""
        found = {}
        for path in self._harness.folder.status.glob("*.json"):
            name = f"hot/status/{path.name}"
            if (
                path.name.startswith(".")
                or path.stem == "server"
                or name in self._harness.by_stranger
            ):
                continue
            if path.is_file() and not path.is_symlink():
                found[path.stem] = json.loads(path.read_bytes())
        return found

    def _check_ends(self) -> None:
        server = self._harness.daemon.server
        assert server is not None, "it does not start"
        written = self._written()
        problems = []
        for status in written.values():
            explained = status["state"] in ("waiting", "held") and status["message"]
            if status["state"] not in END_STATES and not explained:
                problems.append(f"for ever {status['state']}: {status['name']}")
        heartbeat = None
        if (file := self._harness.folder.status / "server.json").is_file():
            heartbeat = json.loads(file.read_bytes())
        sources = {status["source"] for status in written.values()}
        held = {status["id"] for status in written.values() if status["state"] == "held"}
        scan = server._last_scan
        seen = {path for each in scan.candidates.values() for path in map(str, _paths(each))}
        strays = " ".join(scan.unrecognised)
        unwritten = " ".join(server._reporter._written.refused)
        troubles = (*server._spool.troubles(), *server._batches.troubles)
        named = {words.partition(" (")[0] for words in troubles}
        live = [entry.job for entry in server._live.values()]
        named |= {job.id for job in live if f"/{shown(job.name)}.json (" in unwritten}
        for mark in sorted(self._harness.tracked):
            for path in self._harness.sight.marks.get(mark, ()):
                parts = path.split("/")
                if parts[1] == ".impasto" and parts[2] in ("spool", "batches"):
                    if parts[3] not in held | named:
                        problems.append(f"left: {path}")
                elif parts[1] == "inbox" and not self._is_explained(path, seen, strays, sources):
                    problems.append(f"nobody is told of {path}")
        for path in self._harness.sight.folders:
            parts = path.split("/")
            is_failed = parts[:2] == ["hot", "failed"] and len(parts) == 3
            if is_failed and path not in self._harness.disturbed:
                reason = f"{path}/error.txt" in self._harness.sight.files
                problems += [] if reason else [f"no reason in {path}"]
        if heartbeat and any(heartbeat["queue"][state] for state in ("queued", "running")):
            problems.append(f"the server says of its queue: {heartbeat['queue']}")
        self._harness.insist(problems)

    def _is_explained(self, path: str, seen: set[str], strays: str, sources: set[str]) -> bool:
        inside = path.removeprefix("hot/inbox/")
        folder, _, name = inside.rpartition("/")
        if str(self._harness.folder.absolute(path.removeprefix("hot/"))) in seen or any(
            map(is_ignored, inside.split("/"))
        ):
            return True
        if shown(name) in strays or (folder and f"{shown(folder.split('/')[0])}/" in strays):
            return True
        if "/" in folder and f"{shown(folder)}/" in strays:
            return True
        if folder and name.lower() in ("preset.yaml", "preset.yml"):
            return True
        parsed = parse(name)
        return (
            parsed is not None
            and parsed.role is FileRole.BATCH
            and not folder
            and parsed.job in sources
        )


def _is_there(folder: Path) -> bool:
    return folder.is_dir() and not folder.is_symlink()


def _closed(hot: FolderPaths) -> Iterator[Path]:
    """What its owner may not read or not change."""
    for root in (hot.root, *places_of(hot)):
        for folder, folders, files in os.walk(root):
            for path in (Path(folder, name) for name in (*folders, *files)):
                mode = path.lstat().st_mode
                needed = 0o700 if stat.S_ISDIR(mode) else 0o600
                if mode & needed != needed:
                    yield path


def _paths(candidate: Any) -> list[Path]:
    return [*(file.path for file in candidate.inputs), *(file.path for file in candidate.files)]
