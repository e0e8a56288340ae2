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

__all__ = ["PreviewPane", "loaded"]

LEAST_SIDE = 320
"""Of the picture, in pixels. It grows with the window."""


class PreviewPane(Gtk.Box):
    """Shows what a `LivePreview` sees. A press on the picture shows it otherwise, as long as it is
    pressed; so does a button."""

    other_label: str
    other_tip: str
    press_tip: str

    def __init__(self, live: LivePreview, changed: Callable[[], None]) -> None:
        """`changed` is called when the preview is switched on or off."""
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._live = live
        self._painted: Any = None
        self._shown: tuple[Path | None, int] = (None, 0)
        self._drawn: tuple[Any, tuple[int, int]] = (None, (0, 0))
        self._pressed = False
        self._image = Gtk.Image()
        self._image.get_accessible().set_name(_("Preview"))
        pressed = Gtk.EventBox(tooltip_text=self.press_tip)
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
        self._other = Gtk.ToggleButton.new_with_mnemonic(self.other_label)
        self._other.set_tooltip_text(self.other_tip)
        self._other.connect("toggled", lambda _button: self._draw())
        switches = Gtk.Box(spacing=12)
        switches.pack_start(self.switch, True, True, 0)
        switches.pack_end(self._other, False, False, 0)
        self._bar = Gtk.ProgressBar()
        self._text = Gtk.Label(xalign=0, yalign=0, wrap=True, max_width_chars=30, width_chars=24)
        self._text.set_size_request(-1, 44)
        self.pack_start(frame, True, True, 0)
        for part in (switches, self._bar, self._text):
            self.pack_start(part, False, False, 0)

    def picture(self, painted: Any, *, otherwise: bool) -> Any:
        """What is shown.

        Args:
            painted: what is painted by now; None: nothing.
            otherwise: whether it is to be shown otherwise.
        """
        raise NotImplementedError

    def request(self, choices: Choices | None) -> None:
        """Show these choices, if the preview is switched on; None: they cannot be painted."""
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
            painted = loaded(state.picture)
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
        otherwise = self._pressed or self._other.get_active()
        picture = self.picture(self._painted, otherwise=otherwise)
        room = self._frame.get_allocated_width() - 4, self._frame.get_allocated_height() - 4
        if (picture, room) != self._drawn:
            self._drawn = picture, room
            pixels = pixels_a_point(self)
            fitted = _fitted(picture, *(pixels * side for side in room))
            show_picture(self._image, fitted, pixels)


def loaded(path: Path) -> Any:
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
