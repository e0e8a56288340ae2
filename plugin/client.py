"""A client of the folder protocol (docs/protocol.md, version 1), in plain Python.

Drops a request into a hot folder, follows its status and finds the result. Standard library only:
an editor's Python has nothing else.

    client = Client("hot")
    ticket = client.submit(Request(Path("cat.jpg"), styles=("night.jpg",)))
    for status in client.watch(ticket):
        print(status.state, status.fraction)
    print(client.result(ticket).picture)
"""

import contextlib
import errno
import json
import os
import re
import secrets
import shutil
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

__all__ = [
    "Client",
    "ClientError",
    "DeliveryError",
    "FolderMissing",
    "JobCancelled",
    "JobFailed",
    "NotFinished",
    "Request",
    "RequestError",
    "Result",
    "Server",
    "ServerGone",
    "Status",
    "Ticket",
    "TimedOut",
]

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff")
LIVE_STATES = frozenset({"waiting", "queued", "running", "held"})
END_STATES = frozenset({"done", "failed", "cancelled"})

HEARTBEAT_SECONDS = 10.0
"""An older heartbeat means that the server is gone."""

MAX_CLIENT_BYTES = 2048
_NOT_SEEN = "in the inbox; the server has not looked yet"

TICKET_KEY = "ticket"
"""The client mapping's key that marks a job as a ticket's."""


class ClientError(Exception):
    """Base class. The message says what, where, why and what to do.

    ClientError             (15, other)
    ├── FolderMissing       (5, file access): no hot folder there
    ├── RequestError        (2, input): a request that no server could fulfil
    ├── DeliveryError       (5, file access): the files cannot be put into the inbox
    ├── ServerGone          (15): nobody serves the folder
    ├── TimedOut            (15): the caller's patience has ended; the job goes on
    ├── NotFinished         (15): there is no result yet
    ├── JobFailed           (10): the job failed
    └── JobCancelled        (10): the job was cancelled

    Exit codes are those of the `impasto` command.
    """

    exit_code = 15


class FolderMissing(ClientError):  # noqa: N818  (a state, in the words a user reads)
    """There is no hot folder at this place."""

    exit_code = 5


class RequestError(ClientError):
    """The request cannot be delivered as it is."""

    exit_code = 2


class DeliveryError(ClientError):
    """The inbox cannot be written to."""

    exit_code = 5


class ServerGone(ClientError):  # noqa: N818
    """Nobody serves the hot folder. What was delivered stays there."""


class TimedOut(ClientError):  # noqa: N818
    """The job has not ended in time. It goes on."""


class NotFinished(ClientError):  # noqa: N818
    """The job has no result yet."""


class JobFailed(ClientError):  # noqa: N818
    """The job failed; `status` has the whole story."""

    exit_code = 10

    def __init__(self, message: str, status: "Status") -> None:
        super().__init__(message)
        self.status = status


class JobCancelled(ClientError):  # noqa: N818
    """Somebody cancelled the job."""

    exit_code = 10


@dataclass(frozen=True)
class Request:
    """Everything about a painting to be made."""

    content: Path
    styles: Sequence[Path | str]
    """A `Path` is a file to deliver; text is the name of a picture of the style library."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The sidecar's keys: plain values, as in docs/settings.md."""
    name: str | None = None
    """What to call the job; the content's file name if None. Made unused by `-2`, `-3`, ..."""
    init: Path | None = None
    """A picture to start from."""
    client: Mapping[str, Any] = field(default_factory=dict)
    """For the client's own use; comes back in `Status.client`."""


@dataclass(frozen=True)
class Ticket:
    """What `submit` hands out. Plain text, so that it can be kept and used by another process."""

    name: str
    """The name under which the job was dropped. The server may have had to choose another."""
    key: str
    """Marks the job, whatever its name."""


@dataclass(frozen=True)
class Status:
    """One snapshot of a job; the fields are docs/protocol.md's.

    `state` is one more: `delivered`, while the server has not looked at the files yet.
    """

    name: str
    state: str
    message: str = ""
    id: str | None = None
    source: str | None = None
    position: int | None = None
    preset: str | None = None
    size: int | None = None
    scale: int | None = None
    scales: int | None = None
    step: int | None = None
    steps: int | None = None
    fraction: float = 0.0
    losses: Mapping[str, float] | None = None
    seconds: float | None = None
    eta_seconds: float | None = None
    device: str | None = None
    attempt: int = 1
    preview: str | None = None
    result: str | None = None
    record: str | None = None
    error: str | None = None
    folder: str | None = None
    client: Mapping[str, Any] = field(default_factory=dict)
    dropped: str = ""
    updated: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in END_STATES

    @property
    def live(self) -> bool:
        """Whether the server has the job in hand."""
        return self.state in LIVE_STATES


@dataclass(frozen=True)
class Server:
    """The heartbeat. `running` is this client's conclusion; `state` the server's last word."""

    running: bool
    state: str = "stopped"
    age: float | None = None
    """Seconds since the last heartbeat; None if there never was one."""
    pid: int | None = None
    host: str | None = None
    version: str | None = None
    started: str | None = None
    updated: str = ""
    devices: Sequence[Mapping[str, Any]] = ()
    queue: Mapping[str, int] = field(default_factory=dict)
    totals: Mapping[str, int] = field(default_factory=dict)
    strays: Sequence[str] = ()
    config_problem: str | None = None
    """Why a changed configuration is not in force."""


@dataclass(frozen=True)
class Result:
    """Where the painting lies, and the record of how it was made."""

    picture: Path
    record: Path


class Client:
    """Speaks to the server of one hot folder. Holds nothing open; safe to make many of."""

    def __init__(
        self,
        hot_folder: str | os.PathLike[str],
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.root = Path(hot_folder).expanduser()
        self._clock = clock
        self._sleep = sleep
        self._names: dict[str, str] = {}
        """Names that the server gave to tickets' jobs, by the tickets' keys."""

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @property
    def outbox(self) -> Path:
        return self.root / "outbox"

    def check(self) -> None:
        """Raises FolderMissing unless this is a hot folder."""
        if not self.inbox.is_dir():
            raise FolderMissing(
                f"{self.root} is not a hot folder: it has no folder named inbox. "
                f"`impasto init {self.root}` makes one."
            )

    def server(self) -> Server:
        """Whether somebody serves the folder.

        Raises:
            FolderMissing: this is no hot folder.
        """
        self.check()
        document = _read_document(self.root / "status" / "server.json")
        if document is None:
            return Server(running=False)
        known = _known_fields(Server, document)
        known.pop("running", None)
        age = self._age(str(document.get("updated", "")))
        # The clock of a server on another machine may be ahead of ours.
        beating = age is not None and abs(age) <= HEARTBEAT_SECONDS
        running = beating and document.get("state") not in ("stopping", "stopped")
        return Server(**{**known, "running": running, "age": age})

    def submit(self, request: Request) -> Ticket:
        """Deliver a request. It is in the inbox, complete, when this returns.

        Raises:
            FolderMissing, RequestError, DeliveryError
        """
        self.check()
        _check_request(request)
        wanted = _job_name(request)
        key = secrets.token_hex(8)
        drafts: list[Path] = []
        try:
            pictures = []
            for source, role in _pictures(request):
                draft = self._draft()
                drafts.append(draft)
                shutil.copyfile(source, draft)
                pictures.append((draft, role + source.suffix.lower()))
            draft = self._draft()
            drafts.append(draft)
            number = 1
            while True:
                name = wanted if number == 1 else f"{wanted}-{number}"
                number += 1
                if self._is_taken(name):
                    continue
                draft.write_text(_sidecar(request, name, key), encoding="utf-8")
                if self._place(name, draft, pictures):
                    return Ticket(name, key)
        except OSError as error:
            raise DeliveryError(
                f"{error.filename or self.inbox}: the job cannot be delivered: "
                f"{error.strerror or error}. Nothing of it is left in the inbox."
            ) from error
        finally:
            for draft in drafts:
                with contextlib.suppress(OSError):
                    draft.unlink()

    def status(self, ticket: Ticket | str) -> Status:
        """Where the job is now, under whatever name the server gave it.

        A name instead of a ticket means whatever job bears it.
        """
        if isinstance(ticket, str):
            return self.job(ticket) or Status(ticket, "delivered", _NOT_SEEN)
        for name in self._names_of(ticket):
            status = self.job(name)
            if status is not None and status.client.get(TICKET_KEY) == ticket.key:
                self._names[ticket.key] = name
                return status
        return Status(ticket.name, "delivered", _NOT_SEEN)

    def job(self, name: str) -> Status | None:
        """The status of the job called `name`; None if there is none."""
        document = _read_document(self.root / "status" / f"{name}.json")
        return None if document is None else _status(name, document)

    def jobs(self) -> list[Status]:
        """Every job that has a status, the latest change first."""
        found = []
        with contextlib.suppress(OSError):
            for entry in os.scandir(self.root / "status"):
                if entry.name.startswith(".") or not entry.name.endswith(".json"):
                    continue
                if entry.name != "server.json":
                    status = self.job(entry.name[: -len(".json")])
                    found += [status] if status is not None else []
        return sorted(found, key=lambda status: status.updated, reverse=True)

    def watch(
        self,
        ticket: Ticket | str,
        *,
        timeout: float | None = None,
        interval: float = 0.25,
        grace: float = HEARTBEAT_SECONDS,
    ) -> Iterator[Status]:
        """Snapshot after snapshot, each different from the one before, until the job has ended.

        The last one is the job's end: `done`, `failed` or `cancelled`.

        Args:
            timeout: seconds until TimedOut.
            interval: seconds between two looks; not less than 0.2.
            grace: seconds that a server may be away (for a restart) before ServerGone.

        Raises:
            TimedOut, FolderMissing
            ServerGone: nobody serves the folder; the job stays in it.
        """
        started = seen = self._clock()
        beat = ""
        last: Status | None = None
        while True:
            status = self.status(ticket)
            if status != last:
                last = status
                yield status
            if status.ended:
                return
            now = self._clock()
            server = self.server()
            # Told by its changes, so that a server whose clock is wrong is not taken for dead.
            if server.running or (beat and server.updated != beat and server.state != "stopped"):
                seen = now
            beat = server.updated
            if now - seen >= grace:
                raise ServerGone(_gone(self.root, server, status))
            if timeout is not None and now - started >= timeout:
                raise TimedOut(f"{status.name} is {status.state} after {timeout:g} s. It goes on.")
            self._sleep(interval)

    def cancel(self, ticket: Ticket | str) -> None:
        """Ask the server to cancel a job (by its ticket, or its name). `watch` tells when it has.

        Raises:
            FolderMissing, DeliveryError
        """
        self.check()
        name = self.status(ticket).name
        path = self.inbox / f"{name}.cancel"
        try:
            path.touch()
        except OSError as error:
            raise DeliveryError(f"{path}: cannot be written: {error.strerror}.") from error

    def result(self, ticket: Ticket | str) -> Result:
        """The painting.

        Raises:
            NotFinished, JobFailed, JobCancelled
        """
        return self.result_of(self.status(ticket))

    def result_of(self, status: Status) -> Result:
        """The painting of a job that has ended; see `result`."""
        if status.state == "failed":
            raise JobFailed((status.error or status.message).strip(), status)
        if status.state == "cancelled":
            raise JobCancelled(f"{status.name} was cancelled.")
        if status.state != "done" or status.result is None or status.record is None:
            raise NotFinished(f"{status.name} is {status.state}: {status.message}")
        return Result(self.root / status.result, self.root / status.record)

    def _names_of(self, ticket: Ticket) -> Iterator[str]:
        """Names that the ticket's job may have by now, the likeliest first."""
        yield self._names.get(ticket.key, ticket.name)
        with contextlib.suppress(OSError):
            for path in (self.root / "status").iterdir():
                if path.name.startswith(f"{ticket.name}-") and path.suffix == ".json":
                    yield path.stem

    def _is_taken(self, name: str) -> bool:
        """Whether anything here bears the name: what waits, lives, has ended or was painted."""
        if any(
            os.path.lexists(folder / f"{name}{suffix}")
            for folder, suffixes in (
                (self.root / "status", (".json",)),
                (self.outbox, (".png", ".jpg", ".result.yaml")),
            )
            for suffix in suffixes
        ):
            return True
        start = _fold(name) + "."
        return any(_fold(entry).startswith(start) for entry in os.listdir(self.inbox))  # noqa: PTH208

    def _place(self, name: str, sidecar: Path, pictures: list[tuple[Path, str]]) -> bool:
        """Give the drafts their names; False (and nothing placed) if another client was faster.

        The sidecar comes first. It reserves the name, and until the last picture is there it makes
        the server wait: without it the pictures alone could be taken for a complete job.
        """
        placed: list[tuple[Path, Path]] = []
        try:
            for draft, ending in [(sidecar, ".yaml"), *pictures]:
                target = self.inbox / f"{name}{ending}"
                _give_name(draft, target)
                placed.append((draft, target))
        except BaseException as error:
            for draft, target in placed:
                with contextlib.suppress(OSError):
                    # Renaming one link of a file to another would do nothing (POSIX).
                    target.unlink() if draft.exists() else target.replace(draft)
            if isinstance(error, FileExistsError):
                return False
            raise
        return True

    def _draft(self) -> Path:
        return self.inbox / f".impasto-{secrets.token_hex(8)}.part"

    def _age(self, updated: str) -> float | None:
        try:
            return self._clock() - datetime.fromisoformat(updated).timestamp()
        except ValueError:
            return None


def _check_request(request: Request) -> None:
    if not request.styles:
        raise RequestError("A painting needs at least one style picture.")
    for source, _ in _pictures(request):
        if not source.is_file():
            raise RequestError(f"{source}: no such file.")
        if source.suffix.lower() not in PICTURE_SUFFIXES:
            raise RequestError(
                f"{source}: not a picture that Impasto reads ({', '.join(PICTURE_SUFFIXES)})."
            )
    size = len(json.dumps({**request.client, TICKET_KEY: "0" * 16}).encode())
    if size > MAX_CLIENT_BYTES:
        raise RequestError(f"`client` is {size} bytes long; at most {MAX_CLIENT_BYTES} fit.")


def _pictures(request: Request) -> Iterator[tuple[Path, str]]:
    """Each file to deliver and the role in its name; the content, which completes a job, last."""
    for index, style in enumerate(request.styles, start=1):
        if isinstance(style, Path):
            yield style, _style_role(index)
    if request.init is not None:
        yield request.init, ".init"
    yield request.content, ".content"


def _style_role(index: int) -> str:
    return f".style{index if index > 1 else ''}"


def _job_name(request: Request) -> str:
    """A name that every file system and the server accept."""
    name = unicodedata.normalize("NFC", request.name or request.content.stem)
    name = "".join("-" if c in '/\\:*?"<>|' or not c.isprintable() else c for c in name)
    # `cat.style` would make `cat.style.content.jpg`, which another job might claim a part of.
    name = re.sub(r"\.(content|init|style\d*)$", "", name, flags=re.IGNORECASE).strip(" .")
    while len(name.encode()) > 200:
        name = name[:-1]
    return f"{name or 'picture'}-job" if _fold(name) in ("", "server") else name


def _sidecar(request: Request, name: str, key: str) -> str:
    """The request as JSON, which is YAML too."""
    styles = []
    for index, style in enumerate(request.styles, start=1):
        if isinstance(style, Path):
            style = f"{name}{_style_role(index)}{style.suffix.lower()}"
        styles.append(style)

    document: dict[str, Any] = {
        "content": f"{name}.content{request.content.suffix.lower()}",
        "styles": styles,
        **request.settings,
        "client": {**request.client, TICKET_KEY: key},
    }
    if request.init is not None:
        document["init"] = "file"
        document["init_file"] = f"{name}.init{request.init.suffix.lower()}"
    try:
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise RequestError(f"The settings cannot be written down: {error}.") from None
    # YAML takes fewer characters unescaped than JSON, and does not join escaped surrogates.
    return re.sub(
        "[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]",
        lambda match: f"\\u{ord(match[0]):04x}",
        text,
    )


_NO_HARD_LINKS = {
    errno.EPERM,
    errno.EACCES,
    errno.ENOSYS,
    errno.EOPNOTSUPP,
    errno.EMLINK,
    errno.EXDEV,
    errno.EINVAL,
}


def _give_name(draft: Path, target: Path) -> None:
    """Let the file `draft` appear, whole, as `target`. The draft may stay too.

    Raises:
        FileExistsError: something there has the name.
    """
    try:
        os.link(draft, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        # FAT and some network shares. Reserve the name with an empty file, which is too young to
        # be looked at, then replace it.
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        draft.replace(target)


def _read_document(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):  # not there; ValueError: a share that does not rename atomically
        return None
    return document if isinstance(document, dict) else None


def _status(name: str, document: Mapping[str, Any]) -> Status:
    known = _known_fields(Status, document)
    client = known.get("client")
    fraction = known.get("fraction")
    return Status(
        **{
            **known,
            "name": name,
            "state": str(document.get("state", "waiting")),
            "client": client if isinstance(client, dict) else {},
            "fraction": float(fraction) if isinstance(fraction, (int, float)) else 0.0,
        }
    )


def _known_fields(kind: type, document: Mapping[str, Any]) -> dict[str, Any]:
    """What this client understands: a later version may say more."""
    names = {known.name for known in fields(kind)}
    return {key: value for key, value in document.items() if key in names and value is not None}


def _fold(name: str) -> str:
    """Equal for names that some file system takes for one."""
    return unicodedata.normalize("NFC", name).casefold()


def _gone(root: Path, server: Server, status: Status) -> str:
    ago = "" if server.age is None else f" since {_ago(server.age)}"
    return (
        f"Nobody serves {root}{ago}. {status.name} is {status.state} and stays there; "
        f"`impasto watch {root}` paints it."
    )


def _ago(seconds: float) -> str:
    moment = datetime.now(UTC).timestamp() - seconds
    return datetime.fromtimestamp(moment).strftime("%Y-%m-%d %H:%M:%S")
