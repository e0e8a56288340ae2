"""The server's state in the dialog, with what can be done about it."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import gi

gi.require_version("Gtk", "3.0")
from client import Client, ClientError, FolderMissing, Server
from client.protocol import JobState, ServerState
from gi.repository import GLib, Gtk

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
        self._hot_folder = ""
        self._starting = False
        self._error: str | None = None
        self._icon = Gtk.Image()
        self._label = Gtk.Label(xalign=0, wrap=True, max_width_chars=60)
        self._start = Gtk.Button.new_with_mnemonic("S_tart the server")
        self._start.connect("clicked", self._start_server)
        choose = Gtk.Button.new_with_mnemonic("_Hot folder...")
        choose.set_tooltip_text("Choose the folder through which paintings are made")
        choose.connect("clicked", self._choose)
        self.pack_start(self._icon, False, False, 0)
        self.pack_start(self._label, True, True, 0)
        self.pack_end(choose, False, False, 0)
        self.pack_end(self._start, False, False, 0)
        self._start.set_no_show_all(True)
        self.running = False

    def refresh(self, hot_folder: str) -> None:
        """Show how the folder's server is now."""
        if hot_folder != self._hot_folder:
            self._error = None
        self._hot_folder = hot_folder
        was_running, self.running = self.running, False
        can_start = False
        try:
            if not hot_folder:
                raise FolderMissing(
                    "No hot folder is chosen. `impasto init --hot FOLDER` makes one."
                )
            server = Client(hot_folder).server()
        except ClientError as error:
            icon, text = "dialog-error", str(error)
        else:
            if server.running:
                self.running, self._error = True, None
                icon, text = "dialog-information", _summary(server)
            elif self._starting:
                icon, text = "dialog-information", "The server is being started..."
            else:
                icon, can_start = "dialog-warning", True
                text = self._error or f"No server works for {hot_folder}"
        self._icon.set_from_icon_name(icon, Gtk.IconSize.MENU)
        self._label.set_text(text)
        self._start.set_visible(can_start)
        if self.running and not was_running:
            self._started()

    def _start_server(self, _: Any) -> None:
        self._starting, self._error = True, None
        client = Client(self._hot_folder)

        def start() -> None:
            message = None
            try:
                client.start_server(self._command)
            except ClientError as error:
                message = str(error)
            GLib.idle_add(self._on_started, message)

        # It can take a minute, and the dialog lives on meanwhile.
        threading.Thread(target=start, name="start the server", daemon=True).start()
        self.refresh(self._hot_folder)

    def _on_started(self, error: str | None) -> bool:
        self._starting, self._error = False, error
        self.refresh(self._hot_folder)
        return False

    def _choose(self, button: Any) -> None:
        chooser = Gtk.FileChooserDialog(
            title="Choose the hot folder",
            transient_for=button.get_toplevel(),
            action=Gtk.FileChooserAction.SELECT_FOLDER,
        )
        chooser.add_buttons("_Cancel", Gtk.ResponseType.CANCEL, "_Choose", Gtk.ResponseType.ACCEPT)
        chooser.set_filename(self._hot_folder)
        if chooser.run() == Gtk.ResponseType.ACCEPT and chooser.get_filename():
            self._folder_changed(chooser.get_filename())
        chooser.destroy()


def _summary(server: Server) -> str:
    if server.paused is not None:
        return f"The server is paused: {server.paused}"
    count = server.queue.get(JobState.QUEUED, 0)
    waiting = f", {count} more in the queue" if count else ""
    if server.queue.get(JobState.RUNNING):
        return f"The server is painting{waiting}"
    if server.state == ServerState.STARTING:
        return "The server is starting"
    return f"The server is ready{waiting}"
