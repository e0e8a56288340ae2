"""The dialog of Filters > Artistic > Import finished Impasto results..."""

from typing import Any

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from choices import Refusal
from client import ClientError, Finished
from gi.repository import GimpUi, GLib, Gtk
from i18n import _
from messages import explain
from pictures import is_text
from thumbnails import Thumbnails

from results.outbox import insert_results, open_results, results_in

__all__ = ["choose_and_import"]

SIDE = 128
REFRESH_SECONDS = 2

INSERT, OPEN = 1, 2
"""Responses."""


def choose_and_import(hot_folder: str, image: Any) -> int | None:
    """Let the artist choose results; how many were imported, or None if none was to be."""
    GimpUi.init("impasto")
    dialog = _Dialog(hot_folder, image)
    try:
        return dialog.run()
    finally:
        dialog.close()


class _Dialog:
    def __init__(self, hot_folder: str, image: Any) -> None:
        self._hot_folder = hot_folder
        self._image = image
        self._results: list[Finished] = []
        self._window = GimpUi.Dialog(
            title=_("Import finished Impasto results"), role="impasto-import"
        )
        self._window.add_button(_("_Close"), Gtk.ResponseType.CLOSE)
        self._open = self._window.add_button(_("_Open as images"), OPEN)
        self._insert = self._window.add_button(_("_Insert as layers"), INSERT)
        self._window.set_default_response(INSERT if image is not None else OPEN)
        self._window.set_default_size(680, 480)
        GimpUi.window_set_transient(self._window)
        self._icons = Thumbnails(
            _("Results"), SIDE, item_width=SIDE + 12, selection_mode=Gtk.SelectionMode.MULTIPLE
        )
        self._icons.connect("selection-changed", lambda *_args: self._enable())
        scrolled = Gtk.ScrolledWindow(shadow_type=Gtk.ShadowType.IN)
        scrolled.add(self._icons)
        self._text = Gtk.Label(xalign=0, wrap=True, max_width_chars=80)
        content = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12, border_width=12)
        content.pack_start(scrolled, True, True, 0)
        content.pack_start(self._text, False, False, 0)
        self._window.get_content_area().pack_start(content, True, True, 0)
        self._window.show_all()
        self._refresh()
        self._enable()
        self._timer = GLib.timeout_add_seconds(REFRESH_SECONDS, self._refresh)

    def run(self) -> int | None:
        while True:
            response = self._window.run()
            if response not in (INSERT, OPEN):
                return None
            chosen = self._chosen()
            try:
                if response == INSERT:
                    insert_results(self._hot_folder, chosen, self._image)
                else:
                    open_results(self._hot_folder, chosen)
            except (Refusal, ClientError) as error:
                self._text.set_text(explain(error))
            else:
                return len(chosen)

    def close(self) -> None:
        GLib.source_remove(self._timer)
        self._window.destroy()

    def _refresh(self) -> bool:
        """Show what the outbox holds by now."""
        try:
            results = [each for each in results_in(self._hot_folder) if is_text(each.name)]
        except (Refusal, ClientError) as error:
            self._text.set_text(explain(error))
            return True
        if results != self._results:
            self._show(results)
        elif not results:
            self._text.set_text(
                _("Nothing has been painted in {folder} yet.").format(folder=self._hot_folder)
            )
        return True

    def _show(self, results: list[Finished]) -> None:
        chosen = self._icons.chosen
        self._results = results
        self._icons.clear()
        for result in results:
            painted = f"{result.time:%Y-%m-%d %H:%M}"
            self._icons.add(
                result.name,
                f"{result.name}\n{painted}",
                _("{name}, painted {time}").format(name=result.picture.name, time=painted),
                result.preview or result.picture,
            )
            if result.name in chosen:
                self._icons.choose(result.name)
        self._text.set_text(_("Painted in {folder}").format(folder=self._hot_folder))

    def _chosen(self) -> list[Finished]:
        names = set(self._icons.chosen)
        return [result for result in self._results if result.name in names]

    def _enable(self) -> None:
        chosen = bool(self._icons.chosen)
        self._open.set_sensitive(chosen)
        self._insert.set_sensitive(chosen and self._image is not None)
