"""One painting as a job of the server: exported, delivered, followed, fetched.

Knows no editor: see `Editor`.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from choices import Choices, Refusal
from client import (
    Client,
    ClientError,
    Request,
    Server,
    ServerGone,
    Status,
    Ticket,
    TimedOut,
    protocol,
)
from client.protocol import DELIVERED, JobState
from i18n import _
from messages import PlainError
from options import MIN_SIDE, MIN_SIZE
from pictures import style_file
from server_words import hindrance, in_our_words, pause_reason

__all__ = [
    "Editor",
    "Exported",
    "JobHeld",
    "NoServer",
    "Painted",
    "ServerSilent",
    "build_request",
    "follow",
    "paint",
    "progress_text",
    "resolve_palette",
    "resolve_styles",
]

SILENCE_SECONDS = 90.0
"""The status of a job that runs is written every 2 s; so long without is no server that works."""

PRIORITY = 7
"""Of 0 to 9, 5 being usual: somebody sits and waits for it, as for no batch."""

MOST_NAMED = 8
"""Styles of the library in a message."""


class NoServer(PlainError):  # noqa: N818  (beside ServerGone, which it resembles)
    """Nobody would paint what is sent, or has gone away while painting."""


class ServerSilent(PlainError):  # noqa: N818
    """The server is there but says nothing of the job."""


class JobHeld(PlainError):  # noqa: N818
    """The job waits for a person's decision."""


@dataclass(frozen=True)
class Exported:
    """What is to be painted, as files."""

    content: Path | None
    """None: a texture."""
    width: int
    height: int
    mask: Path | None = None
    """White where it is painted; None: everywhere."""
    regions: Sequence[Path] = ()
    """Such masks, one for each style; none: each style everywhere."""
    deep: bool = False
    """Whether a texture is to have 16 bits a channel."""


class Editor(Protocol):
    """What a painting needs of the editor that it is made for."""

    def export(self, folder: Path) -> Exported:
        """Write what is to be painted into the folder."""

    def progress(self, fraction: float | None, text: str) -> None:
        """Show how far it is; None: nobody knows."""


Guard = Callable[[Client, Ticket], contextlib.AbstractContextManager[None]]


def _unguarded(*_: object) -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext()


@dataclass(frozen=True)
class Painted:
    """A painting that has come back."""

    picture: Path
    record: Path
    name: str
    """The job's."""


def paint(
    editor: Editor,
    choices: Choices,
    folder: Path,
    *,
    name: str,
    client: Client | None = None,
    silence: float = SILENCE_SECONDS,
    guard: Guard = _unguarded,
) -> Painted:
    """Have what the editor exports painted; returns when it is, or raises.

    Args:
        choices: with a file in place of each picture that is open in the editor.
        folder: temporary, for the exported picture.
        name: what to call the job.
        silence: seconds without a word of the job until it is given up.
        guard: cancels the job if this process is killed meanwhile.

    Raises:
        Refusal: nothing was delivered.
        ClientError: no server, no result, or not the result that was promised.
    """
    choices.check()
    client = client or Client(choices.hot_folder)
    refuse_unserved(client)
    styles = resolve_styles(choices, client)
    palette = resolve_palette(choices, client)
    if not choices.texture:
        editor.progress(None, _("Exporting the layer"))
    request = build_request(choices, styles, editor.export, folder, name=name, palette=palette)
    ticket = client.submit(request)
    try:
        with guard(client, ticket):
            status = follow(client, ticket, editor.progress, silence=silence)
    except ServerGone:
        _give_up(client, ticket)
        raise NoServer(
            _(
                "The server went away before the painting was finished. Start it again, with the "
                "button in the dialog where it is a server of this computer, and paint again."
            )
        ) from None
    except (ServerSilent, JobHeld):
        _give_up(client, ticket)
        raise
    result = client.result_of(status)
    return Painted(result.picture, result.record, status.name)


def refuse_unserved(client: Client) -> Server:
    """The server that would paint. Looks for six seconds at one whose clock may be wrong.

    Raises:
        NoServer: nobody would paint what is sent.
        FolderMissing: nobody could.
    """
    server = client.find_server()
    if not server.running:
        raise NoServer(
            _(
                "No server works for the hot folder {folder}, so nothing was sent. Start it with "
                "the button in the dialog, or on the computer that serves the folder."
            ).format(folder=client.root)
        )
    if server.paused is not None:
        raise NoServer(
            _(
                "The server is paused ({reason}), so nothing was sent. Paint again when it goes on."
            ).format(reason=pause_reason(server.paused))
        )
    return server


def _give_up(client: Client, ticket: Ticket) -> None:
    """Without the editor's heartbeat the server would cancel it too, but later."""
    with contextlib.suppress(ClientError):
        client.cancel(ticket)


def build_request(
    choices: Choices,
    styles: Sequence[Path | str],
    export: Callable[[Path], Exported],
    folder: Path,
    *,
    name: str,
    palette: Path | str | None = None,
    priority: int = PRIORITY,
    preview: bool = False,
) -> Request:
    """The request for a painting of what `export` writes.

    Raises:
        Refusal: it is too small to be painted.
    """
    exported = export(folder)
    settings = choices.settings(max(exported.width, exported.height), deep=exported.deep)
    refuse_small(exported.width, exported.height, settings.get("size"))
    return Request(
        content=exported.content,
        styles=styles,
        mask=exported.mask,
        regions=exported.regions,
        palette=palette,
        settings={**settings, "priority": priority},
        name=name,
        client={"editor": "gimp", "preview": preview},
        heartbeat=True,
    )


def resolve_styles(choices: Choices, client: Client) -> list[Path | str]:
    """Files to deliver, or names of the style library, whose endings may be left out.

    Raises:
        Refusal: one is not in the library.
        FolderMissing
    """
    return _resolved(choices.styles, client)


def resolve_palette(choices: Choices, client: Client) -> Path | str | None:
    """The same for the palette; None where its colours are not used."""
    return _resolved([choices.palette], client)[0] if choices.colours == "palette" else None


def _resolved(pictures: Sequence[str], client: Client) -> list[Path | str]:
    files = [style_file(picture) for picture in pictures]
    names = [] if all(files) else [style.name for style in client.styles()]
    there = ", ".join(names[:MOST_NAMED])
    if len(names) > MOST_NAMED:
        there += ", ..."
    resolved: list[Path | str] = []
    for picture, file in zip(pictures, files, strict=True):
        name = next((name for name in names if picture in (name, name.rpartition(".")[0])), None)
        if file is None and name is None:
            raise Refusal(
                _("The style library has no {style} (any more). It has: {styles}").format(
                    style=picture, styles=there or _("nothing")
                )
            )
        resolved.append(file or name or "")
    return resolved


def refuse_small(width: int, height: int, size: int | None) -> None:
    """Raises Refusal where a painting would have a side of too few pixels."""
    longest = max(width, height)
    size = size or longest
    if size < MIN_SIZE or min(width, height) * size / longest < MIN_SIDE:
        raise Refusal(
            _(
                "{width} x {height} pixels painted at {size} are too few: at least {least} by "
                "{side} are needed. Paint a larger part, or choose a larger size."
            ).format(width=width, height=height, size=size, least=MIN_SIZE, side=MIN_SIDE)
        )


def follow(
    client: Client,
    ticket: Ticket,
    progress: Callable[[float | None, str], None],
    *,
    silence: float = SILENCE_SECONDS,
) -> Status:
    """Show how the job goes until it has ended; its last status.

    Raises:
        ServerGone, FolderMissing: see `Client.watch`.
        ServerSilent: the server is there, but not a word of the job for `silence` seconds.
        JobHeld: a person must decide about the job.
    """
    while True:
        looks = 0
        status = Status(ticket.name, DELIVERED)
        try:
            for status in client.watch(ticket, timeout=silence):
                looks += 1
                if status.ended:
                    return status
                if status.state == JobState.HELD:
                    raise JobHeld(in_our_words(status.message))
                progress(
                    status.fraction if status.state == JobState.RUNNING else None,
                    progress_text(status),
                )
        except TimedOut:
            # Of a long queue not every status is written anew: only a painter must not be silent.
            if looks > 1 or status.state not in (DELIVERED, JobState.RUNNING):
                continue
            raise ServerSilent(
                _(
                    "The server has said nothing of the painting for {seconds:g} s, so it is "
                    "cancelled. See what keeps the server busy, and paint again."
                ).format(seconds=silence)
            ) from None


def progress_text(status: Status) -> str:
    """One line for a person."""
    match status.state:
        case protocol.DELIVERED:
            return _("Sent; the server will look at it in a moment")
        case JobState.QUEUED if status.position:
            text = _("In the queue, at place {place}").format(place=status.position)
            why = hindrance(status.message)
            return f"{text}: {why}" if why else text
        case JobState.RUNNING if status.steps:
            text = _("Painting: step {step} of {steps}")
            if (status.scales or 0) > 1:
                text = _("Painting: size {scale} of {scales}, step {step} of {steps}")
            text = text.format(
                scale=status.scale, scales=status.scales, step=status.step, steps=status.steps
            )
            if status.eta_seconds is not None:
                text += _(", {time} left").format(time=clock_time(status.eta_seconds))
            return text
        case JobState.RUNNING:
            return _("Painting: the server gets ready")
        case _other:
            return in_our_words(status.message or status.state)


def clock_time(seconds: float) -> str:
    """Minutes and seconds, as on a clock: `1:05`, `1:00:00`."""
    minutes, seconds = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
