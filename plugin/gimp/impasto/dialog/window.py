"""The dialog of Filters > Artistic > Neural Style (Impasto)..."""

import contextlib
import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from choices import Choices, Refusal, StyledRegion, style_file
from client import Client, ClientError
from gi.repository import GimpUi, GLib, Gtk
from i18n import _
from images.areas import area_title, areas_of
from images.layers import refuse_output
from messages import explain
from painting.job import refuse_unserved, resolve_palette, resolve_styles
from painting.live_preview import LivePreview
from preferences import Installation, Preferences

from dialog.notes import notes_on
from dialog.pictures import LayerPictures
from dialog.preview_pane import PreviewPane
from dialog.region_list import RegionList
from dialog.server_row import ServerRow
from dialog.settings_grid import SettingsGrid
from dialog.style_list import StyleList

__all__ = ["ask"]

POLL_MS = 200
POLLS_PER_SERVER_CHECK = 5
"""Every so many looks, one at the server."""

POLLS_PER_LIBRARY_CHECK = 25
"""The same for the styles: pictures come into the library, and go."""

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
        self._choices = choices.as_shown()
        self._client_of = functools.cache(Client)
        """One for each hot folder: it remembers its looks at the server's heartbeat."""
        self._library: list[tuple[str, str, Path]] | None = None
        self._pictures = LayerPictures(image, drawables, folder)
        self._polls = 0
        self._ignore_changes = True
        self._live = LivePreview(
            lambda choices, _folder: self._pictures.export(choices), folder, self._client_of
        )
        self._window = GimpUi.Dialog(title=_("Neural Style (Impasto)"), role="impasto")
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

    # --- widgets -----------------------------------------------------------------------------

    def _build(self) -> None:
        self._styles = StyleList(self._choose_style, self._show_note)
        self._settings = SettingsGrid(
            lambda choice: self._choose(**choice), longest_side=self._pictures.longest_side
        )
        self._regions = RegionList(
            self._choose_regions, self._select_region, lambda: self._styles.style
        )
        self._selected_only = Gtk.CheckButton.new_with_mnemonic(_("O_nly the selection"))
        self._selected_only.connect(
            "toggled", lambda box: self._choose(selection_only=box.get_active())
        )
        self._pictures.prepare()
        original = self._pictures.original(self._choices)
        self._preview = PreviewPane(self._live, original, self._changed)
        self._server = ServerRow(self._installed.command, self._choose_folder, self._server_runs)
        self._note = Gtk.Label(xalign=0, wrap=True, max_width_chars=80, no_show_all=True)
        where = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6, border_width=6)
        where.pack_start(self._selected_only, False, False, 0)
        where.pack_start(self._regions, True, True, 0)
        self._settings.set_border_width(6)
        self._where_title = Gtk.Label(margin_start=6, margin_end=6)
        self._pages = Gtk.Notebook()
        self._pages.append_page(
            self._settings, Gtk.Label(label=_("Painting"), margin_start=6, margin_end=6)
        )
        self._pages.append_page(where, self._where_title)
        self._pages.connect("key-press-event", self._press_key)
        self._style_frame = _titled(_("Style"), self._styles)
        left = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=8)
        left.pack_start(self._style_frame, True, True, 0)
        left.pack_start(self._pages, False, False, 0)
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
        if _as_previewed(before) != _as_previewed(self._choices):
            self._changed()
        self._update_note()

    def _changed(self) -> None:
        if not self._ignore_changes:
            can_be_painted = all(self._choices.styles) and not self._gone()
            self._preview.request(
                self._choices if can_be_painted else None, self._pictures.original(self._choices)
            )
            self._update_note()

    def _choose_style(self, style: str) -> None:
        """For the selected region, or for all where there are none."""
        if self._ignore_changes:
            return
        if self._choices.regions:
            self._regions.choose_style(style)
        else:
            self._choose(style=style)

    def _choose_regions(self, regions: tuple[StyledRegion, ...]) -> None:
        self._choose(regions=regions)
        self._name_regions()

    def _select_region(self) -> None:
        """Show its style in the list of the styles."""
        self._ignore_changes = True
        style = self._selected_style()
        if style:
            self._styles.choose(style)
        self._ignore_changes = False
        self._name_regions()

    def _selected_style(self) -> str:
        at = self._regions.selected
        return self._choices.style if at is None else self._choices.regions[at].style

    def _name_regions(self) -> None:
        """In the titles: whose style is chosen, and how many regions there are."""
        at, count = self._regions.selected, len(self._choices.regions)
        title = _("Style")
        if at is not None:
            title = _("Style of {region}").format(region=area_title(self._choices.regions[at]))
        self._style_frame.set_label(title)
        where = f"{_('_Where')} ({count})" if count else _("_Where")
        self._where_title.set_text_with_mnemonic(where)

    def _show_where(self) -> None:
        exists = self._pictures.has_selection
        self._selected_only.set_active(self._choices.selection_only)
        self._selected_only.set_sensitive(exists)
        self._selected_only.set_tooltip_text(None if exists else _("Nothing is selected"))
        selected = self._regions.selected or 0
        self._regions.show_regions(self._choices.regions, areas_of(self._image), selected)
        self._name_regions()

    def _press_key(self, pages: Any, event: Any) -> bool:
        return pages.get_current_page() == 1 and self._regions.press_key(event)

    def _reset(self) -> None:
        self._choices = Choices(style=self._choices.style, hot_folder=self._choices.hot_folder)
        self._settings.show_choices(self._choices)
        self._ignore_changes = True
        self._show_where()
        self._ignore_changes = False
        self._select_region()
        self._changed()

    def _choose_folder(self, folder: str) -> None:
        self._choices = replace(self._choices, hot_folder=folder)
        self._refresh_styles()
        self._refresh_server()
        self._changed()

    def _server_runs(self) -> None:
        self._refresh_styles()
        self._changed()

    def _come_back(self, *_args: Any) -> bool:
        """From GIMP's window, where the layer or a mask may have been painted on, or something
        selected."""
        if self._pictures.forget_changed() and self._image.is_valid():
            self._pictures.prepare()
            self._ignore_changes = True
            self._choices = replace(self._choices, regions=self._renamed())
            self._show_where()
            self._ignore_changes = False
            self._changed()
        return False

    def _renamed(self) -> tuple[StyledRegion, ...]:
        """The regions by the names that they have now."""
        names = {(area.kind, area.tattoo): area.name for area in areas_of(self._image)}
        return tuple(
            replace(region, name=names.get((region.kind, region.tattoo), region.name))
            for region in self._choices.regions
        )

    def _poll(self) -> bool:
        if not self._image.is_valid():
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
        self._regions.show_styles(library)
        self._ignore_changes = False
        if not self._choices.regions and (not self._gone() or not chosen):
            # By the name with its ending, or the first one where none was chosen yet.
            self._choices = replace(self._choices, style=self._styles.style or chosen)

    def _gone(self) -> list[str]:
        """The styles that are chosen and no longer there."""
        names = [name for name, *_rest in self._library or ()]
        known = {*names, *(name.rpartition(".")[0] for name in names)}

        def is_there(style: str) -> bool:
            path = style_file(style)
            return path.is_file() if path is not None else style in known

        return [style for style in self._choices.styles if style and not is_there(style)]

    def _update_note(self) -> None:
        self._show_note(notes_on(self._image, self._choices, self._gone()))

    def _show_note(self, text: str) -> None:
        self._note.set_text(text)
        self._note.set_visible(bool(text))

    def _validate(self) -> None:
        """Raises what would end the painting at once, so that it is said here."""
        self._choices.check()
        resolve_styles(self._choices, self._client)
        resolve_palette(self._choices, self._client)
        refuse_output(self._image, self._choices)
        self._pictures.region(self._choices.selection_only, self._choices.regions)
        refuse_unserved(self._client)

    @property
    def _client(self) -> Client:
        return self._client_of(self._choices.hot_folder)


def _as_previewed(choices: Choices) -> Choices:
    """Without what a preview does not show."""
    return replace(choices, output="", size=0, seconds=0, preset="")


def _titled(title: str, child: Any) -> Any:
    frame = GimpUi.Frame.new(title)
    frame.add(child)
    return frame
