"""The server's state in the dialog, with what can be done about it."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import gi

gi.require_version("Gtk", "3.0")
from choices import NO_FOLDER, Refusal
from client import Client, ClientError, Server
from client.protocol import JobState, ServerState
from gi.repository import Gtk
from i18n import _
from messages import explain
from server_words import NO_WORKER, pause_reason

__all__ = ["ServerRow"]


class ServerRow(Gtk.Box):
    """One line about the server of a hot folder, and a button that starts it."""

    def __init__(
        self,
        command: Sequence[str],
        folder_changed: Callable[[str], None],
        started: Callable[[], None],
    ) -> None:
        """`command` is what a shell calls `impasto`."""
        super().__init__(spacing=6)
        self._command = command
        self._folder_changed = folder_changed
        self._started = started
        self._client: Client | None = None
        self._starting: set[Client] = set()
        self._errors: dict[Client, str] = {}
        """Why a server did not start."""
        self._was_running = False
        self._icon = Gtk.Image()
        self._label = Gtk.Label(xalign=0, wrap=True, max_width_chars=60)
        self._start = Gtk.Button.new_with_mnemonic(_("S_tart the server"))
        self._start.connect("clicked", self._start_server)
        choose = Gtk.Button.new_with_mnemonic(_("_Hot folder..."))
        choose.set_tooltip_text(_("Choose the folder through which paintings are made"))
        choose.connect("clicked", self._choose)
        self.pack_start(self._icon, False, False, 0)
        self.pack_start(self._label, True, True, 0)
        self.pack_end(choose, False, False, 0)
        self.pack_end(self._start, False, False, 0)
        self._start.set_no_show_all(True)

    def refresh(self, client: Client | None) -> None:
        """Show how the server of the client's folder is now; None: no folder is known. To be called
        every second or so."""
        self._client = client
        running = can_start = False
        try:
            if client is None:
                raise Refusal(NO_FOLDER)
            server = client.server()
        except (Refusal, ClientError) as error:
            icon, text = "dialog-error", explain(error)
            if client is not None:
                text = f"{text} ({client.root})"
        else:
            if server.running:
                running = True
                self._errors.pop(client, None)
                icon, text = "dialog-information", _summary(server)
            elif client in self._starting:
                icon, text = "dialog-information", _("The server is being started...")
            elif server.unsure:
                icon, text = "dialog-information", _("Looking for the server")
            else:
                icon, can_start = "dialog-warning", True
                text = _("No server works for {folder}").format(folder=client.root)
                text = self._errors.get(client, text)
        self._icon.set_from_icon_name(icon, Gtk.IconSize.MENU)
        self._label.set_text(text)
        self._start.set_visible(can_start)
        started = running and not self._was_running
        self._was_running = running
        if started:
            self._started()

    def _start_server(self, *_args: Any) -> None:
        client = self._client
        if client is None:
            return
        self._starting.add(client)

        def start() -> None:
            try:
                client.start_server(self._command)
            except ClientError as error:
                self._errors[client] = explain(error)
            self._starting.discard(client)

        # It can take a minute, and the dialog lives on meanwhile.
        threading.Thread(target=start, name="start the server", daemon=True).start()
        self.refresh(client)

    def _choose(self, button: Any) -> None:
        chooser = Gtk.FileChooserDialog(
            title=_("Choose the hot folder"),
            transient_for=button.get_toplevel(),
            action=Gtk.FileChooserAction.SELECT_FOLDER,
        )
        chooser.add_button(_("_Cancel"), Gtk.ResponseType.CANCEL)
        chooser.add_button(_("_Choose"), Gtk.ResponseType.ACCEPT)
        if self._client is not None:
            chooser.set_filename(str(self._client.root))
        if chooser.run() == Gtk.ResponseType.ACCEPT and chooser.get_filename():
            self._folder_changed(chooser.get_filename())
        chooser.destroy()


def _summary(server: Server) -> str:
    return f"{_activity(server)}{_clock_remark(server.clock_behind)}"


def _activity(server: Server) -> str:
    if server.paused is not None:
        return _("The server is paused: {reason}").format(reason=pause_reason(server.paused))
    if server.devices and all(each.get("state") == "lost" for each in server.devices):
        return _("Nothing is painted: {reason}").format(reason=NO_WORKER)
    count = server.queue.get(JobState.QUEUED, 0)
    waiting = _(", {count} more in the queue").format(count=count) if count else ""
    if server.queue.get(JobState.RUNNING):
        return _("The server is painting") + waiting
    if server.state == ServerState.STARTING:
        return _("The server is starting")
    return _("The server is ready") + waiting


def _clock_remark(behind: float | None) -> str:
    if behind is None:
        return ""
    text = _(". Its clock is {seconds} s behind this computer's: set one of them right")
    if behind < 0:
        text = _(". Its clock is {seconds} s ahead of this computer's: set one of them right")
    return text.format(seconds=round(abs(behind)))
