"""The live preview: one small painting at a time, painted anew whenever a choice changes.

Knows no widgets: `Live` is asked again and again how it looks, and what is asked for is the
server's work, under the `preview` preset.
"""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from choices import Choices, Refusal
from client import Client, ClientError, NotFinished, Status, Ticket
from painting import request_for, style_of, text_of

__all__ = ["Live", "View"]

SETTLE_SECONDS = 0.4
"""A dial that is being turned is left alone for so long."""

LOOK_SECONDS = 0.2
BEAT_SECONDS = 2.0

SIDE = 320
"""Longest side of what is sent, in pixels; the preset paints at 256."""

NAME = "preview"
"""Of the jobs, or what it begins with."""

PRIORITY = 9
"""Of 0 to 9: it takes seconds, and somebody waits for each."""


@dataclass(frozen=True)
class View:
    """How the preview looks now."""

    text: str = ""
    fraction: float | None = None
    """How far it is; None: nobody knows, or nothing goes on."""
    picture: Path | None = None
    painting: bool = False
    """Whether something goes on."""


class Live:
    """The preview of a dialog. Whatever it leaves behind in the hot folder, it takes away again."""

    def __init__(
        self,
        export: Callable[[Choices, Path, int], tuple[int, int]],
        workplace: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        client: Callable[[str], Client] = Client,
    ) -> None:
        """`export` writes what is to be painted as a PNG, at most so large; see `Region.export`."""
        self._export = export
        self._workplace = workplace
        self._clock = clock
        self._client_of = client
        self._wanted: Choices | None = None
        self._due = 0.0
        self._client: Client | None = None
        self._ticket: Ticket | None = None
        self._leaving: list[tuple[Client, Ticket]] = []
        self._beaten = 0.0
        self._swept: Path | None = None
        self._view = View()

    def want(self, choices: Choices) -> None:
        """Show these choices; what goes on for others is cancelled."""
        self._wanted = choices
        self._due = self._clock() + SETTLE_SECONDS
        self._leave()
        self._view = replace(self._view, text="", fraction=None, painting=True)

    def stop(self) -> None:
        """Cancel what goes on, and want nothing more."""
        self._wanted = None
        self._leave()
        self._view = replace(self._view, text="", fraction=None, painting=False)

    def close(self, patience: float = 3.0) -> None:
        """Stop, and wait a little until nothing is left behind in the hot folder."""
        self.stop()
        end = self._clock() + patience
        while self._leaving and self._clock() < end:
            self._tidy()
            time.sleep(LOOK_SECONDS)

    def look(self) -> View:
        """How it looks now; to be called every few tenths of a second. Never raises."""
        self._tidy()
        try:
            if self._wanted is not None and self._clock() >= self._due:
                choices, self._wanted = self._wanted, None
                self._start(choices)
            elif self._ticket is not None and self._client is not None:
                self._follow(self._client, self._ticket)
        except (Refusal, ClientError, OSError) as error:
            self._leave()
            self._view = replace(self._view, text=str(error), fraction=None, painting=False)
        return self._view

    def _start(self, choices: Choices) -> None:
        choices = replace(choices, preset="preview", size=0)
        choices.check()
        client = self._client_of(choices.hot_folder)
        if not client.server().running:
            self._view = replace(self._view, text="No preview: the server is not running")
            self._view = replace(self._view, painting=False)
            return
        request = request_for(
            choices,
            style_of(choices, client),
            lambda path: self._export(choices, path, SIDE),
            self._workplace,
            name=NAME,
            priority=PRIORITY,
            preview=True,
        )
        if self._swept != client.root:
            self._swept = client.root
            _sweep(client)
        self._client, self._ticket = client, client.submit(request)
        self._beaten = self._clock()
        self._view = replace(self._view, text="Sent to the server", painting=True)

    def _follow(self, client: Client, ticket: Ticket) -> None:
        if self._clock() - self._beaten >= BEAT_SECONDS:
            self._beaten = self._clock()
            client.beat(ticket)
        status = client.status(ticket)
        if status.ended:
            picture = client.result_of(status).picture
            # Out of the hot folder, where it would be taken for a result.
            kept = self._workplace / f"preview{picture.suffix}"
            kept.write_bytes(picture.read_bytes())
            self._leave()
            self._view = View("", 1.0, kept)
        else:
            shown = client.preview_of(status) or self._view.picture
            self._view = View(text_of(status), _fraction(status), shown, painting=True)

    def _leave(self) -> None:
        """What goes on is wanted no longer."""
        if self._client is not None and self._ticket is not None:
            self._leaving.append((self._client, self._ticket))
            with contextlib.suppress(ClientError):
                if not self._client.status(self._ticket).ended:
                    self._client.cancel(self._ticket)
        self._client = self._ticket = None

    def _tidy(self) -> None:
        """Take away what has ended since it was left."""
        still = []
        for client, ticket in self._leaving:
            try:
                if client.status(ticket).state == "delivered" and client.server().running:
                    raise NotFinished(ticket.name)  # the server is about to look at it
                client.discard(ticket)
            except NotFinished:
                still.append((client, ticket))
            except (ClientError, OSError):
                pass  # it stays; nothing depends on it
        self._leaving = still


def _sweep(client: Client) -> None:
    """Take away what a dialog left that was killed, or closed before its preview had ended."""
    with contextlib.suppress(ClientError, OSError):
        for path in (client.root / "status").glob(f"{NAME}*.json"):
            status = client.job(path.stem)
            key = status.client.get("ticket") if status is not None else None
            if status is not None and status.client.get("preview") is True and status.ended:
                client.discard(Ticket(status.name, str(key)))


def _fraction(status: Status) -> float | None:
    return status.fraction if status.state == "running" else None
