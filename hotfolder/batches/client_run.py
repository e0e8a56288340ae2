"""Runs a batch: hands its items to the server of a hot folder, brings the results home.

A client like others. What is done is told by the records in the output folder, whose first line is
`work: ` and `work_key`; what is under way by the mark that each job carries. So a batch that was
killed goes on where it was, and a second run of it paints nothing twice.
"""

import contextlib
import errno
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from engine.settings import SUFFIXES
from hotfolder.atomic_files import publish, write_whole
from hotfolder.batches.expansion import Hashes, Item, work_key
from hotfolder.file_names import free_name
from plugin.client import Client, ClientError, Request, ServerGone, Status, Ticket
from plugin.client.protocol import RECORD_SUFFIX

__all__ = ["BatchRun", "Row", "done_before", "finished_work"]

MARK = "batch"
"""Key of a job's `client` mapping that holds its work key."""

IN_HAND = 16
"""Jobs that are with the server at once: enough to keep many devices busy, and a short queue for
others to wait behind."""

LOOK_SECONDS = 0.25
GRACE_SECONDS = 60.0
"""How long a server may be away, for a restart."""

ENDED = ("done", "skipped", "failed", "cancelled")


@dataclass
class Row:
    """One item and where it is: `pending`, a job's state, or `skipped` (done before)."""

    item: Item
    state: str = "pending"
    status: Status | None = None
    picture: Path | None = None
    reason: str = ""
    """Why it failed."""
    ticket: Ticket | str | None = field(default=None, repr=False)

    @property
    def ended(self) -> bool:
        return self.state in ENDED


class BatchRun:
    """One run of a batch."""

    def __init__(
        self,
        client: Client,
        items: Sequence[Item],
        out: Path,
        *,
        version: str,
        check_server: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`out` is there; `version` is the engine's that will paint; `check_server` raises when
        there is no hope left, by default when nobody has served the folder for a while."""
        self.rows = [Row(item) for item in items]
        self._client = client
        self._out = out
        self._version = version
        self._check_server = check_server or self._wait_for_server
        self._clock = clock
        self._sleep = sleep
        self._hashes = Hashes()
        self._pending = deque(self.rows)
        self._dispatched: list[Row] = []
        self._seen = clock()

    def steps(self) -> Iterator[Row]:
        """Each row whenever it has changed, until all have ended.

        Raises:
            ServerGone: nobody serves the folder any more.
        """
        done = finished_work(self._out)
        under_way = self._marked_jobs()
        while self._pending or self._dispatched:
            while self._pending and len(self._dispatched) < IN_HAND:
                row = self._pending.popleft()
                self._begin(row, done, under_way)
                if not row.ended:
                    self._dispatched.append(row)
                yield row
            for row in list(self._dispatched):
                if self._look(row):
                    yield row
            self._dispatched = [row for row in self._dispatched if not row.ended]
            if self._dispatched:
                self._check_server()
                self._sleep(LOOK_SECONDS)

    def cancel(self) -> None:
        """Ask for the end of what is with the server."""
        for row in self._dispatched:
            if row.ticket is not None:
                with contextlib.suppress(ClientError):
                    self._client.cancel(row.ticket)

    def _begin(self, row: Row, done: dict[str, Path], under_way: dict[str, Status]) -> None:
        item = row.item
        try:
            work = _work_of(item, self._hashes, self._version)
            if (picture := done.get(work)) is not None:
                row.state, row.picture = "skipped", picture
                return
            # Taken out: an item that is in the batch twice is two paintings.
            if (status := under_way.pop(work, None)) is not None:
                row.state, row.ticket = "delivered", status.name
                return
            row.ticket = self._client.submit(
                Request(
                    content=item.content,
                    styles=list(item.styles),
                    # All of them: what the server's own configuration says must not matter.
                    settings=item.settings.model_dump(),
                    name=item.name,
                    client={MARK: work},
                )
            )
            row.state = "delivered"
        except (OSError, ClientError) as error:
            row.state, row.reason = "failed", _in_words(error)

    def _look(self, row: Row) -> bool:
        """Whether the row has changed."""
        assert row.ticket is not None
        status = self._client.status(row.ticket)
        if status == row.status:
            return False
        row.status, row.state = status, status.state
        if status.state == "done":
            try:
                row.picture = self._bring_home(row, status)
            except (OSError, ClientError, yaml.YAMLError) as error:
                row.state, row.reason = "failed", _in_words(error)
        elif status.state == "failed":
            row.reason = status.message
        return True

    def _bring_home(self, row: Row, status: Status) -> Path:
        """The result, and what lies beside it, into the output folder; nothing is replaced."""
        result = self._client.result_of(status)
        record = yaml.safe_load(result.record.read_bytes())
        stem = result.picture.stem
        beside = [result.picture.with_name(name) for name in record.get("progression", [])]
        sources = {path.name.removeprefix(stem): path for path in [*beside, result.picture]}
        name = free_name(row.item.name, self._is_taken)
        record["name"], record["picture"] = name, f"{name}{result.picture.suffix}"
        if beside:
            record["progression"] = [f"{name}{path.name.removeprefix(stem)}" for path in beside]
        work = work_key(
            record["content"]["sha256"],
            [style["sha256"] for style in record["styles"]],
            row.item.settings.model_dump(),
            record["versions"]["impasto"],
        )
        text = yaml.safe_dump(record, sort_keys=False, allow_unicode=True, width=100)
        write_whole(self._out / f"{name}{RECORD_SUFFIX}", f"work: {work}\n{text}".encode())
        for ending, source in sources.items():
            if not publish(source, target := self._out / f"{name}{ending}"):
                raise FileExistsError(errno.EEXIST, "another file has this name", str(target))
        for source in (*sources.values(), result.record):
            source.unlink(missing_ok=True)
        return self._out / str(record["picture"])

    def _is_taken(self, name: str) -> bool:
        # A record without its picture is what an interrupted run left: its name is free.
        return any((self._out / f"{name}{ending}").exists() for ending in SUFFIXES.values())

    def _marked_jobs(self) -> dict[str, Status]:
        """Jobs of an earlier run: under way, or done but not brought home."""
        found = {}
        for status in self._client.jobs():
            done = status.state == "done" and status.result is not None
            waits = done and (self._client.root / str(status.result)).exists()
            if (status.live or waits) and isinstance(mark := status.client.get(MARK), str):
                found[mark] = status
        return found

    def _wait_for_server(self) -> None:
        if self._client.server().running:
            self._seen = self._clock()
        elif self._clock() - self._seen > GRACE_SECONDS:
            raise ServerGone(
                f"Nobody serves {self._client.root} any more. Run the batch again when somebody "
                "does: it goes on where it was."
            )


def done_before(items: Sequence[Item], out: Path, version: str) -> list[Path | None]:
    """The picture that `out` has of each item, made with this version of the engine."""
    done, hashes = finished_work(out), Hashes()

    def find(item: Item) -> Path | None:
        try:
            return done.get(_work_of(item, hashes, version))
        except OSError:  # Painting it will say why.
            return None

    return [find(item) for item in items] if done else [None] * len(items)


def finished_work(out: Path) -> dict[str, Path]:
    """The pictures in `out`, by the key of their work."""
    found = {}
    for record in out.glob(f"*{RECORD_SUFFIX}"):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            with record.open(encoding="utf-8") as file:
                key, _, work = file.readline().partition(": ")
            name = record.name.removesuffix(RECORD_SUFFIX)
            picture = next(
                (p for e in SUFFIXES.values() if (p := out / f"{name}{e}").exists()), None
            )
            if key == "work" and picture is not None:
                found[work.strip()] = picture
    return found


def _work_of(item: Item, hashes: Hashes, version: str) -> str:
    styles = [hashes.of(style) for style in item.styles]
    return work_key(hashes.of(item.content), styles, item.settings.model_dump(), version)


def _in_words(error: Any) -> str:
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}"
    return str(error).partition("\n")[0]
