"""The dialog of Filters > Artistic > Neural Style (Impasto)..."""

import contextlib
import functools
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from choices import Choices, Refusal
from client import Client, ClientError
from gi.repository import Gimp, GimpUi, GLib, Gtk
from i18n import _
from images.layers import refuse_output
from images.reduced import look_of
from images.region import Region, offsets
from messages import explain
from painting.job import refuse_unserved, resolve_style
from painting.live_preview import LivePreview
from preferences import Installation, Preferences

from dialog.preview_pane import PreviewPane
from dialog.server_row import ServerRow
from dialog.settings_grid import SettingsGrid
from dialog.style_list import StyleList

__all__ = ["ask"]

POLL_MS = 200
POLLS_PER_SERVER_CHECK = 5
"""Every so many looks, one at the server."""

POLLS_PER_LIBRARY_CHECK = 25
"""The same for the styles: pictures come into the library, and go."""

EXPORT_SIDE = 512
"""Longest side of the picture that is shown, and sent for the preview: the preset paints at 256."""

ROOM_AROUND = 100
"""Pixels of the screen that a window leaves free: its title, the desktop's panel."""


def ask(
    image: Any,
    drawables: Any,
    choices: Choices,
    installed: Installation,
    preferences: Preferences,
    folder: Path,
) -> Choices | None:
    """Let the artist choose; None if nothing is to be painted.

    Args:
        folder: a temporary one, for the preview's pictures.
    """
    GimpUi.init("impasto")
    dialog = _Dialog(image, drawables, choices, installed, preferences, folder)
    try:
        return dialog.run()
    finally:
        dialog.close()


class _Dialog:
    def __init__(
        self,
        image: Any,
        drawables: Any,
        choices: Choices,
        installed: Installation,
        preferences: Preferences,
        folder: Path,
    ) -> None:
        self._image = image
        self._drawables = drawables
        self._installed = installed
        self._preferences = preferences
        self._folder = folder
        self._choices = choices.as_shown()
        self._client_of = functools.cache(Client)
        """One for each hot folder: it remembers its looks at the server's heartbeat."""
        self._library: list[tuple[str, str, Path]] | None = None
        self._exports: dict[bool, tuple[Path, tuple[int, int]]] = {}
        """Pictures of the layer, and of what is selected of it, with their sizes."""
        self._sight = self._look()
        self._polls = 0
        self._ignore_changes = True
        self._live = LivePreview(self._export, folder, self._client_of)
        self._window = GimpUi.Dialog(title=_("Neural Style (Impasto)"), role="impasto")
        self._window.add_button(_("_Reset"), Gtk.ResponseType.REJECT)
        self._window.add_button(_("_Cancel"), Gtk.ResponseType.CANCEL)
        self._window.add_button(_("_Paint"), Gtk.ResponseType.OK)
        self._window.set_default_response(Gtk.ResponseType.OK)
        GimpUi.window_set_transient(self._window)
        self._build()
        self._settings.show_choices(self._choices)
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

    # --- widgets -----------------------------------------------------------------------------

    def _build(self) -> None:
        self._styles = StyleList(lambda style: self._choose(style=style), self._show_note)
        self._settings = SettingsGrid(
            lambda choice: self._choose(**choice),
            longest_side=self._longest_side(),
            has_selection=self._has_selection(),
        )
        self._prepare()
        self._preview = PreviewPane(self._live, self._original(), self._changed)
        self._server = ServerRow(self._installed.command, self._choose_folder, self._server_runs)
        self._note = Gtk.Label(xalign=0, wrap=True, max_width_chars=80, no_show_all=True)
        left = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12)
        left.pack_start(_titled(_("Style"), self._styles), True, True, 0)
        left.pack_start(_titled(_("Painting"), self._settings), False, False, 0)
        middle = Gtk.Box(spacing=18, border_width=12)
        middle.pack_start(left, True, True, 0)
        middle.pack_start(self._preview, True, True, 0)
        scrolled = Gtk.ScrolledWindow(
            propagate_natural_width=True, propagate_natural_height=True, min_content_height=160
        )
        scrolled.add(middle)
        below = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6, border_width=12)
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
        if _as_previewed(before) != _as_previewed(self._choices):
            self._changed()
        self._update_note()

    def _changed(self) -> None:
        if not self._ignore_changes:
            self._preview.request(
                self._choices if self._style_is_there() else replace(self._choices, style=""),
                self._original(),
            )
            self._update_note()

    def _reset(self) -> None:
        self._choices = Choices(style=self._choices.style, hot_folder=self._choices.hot_folder)
        self._settings.show_choices(self._choices)
        self._changed()

    def _choose_folder(self, folder: str) -> None:
        self._choices = replace(self._choices, hot_folder=folder)
        self._refresh_styles()
        self._refresh_server()
        self._changed()

    def _server_runs(self) -> None:
        self._refresh_styles()
        self._changed()

    def _look(self) -> tuple[Any, ...]:
        """What the pictures of the layer depend on. Whatever is asked of one that is gone may end
        the plug-in."""
        layer = self._drawables[0]
        if not (self._image.is_valid() and layer.is_valid() and layer.is_layer()):
            return ()
        return look_of(layer), offsets(layer), *Gimp.Selection.bounds(self._image)

    def _come_back(self, *_args: Any) -> bool:
        """From GIMP's window, where the layer may have been painted on, or something selected."""
        sight = self._look()
        if sight != self._sight:
            self._sight = sight
            self._exports.clear()
            self._prepare()
            self._settings.show_selection(exists=self._has_selection())
            self._changed()
        return False

    def _has_selection(self) -> bool:
        return self._image.is_valid() and not Gimp.Selection.is_empty(self._image)

    def _poll(self) -> bool:
        if not self._image.is_valid():
            # Closed meanwhile. Whatever is asked of it now may end the plug-in.
            self._window.response(Gtk.ResponseType.CANCEL)
            return True
        self._preview.poll()
        if self._polls % POLLS_PER_SERVER_CHECK == 0:
            self._refresh_server()
        if self._polls % POLLS_PER_LIBRARY_CHECK == POLLS_PER_LIBRARY_CHECK - 1:
            was_there = self._style_is_there()
            self._refresh_styles()
            if self._style_is_there() != was_there:
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
        chosen = self._choices.style
        self._styles.show_styles(library, self._preferences.recent_styles())
        self._styles.choose(chosen or next((name for name, *_rest in library), ""))
        self._ignore_changes = False
        if self._style_is_there() or not chosen:
            # By the name with its ending, or the first one where none was chosen yet.
            self._choices = replace(self._choices, style=self._styles.style or chosen)

    def _style_is_there(self) -> bool:
        choices = self._choices
        if choices.style_is_file:
            return choices.style_path.is_file()
        return any(
            choices.style in (name, name.rpartition(".")[0]) for name, *_rest in self._library or ()
        )

    def _update_note(self) -> None:
        """Say beforehand what will not be as the artist may expect."""
        image, notes = self._image, []
        base = image.get_base_type()
        if self._choices.style and not self._style_is_there():
            notes.append(
                _("The style {style} is no longer there. Choose another one.").format(
                    style=self._choices.style_name
                )
            )
        if self._choices.output == "layer":
            if base == Gimp.ImageBaseType.GRAY:
                notes.append(
                    _("The image is grey, and so will the new layer be. A new image keeps colours.")
                )
            elif base == Gimp.ImageBaseType.INDEXED:
                notes.append(
                    _(
                        "The image has a palette, into which a painting does not fit. Choose the "
                        "output New image, or Image > Mode > RGB first."
                    )
                )
        if image.get_precision().value_nick.partition("-")[0] in ("half", "float", "double"):
            notes.append(_("What is brighter than white (values above 1.0) is painted white."))
        profile = image.get_color_profile()
        if profile is not None and profile.is_rgb() and "sRGB" not in profile.get_label():
            notes.append(_("Colours outside of sRGB are painted as the nearest ones in it."))
        if image.get_simulation_profile() is not None:
            notes.append(_("The image's own colours are painted, not those of its soft proof."))
        self._show_note("\n".join(notes))

    def _show_note(self, text: str) -> None:
        self._note.set_text(text)
        self._note.set_visible(bool(text))

    def _validate(self) -> None:
        """Raises what would end the painting at once, so that it is said here."""
        self._choices.check()
        resolve_style(self._choices, self._client)
        refuse_output(self._image, self._choices)
        self._region(self._choices.selection_only)
        refuse_unserved(self._client)

    @property
    def _client(self) -> Client:
        return self._client_of(self._choices.hot_folder)

    # --- pictures ----------------------------------------------------------------------------

    def _export(self, choices: Choices, path: Path) -> tuple[int, int]:
        """What is painted, small: exported once, since that takes seconds of a large layer."""
        original, size = self._exported(choices.selection_only)
        shutil.copyfile(original, path)
        return size

    def _exported(self, selection_only: bool) -> tuple[Path, tuple[int, int]]:
        if selection_only not in self._exports:
            path = self._folder / f"original-{selection_only}.png"
            size = self._region(selection_only).export(path, EXPORT_SIDE)
            self._exports[selection_only] = path, size
        return self._exports[selection_only]

    def _region(self, selection_only: bool) -> Region:
        return Region(
            self._image, self._drawables, selection_only=selection_only, keep_selection=False
        )

    def _prepare(self) -> None:
        """Make both pictures, so that no switch between them stands still."""
        for selection_only in (True, False) if self._has_selection() else ():
            with contextlib.suppress(Refusal):
                self._exported(selection_only)

    def _original(self) -> Path:
        """A picture of what is painted; there is none where it cannot be."""
        with contextlib.suppress(Refusal):  # said when it is previewed or painted
            self._exported(self._choices.selection_only)
        return self._folder / f"original-{self._choices.selection_only}.png"

    def _longest_side(self) -> int:
        layer = self._drawables[0]
        return max(layer.get_width(), layer.get_height())


def _as_previewed(choices: Choices) -> Choices:
    """Without what a preview does not show."""
    return replace(choices, output="", size=0, seconds=0, preset="")


def _titled(title: str, child: Any) -> Any:
    frame = GimpUi.Frame.new(title)
    frame.add(child)
    return frame
