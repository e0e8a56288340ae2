"""The preview pane: the layer as it is, then as it is being painted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gtk", "3.0")
from choices import Choices
from gi.repository import GdkPixbuf, GLib, Gtk
from painting.live_preview import LivePreview, PreviewState

__all__ = ["PreviewPane"]

SIDE = 360
"""Of the pane, in pixels."""


class PreviewPane(Gtk.Box):
    """Shows what a `LivePreview` sees. A press on the picture shows the layer as it is."""

    def __init__(self, live: LivePreview, original: Path, changed: Callable[[], None]) -> None:
        """`original` is a picture of what is painted; `changed` is called when it is switched."""
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._live = live
        self._original = _scaled(original)
        self._painted: Any = None
        self._shown: tuple[Path | None, int] = (None, 0)
        self._pressed = False
        self._image = Gtk.Image()
        self._image.set_size_request(SIDE, SIDE)
        self._image.get_accessible().set_name("Preview")
        pressed = Gtk.EventBox(tooltip_text="Press to compare with the layer as it is")
        pressed.add(self._image)
        pressed.connect("button-press-event", self._press, True)
        pressed.connect("button-release-event", self._press, False)
        frame = Gtk.Frame(shadow_type=Gtk.ShadowType.IN)
        frame.add(pressed)
        self._bar = Gtk.ProgressBar()
        self._text = Gtk.Label(xalign=0, wrap=True, lines=4, max_width_chars=40)
        self._text.set_size_request(SIDE, 56)
        self._text.set_yalign(0)
        self.switch = Gtk.CheckButton.new_with_mnemonic("Pre_view")
        self.switch.set_active(True)
        self.switch.connect("toggled", lambda _: changed())
        for part in (frame, self.switch, self._bar, self._text):
            self.pack_start(part, False, False, 0)
        self._draw()

    def request(self, choices: Choices, original: Path | None = None) -> None:
        """Show these choices, if the preview is switched on and there is a style."""
        if original is not None:
            self._original = _scaled(original)
        if self.switch.get_active() and choices.style:
            self._live.request(choices)
        else:
            self._live.stop()
            self._painted = None
        self._draw()

    def poll(self) -> None:
        """Show what has happened since."""
        state = self._live.poll()
        self._show_progress(state)
        key = (state.picture, _changed_at(state.picture))
        if state.picture is not None and key != self._shown and self.switch.get_active():
            painted = _scaled(state.picture)
            if painted is not None:
                self._shown, self._painted = key, painted
                self._draw()

    def _show_progress(self, state: PreviewState) -> None:
        text = state.text
        if not text and state.painting:
            text = "Painting a preview"
        self._text.set_text(text)
        if state.fraction is not None:
            self._bar.set_fraction(state.fraction)
        elif state.painting:
            self._bar.pulse()
        else:
            self._bar.set_fraction(0)

    def _press(self, _: Any, __: Any, pressed: bool) -> None:
        self._pressed = pressed
        self._draw()

    def _draw(self) -> None:
        show_original = self._pressed or self._painted is None
        self._image.set_from_pixbuf(self._original if show_original else self._painted)


def _scaled(path: Path) -> Any:
    """The picture as large as fits into the pane; None if it cannot be read (yet)."""
    try:
        return GdkPixbuf.Pixbuf.new_from_file_at_scale(str(path), SIDE, SIDE, True)
    except GLib.Error:
        return None


def _changed_at(path: Path | None) -> int:
    try:
        return path.stat().st_mtime_ns if path is not None else 0
    except OSError:
        return 0
