"""Runs a batch: hands its items to the server of a hot folder, and moves the results out of it.

A client like others, which needs nothing of the server but the folder protocol. It hands in jobs,
not a batch file: its items lie anywhere on the disk, those that are painted already are left out
one by one, and a run that is killed leaves no more than `MAX_ACTIVE` jobs behind. The records in
the output folder say what is done (`finished_work.py`), and the key of its work that each job
carries says what is under way. So a batch that was killed goes on where it was, and a second run of
it paints nothing twice.
"""

import contextlib
import errno
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from engine.settings import SUFFIXES, Settings
from hotfolder.atomic_files import publish_all, write_whole
from hotfolder.batches.deadline import Deadline
from hotfolder.batches.expansion import MAX_ACTIVE, Item
from hotfolder.batches.finished_work import FinishedWork, work_key
from hotfolder.batches.results.summary import item_end
from hotfolder.file_names import check_plain, free_name_in
from hotfolder.folder_access import open_regular
from hotfolder.outbox.result_name import result_name
from hotfolder.paths import in_plain_folder, without_links
from plugin.client import Client, ClientError, Request, ServerGone, Status, Ticket
from plugin.client.protocol import RECORD_SUFFIX

__all__ = ["BatchRun", "ItemProgress"]

WORK = "batch"
"""Key of a job's `client` mapping that holds the key of its work."""

POLL_SECONDS = 0.25
GRACE_SECONDS = 60.0
"""How long a server may be away, for a restart."""

MAX_RECORD_BYTES = 1 << 20

ENDED = ("done", "skipped", "failed", "cancelled")


@dataclass
class ItemProgress:
    """One item and where it is: `pending`, a job's state, or `skipped` (done before)."""

    item: Item
    state: str = "pending"
    status: Status | None = None
    out: Path = field(default=Path(), repr=False)
    """The output folder."""
    picture: Path | None = None
    reason: str = ""
    """Why it failed."""
    ticket: Ticket | str | None = field(default=None, repr=False)

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def end(self) -> dict[str, Any]:
        """What came of it, for the summary."""
        end = item_end(asdict(self.status)) if self.status else {}
        state = self.state if self.ended else "pending"
        return end | {"state": state, "reason": self.reason, "picture": self.place}

    @property
    def place(self) -> str | None:
        """Where the picture lies, below the output folder."""
        return self.picture.relative_to(self.out).as_posix() if self.picture else None


class BatchRun:
    """One run of a batch."""

    def __init__(
        self,
        client: Client,
        items: Sequence[Item],
        finished: FinishedWork,
        *,
        name: str | None = None,
        deadline: Deadline | None = None,
        check_server: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """
        Args:
            finished: the output folder's, which is there.
            name: the pattern of the results' names (`outbox/result_name.py`); else they are called
                as their items.
            deadline: when the last painting should be there.
            check_server: raises when there is no hope left, by default when nobody has served the
                hot folder for a while.
        """
        self.items = [ItemProgress(item, out=finished.out) for item in items]
        self._client = client
        self._finished = finished
        self._out = finished.out
        self._name = name
        self._deadline = deadline
        self.check_server = check_server or self._wait_for_server
        self._clock = clock
        self._sleep = sleep
        self._pending = deque(self.items)
        self._active: list[ItemProgress] = []
        self._served = clock()

    def steps(self) -> Iterator[ItemProgress]:
        """Each item whenever it has changed, until all have ended.

        Raises:
            ServerGone: nobody serves the folder any more.
        """
        under_way = self._jobs_by_work()
        while self._pending or self._active:
            while self._pending and len(self._active) < self._room():
                progress = self._pending.popleft()
                self._begin(progress, under_way)
                if not progress.ended:
                    self._active.append(progress)
                yield progress
            for progress in list(self._active):
                if self._update(progress):
                    yield progress
            self._active = [progress for progress in self._active if not progress.ended]
            if self._active:
                self.check_server()
                self._sleep(POLL_SECONDS)

    def _room(self) -> int:
        """How many jobs may be with the server at once."""
        if self._deadline is None:
            return MAX_ACTIVE
        return min(MAX_ACTIVE, self._deadline.active(self._workers))

    @property
    def _workers(self) -> int:
        return len(self._client.server().devices)

    def _settings_of(self, item: Item) -> Settings:
        """The item's, with its share of the time."""
        if self._deadline is None:
            return item.own_settings
        left = len(self._pending) + len(self._active) + 1
        now = datetime.now().astimezone()
        return self._deadline.applied(item.own_settings, left, self._workers, now)

    def cancel(self) -> None:
        """Ask for the end of what is with the server."""
        for progress in self._active:
            if progress.ticket is not None:
                with contextlib.suppress(ClientError):
                    self._client.cancel(progress.ticket)

    def _begin(self, progress: ItemProgress, under_way: dict[str, Status]) -> None:
        item = progress.item
        if (picture := self._finished.picture_of(item)) is not None:
            progress.state, progress.picture = "skipped", picture
            return
        try:
            work = self._finished.key_of(item)
            # Taken out: an item that is in the batch twice is two paintings.
            if (status := under_way.pop(work, None)) is not None:
                progress.ticket = status.name
            else:
                progress.ticket = self._client.submit(
                    Request(
                        content=item.content,
                        styles=list(item.styles),
                        **item.others.of_request(),
                        # All of them: what the server's own configuration says must not matter.
                        settings=self._settings_of(item).model_dump(),
                        name=item.name,
                        client={WORK: work},
                    )
                )
            progress.state = "delivered"
        except (OSError, ClientError) as error:
            progress.state, progress.reason = "failed", _in_words(error)

    def _update(self, progress: ItemProgress) -> bool:
        """Take over the job's status; a result is fetched. Whether something has changed."""
        assert progress.ticket is not None
        status = self._client.status(progress.ticket)
        if status == progress.status:
            return False
        progress.status, progress.state = status, status.state
        if status.state == "done":
            try:
                progress.picture = self._fetch_result(progress.item, status)
            except (OSError, ClientError, ValueError) as error:
                progress.state, progress.reason = "failed", _in_words(error)
        elif status.state == "failed":
            progress.reason = status.message
        return True

    def _fetch_result(self, item: Item, status: Status) -> Path:
        """Move the result, and what lies beside it, to the output folder; nothing is replaced."""
        result = self._client.result_of(status)
        record = _read_record(result.record)
        stem = result.picture.stem
        others = _Record.model_validate(record).files
        extra_outputs = [result.picture.with_name(name) for name in others]
        sources = {path.name.removeprefix(stem): path for path in [*extra_outputs, result.picture]}
        # A record without its picture is what an interrupted run left: its name is free.
        (self._out / item.folder).mkdir(parents=True, exist_ok=True)
        out = without_links(self._out / item.folder)
        wanted = result_name(
            self._name,
            item.result or item.name,
            item.content_name,
            [style.name for style in item.styles],
            item.settings,
            record=record,
            finished=status.updated,
        )
        name = free_name_in(out, wanted, SUFFIXES.values())
        _rename(record, stem, name)
        work = work_key(
            record["content"]["sha256"] if "content" in record else None,
            [style["sha256"] for style in record["styles"]],
            item.own_settings.model_dump(),
            record["versions"]["impasto"],
            _hashes_of_others(record),
        )
        text = yaml.safe_dump(record, sort_keys=False, allow_unicode=True, width=100)
        write_whole(out / f"{name}{RECORD_SUFFIX}", f"work: {work}\n{text}".encode())
        for end in (end for end in sources if end.endswith(RECORD_SUFFIX)):
            other = _read_record(sources[end])
            _rename(other, stem, name)
            text = yaml.safe_dump(other, sort_keys=False, allow_unicode=True, width=100)
            write_whole(out / f"{name}{end}", text.encode())
        files = [
            (in_plain_folder(source), out / f"{name}{end}")
            for end, source in sources.items()
            if not end.endswith(RECORD_SUFFIX)
        ]
        if not publish_all(files):
            raise FileExistsError(errno.EEXIST, "another file has this name", str(files[-1][1]))
        for source in (*sources.values(), result.record):
            source.unlink(missing_ok=True)
        return self._out / item.folder / str(record["picture"])

    def _jobs_by_work(self) -> dict[str, Status]:
        """Jobs of an earlier run: under way, or done but not fetched."""
        found = {}
        for status in self._client.jobs():
            done = status.state == "done" and status.result is not None
            waits = done and (self._client.root / str(status.result)).exists()
            if (status.live or waits) and isinstance(work := status.client.get(WORK), str):
                found[work] = status
        return found

    def _wait_for_server(self) -> None:
        if self._client.server().running:
            self._served = self._clock()
        elif self._clock() - self._served > GRACE_SECONDS:
            raise ServerGone(
                f"Nobody serves {self._client.root} any more. Run the batch again when somebody "
                "does: it goes on where it was."
            )


class _Hashed(BaseModel):
    sha256: str


class _Masks(BaseModel):
    mask: _Hashed | None = None
    regions: list[_Hashed] = []
    style_regions: list[_Hashed] = []


class _Versions(BaseModel):
    impasto: str


class _Series(BaseModel):
    files: list[str] = []


class _Record(BaseModel):
    """What is needed of a result's record."""

    content: _Hashed | None = None
    styles: list[_Hashed]
    palette: _Hashed | None = None
    masks: _Masks = _Masks()
    versions: _Versions
    progression: list[str] = []
    series: _Series = _Series()

    @property
    def files(self) -> list[str]:
        """Names of what lies beside the result."""
        return [*self.progression, *self.series.files]


def _read_record(path: Path) -> dict[str, Any]:
    """
    Raises:
        ValueError: it is none that the server has written.
        OSError
    """
    try:
        with open_regular(in_plain_folder(path)) as file:
            record: dict[str, Any] = yaml.safe_load(file.read(MAX_RECORD_BYTES))
        check_plain(*_Record.model_validate(record).files)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise ValueError(f"{path}: not the record of a painting.") from None
    return record


def _rename(record: dict[str, Any], stem: str, name: str) -> None:
    """Let a record, and the files that it names, be of `name` in place of `stem`."""

    def renamed(file_name: str) -> str:
        return name + file_name.removeprefix(stem)

    record |= {"name": name, "picture": renamed(record["picture"])}
    if "progression" in record:
        record["progression"] = [renamed(each) for each in record["progression"]]
    if "files" in record.get("series", {}):
        record["series"]["files"] = [renamed(each) for each in record["series"]["files"]]


def _hashes_of_others(record: Mapping[str, Any]) -> dict[str, list[str]]:
    """SHA-256 of the other pictures (`OtherPictures`), by the settings that name them."""
    masks = record.get("masks", {})
    given = {"palette": record.get("palette"), "mask": masks.get("mask")}
    found = {key: [each["sha256"]] for key, each in given.items() if each}
    several = {key: masks[key] for key in ("regions", "style_regions") if masks.get(key)}
    return found | {key: [each["sha256"] for each in files] for key, files in several.items()}


def _in_words(error: Any) -> str:
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}"
    return str(error).partition("\n")[0]
