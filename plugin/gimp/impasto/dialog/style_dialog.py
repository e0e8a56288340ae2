"""What both dialogs have: styles, settings, the live preview, and the server's state.

`LayerDialog` (window.py) and `TextureDialog` (texture.py) say what is painted, and which settings
there are.
"""

import contextlib
import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from choices import Choices, Refusal
from client import Client, ClientError
from gi.repository import GimpUi, GLib, Gtk
from i18n import _
from images.layers import refuse_output
from images.open_pictures import OpenPictures, is_open
from messages import explain
from painting.job import Exported, refuse_unserved, resolve_palette, resolve_styles
from painting.live_preview import LivePreview
from pictures import open_picture, style_file
from preferences import Installation, Preferences

from dialog.notes import notes_on
from dialog.preview_pane import PreviewPane
from dialog.server_row import ServerRow
from dialog.settings_grid import SettingsGrid
from dialog.style_list import StyleList

__all__ = ["StyleDialog"]

POLL_MS = 200
POLLS_PER_SERVER_CHECK = 5
"""Every so many looks, one at the server."""

POLLS_PER_LIBRARY_CHECK = 25
"""The same for the styles: pictures come into the library, and go."""

ROOM_AROUND = 100
"""Pixels of the screen that a window leaves free: its title, the desktop's panel."""


class StyleDialog:
    """A dialog from which a painting is made. `run` it, then `close` it."""

    title: str

    def __init__(
        self,
        image: Any,
        choices: Choices,
        installed: Installation,
        preferences: Preferences,
        folder: Path,
    ) -> None:
        """
        Args:
            image: the one that the painting goes into; None: it gets one of its own.
            folder: a temporary one, for the preview's pictures.
        """
        self._image = image
        self._installed = installed
        self._preferences = preferences
        self._choices = choices.as_shown()
        self._client_of = functools.cache(Client)
        """One for each hot folder: it remembers its looks at the server's heartbeat."""
        self._library: list[tuple[str, str, Path]] | None = None
        self._open_pictures = OpenPictures.small(folder)
        self._polls = 0
        self._ignore_changes = True
        self._live = LivePreview(
            lambda choices, _folder: self._export(choices),
            folder,
            self._client_of,
            with_files=self._open_pictures.with_files,
        )
        self._window = GimpUi.Dialog(title=self.title, role="impasto")
        self._window.add_button(_("_Reset"), Gtk.ResponseType.REJECT)
        self._window.add_button(_("_Cancel"), Gtk.ResponseType.CANCEL)
        self._window.add_button(_("_Paint"), Gtk.ResponseType.OK)
        self._window.set_default_response(Gtk.ResponseType.OK)
        GimpUi.window_set_transient(self._window)
        self._build()
        self._settings.show_choices(self._choices)
        self._show_where()
        self._ignore_changes = False
        self._refresh_styles()
        self._window.show_all()
        self._poll()
        self._changed()
        self._fit_screen()
        self._window.connect("focus-in-event", self._come_back)
        self._timer = GLib.timeout_add(POLL_MS, self._poll)

    def run(self) -> Choices | None:
        """The choices, once they can be painted; None if the artist thinks better of it."""
        while True:
            response = self._window.run()
            if response == Gtk.ResponseType.REJECT:
                self._reset()
            elif response != Gtk.ResponseType.OK:
                return None
            else:
                try:
                    self._validate()
                except (Refusal, ClientError) as error:
                    self._show_note(explain(error))
                else:
                    return self._choices

    def close(self) -> None:
        """Take the dialog away, and whatever the preview left in the hot folder."""
        GLib.source_remove(self._timer)
        choices = self._choices
        if choices.hot_folder == self._installed.hot_folder:
            # Not remembered: a later installation may know another.
            choices = replace(choices, hot_folder="")
        self._preferences.remember(choices)
        self._window.hide()
        while Gtk.events_pending():
            Gtk.main_iteration()
        self._live.close()
        self._window.destroy()

    # --- what each dialog says for itself ----------------------------------------------------

    def _make_settings(self) -> SettingsGrid:
        raise NotImplementedError

    def _make_preview(self) -> PreviewPane:
        raise NotImplementedError

    def _pages(self) -> Any:
        """The widget that has the settings."""
        return self._settings

    def _show_where(self) -> None:
        """Show what is painted of the image."""

    def _export(self, choices: Choices) -> Exported:
        """What is painted, small, for the preview."""
        raise NotImplementedError

    def _show_original(self) -> None:
        """Let the preview be compared with what is painted."""

    def _refuse_subject(self) -> None:
        """Raises Refusal where what was chosen cannot be painted."""

    def _usual(self) -> Choices:
        """What *Reset* goes back to, with the style and the hot folder that are chosen."""
        raise NotImplementedError

    def _selected_style(self) -> str:
        return self._choices.style

    def _choose_style(self, style: str) -> None:
        self._choose(style=style)

    def _come_back(self, *_args: Any) -> bool:
        """From GIMP's window, where what is painted, or taken for a style, may have changed."""
        if self._forget_changed():
            self._changed()
        return False

    # --- widgets -----------------------------------------------------------------------------

    def _build(self) -> None:
        self._styles = StyleList(self._choose_style, self._show_note, self._open_pictures)
        self._settings = self._make_settings()
        self._preview = self._make_preview()
        self._server = ServerRow(self._installed.command, self._choose_folder, self._server_runs)
        self._note = Gtk.Label(xalign=0, wrap=True, max_width_chars=80, no_show_all=True)
        self._style_frame = GimpUi.Frame.new(_("Style"))
        self._style_frame.add(self._styles)
        left = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=8)
        left.pack_start(self._style_frame, True, True, 0)
        left.pack_start(self._pages(), False, False, 0)
        middle = Gtk.Box(spacing=18, border_width=6)
        middle.pack_start(left, True, True, 0)
        middle.pack_start(self._preview, True, True, 0)
        scrolled = Gtk.ScrolledWindow(
            propagate_natural_width=True, propagate_natural_height=True, min_content_height=160
        )
        scrolled.add(middle)
        below = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6, border_width=6)
        below.pack_start(self._note, False, False, 0)
        below.pack_start(self._server, False, False, 0)
        content = self._window.get_content_area()
        content.pack_start(scrolled, True, True, 0)
        content.pack_start(below, False, False, 0)

    def _fit_screen(self) -> None:
        """As large as the widgets like to be, but never larger than the screen."""
        window = self._window.get_window()
        area = window.get_display().get_monitor_at_window(window).get_workarea()
        _least, natural = self._window.get_preferred_size()
        self._window.resize(
            min(natural.width, area.width - ROOM_AROUND // 2),
            min(natural.height, area.height - ROOM_AROUND),
        )

    # --- what happens ------------------------------------------------------------------------

    def _choose(self, **choice: Any) -> None:
        if self._ignore_changes:
            return
        before, self._choices = self._choices, replace(self._choices, **choice)
        # What changes no stroke of it needs no new preview.
        if before.as_preview() != self._choices.as_preview():
            self._changed()
        self._update_note()

    def _changed(self) -> None:
        if not self._ignore_changes:
            can_be_painted = all(self._choices.styles) and not self._gone()
            self._show_original()
            self._preview.request(self._choices if can_be_painted else None)
            self._update_note()

    def _reset(self) -> None:
        style, hot_folder = self._choices.style, self._choices.hot_folder
        self._choices = replace(self._usual(), style=style, hot_folder=hot_folder)
        self._settings.show_choices(self._choices)
        self._ignore_changes = True
        self._show_where()
        self._ignore_changes = False
        self._changed()

    def _choose_folder(self, folder: str) -> None:
        self._choices = replace(self._choices, hot_folder=folder)
        self._refresh_styles()
        self._refresh_server()
        self._changed()

    def _server_runs(self) -> None:
        self._refresh_styles()
        self._changed()

    def _poll(self) -> bool:
        if self._image is not None and not self._image.is_valid():
            # Closed meanwhile. Whatever is asked of it now may end the plug-in.
            self._window.response(Gtk.ResponseType.CANCEL)
            return True
        self._preview.poll()
        if self._polls % POLLS_PER_SERVER_CHECK == 0:
            self._refresh_server()
        if self._polls % POLLS_PER_LIBRARY_CHECK == POLLS_PER_LIBRARY_CHECK - 1:
            before = self._gone()
            self._refresh_styles()
            if self._gone() != before:
                self._changed()
        self._polls += 1
        return True

    def _refresh_server(self) -> None:
        self._server.refresh(self._client if self._choices.hot_folder else None)

    def _refresh_styles(self) -> None:
        library = []
        if self._choices.hot_folder:
            with contextlib.suppress(ClientError):  # the row about the server says what is wrong
                styles = self._client.styles()
                library = [(style.name, style.title, style.picture) for style in styles]
        if library == self._library:
            return
        self._library = library
        self._ignore_changes = True
        chosen = self._selected_style()
        self._styles.show_styles(library, self._preferences.recent_styles())
        self._styles.choose(chosen or next((name for name, *_rest in library), ""))
        self._show_library(library)
        self._ignore_changes = False
        if not self._choices.regions and (not self._gone() or not chosen):
            # By the name with its ending, or the first one where none was chosen yet.
            self._choices = replace(self._choices, style=self._styles.style or chosen)

    def _show_library(self, library: list[tuple[str, str, Path]]) -> None:
        """The names, titles and files of the style library have changed."""

    def _gone(self) -> list[str]:
        """The pictures that are chosen and no longer there."""
        names = [name for name, *_rest in self._library or ()]
        known = {*names, *(name.rpartition(".")[0] for name in names)}

        def is_there(picture: str) -> bool:
            found, path = open_picture(picture), style_file(picture)
            if found is not None:
                return is_open(found)
            return path.is_file() if path is not None else picture in known

        chosen = [*self._choices.styles]
        if self._choices.colours == "palette" and open_picture(self._choices.palette):
            chosen.append(self._choices.palette)
        return [picture for picture in chosen if picture and not is_there(picture)]

    def _forget_changed(self) -> bool:
        """Whether a picture that is open in GIMP, and was shown here, looks otherwise now."""
        changed = self._open_pictures.forget_changed()
        if changed:
            self._library = None
            self._refresh_styles()
        return changed

    def _update_note(self) -> None:
        self._show_note(notes_on(self._image, self._choices, self._gone()))

    def _show_note(self, text: str) -> None:
        self._note.set_text(text)
        self._note.set_visible(bool(text))

    def _validate(self) -> None:
        """Raises what would end the painting at once, so that it is said here."""
        self._choices.check()
        choices = self._open_pictures.with_files(self._choices)
        resolve_styles(choices, self._client)
        resolve_palette(choices, self._client)
        if self._image is not None:
            refuse_output(self._image, self._choices)
        self._refuse_subject()
        refuse_unserved(self._client)

    @property
    def _client(self) -> Client:
        return self._client_of(self._choices.hot_folder)
