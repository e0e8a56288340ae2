"""The preview pane: the layer as it is, then as it is being painted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gtk", "3.0")
from choices import Choices
from gi.repository import GdkPixbuf, GLib, Gtk
from i18n import _
from painting.live_preview import LivePreview, PreviewState
from thumbnails import pixels_a_point, show_picture

__all__ = ["PreviewPane"]

LEAST_SIDE = 320
"""Of the picture, in pixels. It grows with the window."""


class PreviewPane(Gtk.Box):
    """Shows what a `LivePreview` sees. A press on the picture shows the layer as it is."""

    def __init__(self, live: LivePreview, original: Path, changed: Callable[[], None]) -> None:
        """`original` is a picture of what is painted; `changed` is called when it is switched."""
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._live = live
        self._original = _loaded(original)
        self._painted: Any = None
        self._shown: tuple[Path | None, int] = (None, 0)
        self._drawn: tuple[Any, tuple[int, int]] = (None, (0, 0))
        self._pressed = False
        self._image = Gtk.Image()
        self._image.get_accessible().set_name(_("Preview"))
        pressed = Gtk.EventBox(tooltip_text=_("Press to compare with the layer as it is"))
        pressed.add(self._image)
        pressed.connect("button-press-event", self._press, True)
        pressed.connect("button-release-event", self._press, False)
        # Without bars and however large the picture: so that it follows the window's size.
        frame = Gtk.ScrolledWindow(
            hscrollbar_policy=Gtk.PolicyType.EXTERNAL,
            vscrollbar_policy=Gtk.PolicyType.EXTERNAL,
            shadow_type=Gtk.ShadowType.IN,
            min_content_width=LEAST_SIDE,
            min_content_height=LEAST_SIDE,
        )
        frame.add(pressed)
        frame.connect("size-allocate", lambda *_args: GLib.idle_add(self._draw))
        self._frame = frame
        self.switch = Gtk.CheckButton.new_with_mnemonic(_("Pre_view"))
        self.switch.set_active(True)
        self.switch.connect("toggled", lambda _switch: changed())
        self._compare = Gtk.ToggleButton.new_with_mnemonic(_("_As it is"))
        self._compare.set_tooltip_text(_("Compare with the layer as it is"))
        self._compare.connect("toggled", lambda _button: self._draw())
        switches = Gtk.Box(spacing=12)
        switches.pack_start(self.switch, True, True, 0)
        switches.pack_end(self._compare, False, False, 0)
        self._bar = Gtk.ProgressBar()
        self._text = Gtk.Label(xalign=0, yalign=0, wrap=True, max_width_chars=30, width_chars=24)
        self._text.set_size_request(-1, 44)
        self.pack_start(frame, True, True, 0)
        for part in (switches, self._bar, self._text):
            self.pack_start(part, False, False, 0)

    def request(self, choices: Choices | None, original: Path) -> None:
        """Show these choices, if the preview is switched on; None: they cannot be painted."""
        self._original = _loaded(original)
        if self.switch.get_active() and choices is not None:
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
            painted = _loaded(state.picture)
            if painted is not None:
                self._shown, self._painted = key, painted
                self._draw()

    def _show_progress(self, state: PreviewState) -> None:
        text = state.text
        if not text and state.painting:
            text = _("Painting a preview")
        self._text.set_text(text)
        if state.fraction is not None:
            self._bar.set_fraction(state.fraction)
        elif state.painting:
            self._bar.pulse()
        else:
            self._bar.set_fraction(0)

    def _press(self, _widget: Any, _event: Any, pressed: bool) -> None:
        self._pressed = pressed
        self._draw()

    def _draw(self) -> None:
        compared = self._pressed or self._compare.get_active() or self._painted is None
        picture = self._original if compared else self._painted
        room = self._frame.get_allocated_width() - 4, self._frame.get_allocated_height() - 4
        if (picture, room) != self._drawn:
            self._drawn = picture, room
            pixels = pixels_a_point(self)
            fitted = _fitted(picture, *(pixels * side for side in room))
            show_picture(self._image, fitted, pixels)


def _loaded(path: Path) -> Any:
    """The picture; None if it cannot be read (yet)."""
    try:
        return GdkPixbuf.Pixbuf.new_from_file(str(path))
    except GLib.Error:
        return None


def _fitted(picture: Any, width: int, height: int) -> Any:
    if picture is None or min(width, height) < 1:
        return None
    factor = min(width / picture.get_width(), height / picture.get_height())
    size = (max(1, int(side * factor)) for side in (picture.get_width(), picture.get_height()))
    return picture.scale_simple(*size, GdkPixbuf.InterpType.BILINEAR)


def _changed_at(path: Path | None) -> int:
    try:
        return path.stat().st_mtime_ns if path is not None else 0
    except OSError:
        return 0
