"""The client of one hot folder."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ._delivery import deliver
from ._discard import remove_ended, withdraw
from ._errors import (
    DeliveryError,
    FolderMissing,
    JobCancelled,
    JobFailed,
    NotFinished,
    ResultMissing,
)
from ._files import touch
from ._library import Style, list_styles
from ._outbox import Details, Finished, list_results, read_details
from ._request import Request, Ticket, check_request
from ._start import START_SECONDS, start_server
from ._status import (
    HeartbeatJudge,
    Result,
    Server,
    Status,
    parse_server,
    parse_status,
    read_document,
)
from ._watch import follow
from .protocol import (
    DELIVERED,
    INBOX,
    LONGEST_HEARTBEAT_SECONDS,
    OUTBOX,
    RECORD_SUFFIX,
    RESULT_SUFFIXES,
    SERVER_STATUS,
    SERVER_TIMEOUT_SECONDS,
    STATUS,
    STATUS_SUFFIX,
    STYLES,
    TICKET_KEY,
    ControlFile,
    JobState,
    fold_name,
    resolve_path,
)

FIND_INTERVAL_SECONDS = 0.25

_NOT_SEEN = "in the inbox; the server has not looked yet"


class Client:
    """Speaks to the server of one hot folder. Holds nothing open; safe to make many of."""

    def __init__(
        self,
        hot_folder: str | os.PathLike[str],
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.root = Path(hot_folder)
        with contextlib.suppress(RuntimeError):  # The `~` of nobody: `check` finds no such folder.
            self.root = self.root.expanduser()
        self._clock = clock
        self._sleep = sleep
        self._heartbeat = HeartbeatJudge()
        self._names: dict[str, str] = {}
        """Names that the server gave to tickets' jobs, by the tickets' keys."""

    @property
    def inbox(self) -> Path:
        return self.root / INBOX

    @property
    def outbox(self) -> Path:
        return self.root / OUTBOX

    # --- the server --------------------------------------------------------------------------

    def check(self) -> None:
        """Raises FolderMissing unless this is a hot folder."""
        try:
            is_there = self.inbox.is_dir()
        except OSError as error:
            raise FolderMissing(f"{self.root}: cannot be looked at: {error.strerror}.") from error
        if not is_there:
            raise FolderMissing(
                f"{self.root} is not a hot folder: it has no folder named inbox. "
                f"`impasto init --hot {self.root}` makes one."
            )

    def server(self) -> Server:
        """Whether somebody serves the folder, and how much there is to do.

        Raises:
            FolderMissing: this is no hot folder.
        """
        self.check()
        document = read_document(self._status_file(SERVER_STATUS))
        now = self._clock()
        server = Server() if document is None else parse_server(document, now=now)
        return self._heartbeat.judge(server, now)

    def find_server(self) -> Server:
        """Like `server`, but looks for up to six seconds at a heartbeat that is too old or from
        the future: one that changes is a server's, whose clock is wrong.

        Raises:
            FolderMissing
        """
        server = self.server()
        for _ in range(round(LONGEST_HEARTBEAT_SECONDS / FIND_INTERVAL_SECONDS)):
            if not server.unsure:
                break
            self._sleep(FIND_INTERVAL_SECONDS)
            server = self.server()
        return server

    def start_server(self, command: Sequence[str], *, timeout: float = START_SECONDS) -> Server:
        """Start `COMMAND watch HOT`, which outlives this process; returns once it serves.

        Does nothing if somebody serves the folder already.

        Args:
            command: what a shell calls `impasto`, such as ["/home/me/.venv/bin/impasto"].
            timeout: seconds until it is given up.

        Raises:
            FolderMissing
            NotStarted: with the end of the command's log and where it lies.
        """
        server = self.find_server()
        if server.running:
            return server
        return start_server(
            self.root,
            command,
            read_server=self.server,
            clock=self._clock,
            sleep=self._sleep,
            timeout=timeout,
        )

    def styles(self) -> list[Style]:
        """The paintings of the style library, by title.

        Raises:
            FolderMissing
        """
        self.check()
        return list_styles(self.root / STYLES)

    # --- a job -------------------------------------------------------------------------------

    def submit(self, request: Request) -> Ticket:
        """Deliver a request. It is in the inbox, complete, when this returns.

        Raises:
            FolderMissing, RequestError, DeliveryError
        """
        self.check()
        check_request(request)
        return deliver(self.inbox, request, self._is_taken)

    def status(self, ticket: Ticket | str) -> Status:
        """Where the job is now, under whatever name the server gave it.

        A name instead of a ticket means whatever job bears it.
        """
        if isinstance(ticket, str):
            return self.job(ticket) or Status(ticket, DELIVERED, _NOT_SEEN)
        for name in self._names_of(ticket):
            status = self.job(name)
            if status is not None and status.client.get(TICKET_KEY) == ticket.key:
                self._names[ticket.key] = name
                return status
        return Status(ticket.name, DELIVERED, _NOT_SEEN)

    def job(self, name: str) -> Status | None:
        """The status of the job called `name`; None if there is none."""
        document = read_document(self._status_file(name))
        return None if document is None else parse_status(name, document)

    def jobs(self, prefix: str = "") -> list[Status]:
        """Every job that has a status (and a name that starts so), the latest change first."""
        found = []
        with contextlib.suppress(OSError):
            for entry in os.scandir(self.root / STATUS):
                name = entry.name.removesuffix(STATUS_SUFFIX)
                if name in (entry.name, SERVER_STATUS) or name.startswith("."):
                    continue
                if name.startswith(prefix):
                    status = self.job(name)
                    found += [status] if status is not None else []
        return sorted(found, key=lambda status: status.updated, reverse=True)

    def send_heartbeat(self, ticket: Ticket) -> bool:
        """Show the server that this client still wants its job: every 2 s or so.

        For a job with `heartbeat`; one whose client falls silent is cancelled. False once there is
        no job to keep alive: it has ended, or was dropped without a heartbeat.

        Raises:
            DeliveryError: the inbox cannot be written to.
        """
        path = self.inbox / ControlFile.HEARTBEAT.of(ticket.name)
        # The server removes it when the job has ended. If a person did, tidying up, it comes back.
        if not path.exists() and (not ticket.heartbeat or self.status(ticket).ended):
            return False
        try:
            touch(path)
        except OSError as error:
            raise DeliveryError(f"{path}: cannot be written: {error.strerror}.") from error
        return True

    def watch(
        self,
        ticket: Ticket | str,
        *,
        timeout: float | None = None,
        interval: float = 0.25,
        grace: float = SERVER_TIMEOUT_SECONDS,
    ) -> Iterator[Status]:
        """Snapshot after snapshot, each different from the one before, until the job has ended.

        The last one is the job's end: `done`, `failed` or `cancelled`. Sends the heartbeats of a
        job that has them.

        Args:
            timeout: seconds until TimedOut.
            interval: seconds between two looks, 0.2 to 10.
            grace: seconds that a server may be away (for a restart) before ServerGone.

        Raises:
            FolderMissing
            TimedOut: also when a running server has not looked at the job for five minutes.
            ServerGone: nobody serves the folder; the job stays in it.

        Time in which this machine sleeps does not count, nor does a clock that is set.
        """
        own = ticket if isinstance(ticket, Ticket) and ticket.heartbeat else None
        return follow(
            self.root,
            read_status=lambda: self.status(ticket),
            read_server=self.server,
            send_heartbeat=None if own is None else lambda: self.send_heartbeat(own),
            clock=self._clock,
            sleep=self._sleep,
            timeout=timeout,
            interval=interval,
            grace=grace,
        )

    def cancel(self, ticket: Ticket | str) -> None:
        """Ask the server to cancel a job (by its ticket, or its name). `watch` tells when it has.

        Raises:
            FolderMissing, DeliveryError
        """
        self.check()
        name = self.status(ticket).name
        path = self.inbox / ControlFile.CANCEL.of(name)
        try:
            touch(path)
        except OSError as error:
            raise DeliveryError(f"{path}: cannot be written: {error.strerror}.") from error

    def discard(self, ticket: Ticket) -> None:
        """Leave nothing of a job: for previews, and for what is given up.

        Of a job that has ended: its result, its status and what was dropped for it. Of one that no
        server has seen: the drop, taken back.

        Raises:
            NotFinished: the server has it in hand; `cancel` it, and `watch` it end.
            DeliveryError: something cannot be removed.
        """
        status = self.status(ticket)
        if status.live:
            raise NotFinished(f"{status.name} is {status.state}; cancel it first.")
        try:
            if status.ended:
                remove_ended(self.root, status)
            else:
                withdraw(self.inbox, ticket)
        except OSError as error:
            raise DeliveryError(
                f"{error.filename}: cannot be removed: {error.strerror}."
            ) from error

    # --- results -----------------------------------------------------------------------------

    def result(self, ticket: Ticket | str) -> Result:
        """The painting.

        Raises:
            NotFinished, JobFailed, JobCancelled
            ResultMissing: it has been taken out of the outbox.
        """
        return self.result_of(self.status(ticket))

    def result_of(self, status: Status) -> Result:
        """The painting of a job that has ended; see `result`."""
        if status.state == JobState.FAILED:
            raise JobFailed((status.error or status.message).strip(), status)
        if status.state == JobState.CANCELLED:
            raise JobCancelled(f"{status.name} was cancelled.")
        if status.state != JobState.DONE:
            raise NotFinished(f"{status.name} is {status.state}: {status.message}")
        picture, record = (
            resolve_path(self.root, status.result),
            resolve_path(self.root, status.record),
        )
        if picture is None or record is None or not picture.is_file():
            where = status.result or "its result"
            raise ResultMissing(
                f"{status.name} is done, but {where} is no longer in {self.root}. "
                "Paint it again, or look for it where it was moved to."
            )
        return Result(picture, record)

    def preview_of(self, status: Status) -> Path | None:
        """The picture that shows how far a job is, if there is one by now."""
        path = resolve_path(self.root, status.preview)
        return path if path is not None and path.is_file() else None

    def results(self, *, limit: int | None = 200) -> list[Finished]:
        """What the outbox holds, the newest first, whoever had it painted.

        Raises:
            FolderMissing
        """
        self.check()
        return list_results(self.root, limit=limit)

    def details(self, finished: Finished) -> Details:
        """Styles and settings of a result; what cannot be read is left out."""
        return read_details(finished)

    # --- helpers -----------------------------------------------------------------------------

    def _status_file(self, name: str) -> Path:
        return self.root / STATUS / f"{name}{STATUS_SUFFIX}"

    def _names_of(self, ticket: Ticket) -> Iterator[str]:
        """Names that the ticket's job may have by now, the likeliest first."""
        yield self._names.get(ticket.key, ticket.name)
        with contextlib.suppress(OSError):
            for path in (self.root / STATUS).iterdir():
                if path.name.startswith(f"{ticket.name}-") and path.suffix == STATUS_SUFFIX:
                    yield path.stem

    def _is_taken(self, name: str) -> bool:
        """Whether anything here bears the name: what waits, lives, has ended or was painted."""
        if any(
            os.path.lexists(folder / f"{name}{suffix}")
            for folder, suffixes in (
                (self.root / STATUS, (STATUS_SUFFIX,)),
                (self.outbox, (*RESULT_SUFFIXES, RECORD_SUFFIX)),
            )
            for suffix in suffixes
        ):
            return True
        start = fold_name(name) + "."
        return any(fold_name(entry).startswith(start) for entry in os.listdir(self.inbox))  # noqa: PTH208
