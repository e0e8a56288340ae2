"""The dialog of Filters > Artistic > Texture (Impasto)..."""

from collections.abc import Callable
from typing import Any

import gi

gi.require_version("GimpUi", "3.0")
from choices import Choices
from gi.repository import GdkPixbuf, GimpUi
from i18n import _
from painting.job import Exported
from painting.live_preview import LivePreview

from dialog.preview_pane import PreviewPane
from dialog.style_dialog import StyleDialog
from dialog.texture_settings import TextureSettings

__all__ = ["ask_for_texture"]


def ask_for_texture(image: Any, choices: Choices, *others: Any) -> Choices | None:
    """Let the artist choose; None if nothing is to be painted.

    Args:
        image: the one that is open; None: the texture gets an image of its own.
        others: as those of `StyleDialog`.
    """
    GimpUi.init("impasto")
    dialog = TextureDialog(image, choices, *others)
    try:
        return dialog.run()
    finally:
        dialog.close()


class TextureDialog(StyleDialog):
    """Paints a style alone, at any size."""

    title = _("Texture (Impasto)")

    def _make_settings(self) -> TextureSettings:
        return TextureSettings(
            lambda choice: self._choose(**choice), has_image=self._image is not None
        )

    def _make_preview(self) -> PreviewPane:
        return _RepeatedPreview(self._live, self._changed)

    def _pages(self) -> Any:
        self._settings.set_border_width(6)
        return self._settings

    def _export(self, choices: Choices) -> Exported:
        return Exported(None, choices.width, choices.height)

    def _usual(self) -> Choices:
        output = Choices.output if self._image is not None else "image"
        return Choices(texture=True, output=output)


class _RepeatedPreview(PreviewPane):
    """Of a texture: to be seen beside itself, where its seams show."""

    other_label = _("Side _by side")
    other_tip = _("Show four copies, to see whether there are seams")
    press_tip = _("Press to see four copies")

    def __init__(self, live: LivePreview, changed: Callable[[], None]) -> None:
        self._repeated: tuple[Any, Any] = (None, None)
        super().__init__(live, changed)

    def picture(self, painted: Any, *, otherwise: bool) -> Any:
        if painted is None or not otherwise:
            return painted
        if self._repeated[0] is not painted:
            self._repeated = painted, _repeated(painted)
        return self._repeated[1]


def _repeated(picture: Any) -> Any:
    """Two by two copies."""
    width, height = picture.get_width(), picture.get_height()
    whole = GdkPixbuf.Pixbuf.new(
        picture.get_colorspace(), picture.get_has_alpha(), 8, 2 * width, 2 * height
    )
    for x in (0, width):
        for y in (0, height):
            picture.copy_area(0, 0, width, height, whole, x, y)
    return whole
