"""The live preview: one small painting at a time, painted anew whenever a choice changes.

Knows no widgets: whoever shows the preview calls `LivePreview.poll` again and again. The server
does the painting, under the `preview` preset.
"""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from choices import Choices, Refusal
from client import Client, ClientError, NotFinished, Status, Ticket
from client.protocol import CLIENT_HEARTBEAT_SECONDS, DELIVERED, TICKET_KEY, JobState
from i18n import _
from messages import explain

from painting.job import (
    Exported,
    build_request,
    progress_text,
    resolve_palette,
    resolve_styles,
)

__all__ = ["LivePreview", "PreviewState"]

DEBOUNCE_SECONDS = 0.4
"""So long after the last change the preview is painted: a dial may still be turning."""

POLL_SECONDS = 0.2

NAME = "preview"
"""What the names of its jobs begin with."""

PRIORITY = 9
"""Of 0 to 9: it takes seconds, and somebody waits for each."""


@dataclass(frozen=True)
class PreviewState:
    """What to show now."""

    text: str = ""
    fraction: float | None = None
    """How far the painting is; None: not known, or nothing is being painted."""
    picture: Path | None = None
    painting: bool = False
    """Whether a preview is being painted."""


class LivePreview:
    """The preview of a dialog. Whatever it leaves behind in the hot folder, it takes away again."""

    def __init__(
        self,
        export: Callable[[Choices, Path], Exported],
        folder: Path,
        client_of: Callable[[str], Client],
        *,
        with_files: Callable[[Choices], Choices] = lambda choices: choices,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            export: writes what is to be painted, small, into a folder.
            folder: a temporary one.
            client_of: a hot folder's client, always the same one: it remembers its looks at the
                server's heartbeat.
            with_files: puts a file in place of each picture that is open in the editor.
        """
        self._export = export
        self._folder = folder
        self._clock = clock
        self._client_of = client_of
        self._with_files = with_files
        self._wanted: Choices | None = None
        self._due = 0.0
        self._client: Client | None = None
        self._ticket: Ticket | None = None
        self._abandoned: list[tuple[Client, Ticket]] = []
        self._heartbeat_sent = 0.0
        self._cleaned_root: Path | None = None
        self._state = PreviewState()

    def request(self, choices: Choices) -> None:
        """Paint a preview of these choices; one that is being painted is cancelled."""
        self._wanted = choices
        self._due = self._clock() + DEBOUNCE_SECONDS
        self._abandon()
        self._state = replace(self._state, text="", fraction=None, painting=True)

    def stop(self) -> None:
        """Cancel the preview that is being painted."""
        self._wanted = None
        self._abandon()
        self._state = replace(self._state, text="", fraction=None, painting=False)

    def close(self, patience: float = 3.0) -> None:
        """Stop, and wait a little until nothing is left behind in the hot folder."""
        self.stop()
        end = self._clock() + patience
        while self._abandoned and self._clock() < end:
            self._discard_abandoned()
            time.sleep(POLL_SECONDS)

    def poll(self) -> PreviewState:
        """Go on; returns what to show. To be called every few tenths of a second. Never raises."""
        self._discard_abandoned()
        try:
            if self._wanted is not None and self._clock() >= self._due:
                choices, self._wanted = self._wanted, None
                self._start(choices)
            elif self._ticket is not None and self._client is not None:
                self._follow(self._client, self._ticket)
        except (Refusal, ClientError, OSError) as error:
            self._abandon()
            text = explain(error) or str(error)
            self._state = replace(self._state, text=text, fraction=None, painting=False)
        return self._state

    def _start(self, choices: Choices) -> None:
        choices = choices.as_preview()
        choices.check()
        client = self._client_of(choices.hot_folder)
        server = client.server()
        if server.unsure:
            self._wanted = choices
            self._state = replace(self._state, text=_("Looking for the server"))
            return
        if not server.running:
            text = _("No preview: the server is not running")
            self._state = replace(self._state, text=text, painting=False)
            return
        choices = self._with_files(choices)
        request = build_request(
            choices,
            resolve_styles(choices, client),
            lambda folder: self._export(choices, folder),
            self._folder,
            name=NAME,
            palette=resolve_palette(choices, client),
            priority=PRIORITY,
            preview=True,
        )
        if self._cleaned_root != client.root:
            self._cleaned_root = client.root
            _discard_leftovers(client)
        self._client, self._ticket = client, client.submit(request)
        self._heartbeat_sent = self._clock()
        self._state = replace(self._state, text=_("Sent to the server"), painting=True)

    def _follow(self, client: Client, ticket: Ticket) -> None:
        if self._clock() - self._heartbeat_sent >= CLIENT_HEARTBEAT_SECONDS:
            self._heartbeat_sent = self._clock()
            client.send_heartbeat(ticket)
        status = client.status(ticket)
        if status.ended:
            picture = client.result_of(status).picture
            # Out of the hot folder, where it would be taken for a result.
            kept = self._folder / f"preview{picture.suffix}"
            kept.write_bytes(picture.read_bytes())
            self._abandon()
            self._state = PreviewState("", 1.0, kept)
        else:
            shown = client.preview_of(status) or self._state.picture
            self._state = PreviewState(
                progress_text(status), _fraction(status), shown, painting=True
            )

    def _abandon(self) -> None:
        """Cancel the job; it is discarded once it has ended."""
        if self._client is not None and self._ticket is not None:
            self._abandoned.append((self._client, self._ticket))
            with contextlib.suppress(ClientError):
                if not self._client.status(self._ticket).ended:
                    self._client.cancel(self._ticket)
        self._client = self._ticket = None

    def _discard_abandoned(self) -> None:
        """Remove from the hot folder the abandoned jobs that have ended."""
        still = []
        for client, ticket in self._abandoned:
            try:
                if client.status(ticket).state == DELIVERED and client.server().running:
                    raise NotFinished(ticket.name)  # the server is about to look at it
                client.discard(ticket)
            except NotFinished:
                still.append((client, ticket))
            except (ClientError, OSError):
                pass  # it stays; nothing depends on it
        self._abandoned = still


def _discard_leftovers(client: Client) -> None:
    """Remove the jobs of a dialog that was killed, or closed before its preview had ended."""
    with contextlib.suppress(ClientError, OSError):
        for status in client.jobs(NAME):
            if status.client.get("preview") is True and status.ended:
                client.discard(Ticket(status.name, str(status.client.get(TICKET_KEY))))


def _fraction(status: Status) -> float | None:
    return status.fraction if status.state == JobState.RUNNING else None
