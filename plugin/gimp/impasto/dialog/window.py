"""The dialog of Filters > Artistic > Neural Style (Impasto)..."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from choices import Choices, StyledRegion
from gi.repository import GimpUi, Gtk
from i18n import _
from images.areas import area_title, areas_of
from painting.job import Exported
from painting.live_preview import LivePreview

from dialog.layer_settings import LayerSettings
from dialog.pictures import LayerPictures
from dialog.preview_pane import PreviewPane, loaded
from dialog.region_list import RegionList
from dialog.style_dialog import StyleDialog

__all__ = ["ask"]


def ask(image: Any, drawables: Any, choices: Choices, *others: Any) -> Choices | None:
    """Let the artist choose; None if nothing is to be painted.

    Args:
        others: as those of `StyleDialog`.
    """
    GimpUi.init("impasto")
    dialog = LayerDialog(image, drawables, choices, *others)
    try:
        return dialog.run()
    finally:
        dialog.close()


class LayerDialog(StyleDialog):
    """Paints a layer, what is selected of it, or regions each in a style of its own."""

    title = _("Neural Style (Impasto)")

    def __init__(self, image: Any, drawables: Any, choices: Choices, *others: Any) -> None:
        *_rest, folder = others
        self._pictures = LayerPictures(image, drawables, folder)
        super().__init__(image, choices, *others)

    def _make_settings(self) -> LayerSettings:
        return LayerSettings(
            lambda choice: self._choose(**choice), longest_side=self._pictures.longest_side
        )

    def _make_preview(self) -> PreviewPane:
        self._pictures.prepare()
        self._compared = _ComparedPreview(
            self._live, self._pictures.original(self._choices), self._changed
        )
        return self._compared

    def _pages(self) -> Any:
        self._regions = RegionList(
            self._choose_regions,
            self._select_region,
            lambda: self._styles.style,
            self._open_pictures,
        )
        self._selected_only = Gtk.CheckButton.new_with_mnemonic(_("O_nly the selection"))
        self._selected_only.connect(
            "toggled", lambda box: self._choose(selection_only=box.get_active())
        )
        where = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6, border_width=6)
        where.pack_start(self._selected_only, False, False, 0)
        where.pack_start(self._regions, True, True, 0)
        self._settings.set_border_width(6)
        self._where_title = Gtk.Label(margin_start=6, margin_end=6)
        pages = Gtk.Notebook()
        pages.append_page(
            self._settings, Gtk.Label(label=_("Painting"), margin_start=6, margin_end=6)
        )
        pages.append_page(where, self._where_title)
        pages.connect("key-press-event", self._press_key)
        return pages

    def _show_original(self) -> None:
        self._compared.show_original(self._pictures.original(self._choices))

    def _export(self, choices: Choices) -> Exported:
        return self._pictures.export(choices)

    def _refuse_subject(self) -> None:
        self._pictures.region(self._choices.selection_only, self._choices.regions)

    def _usual(self) -> Choices:
        return Choices()

    def _reset(self) -> None:
        super()._reset()
        self._select_region()

    # --- regions -----------------------------------------------------------------------------

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

    def _show_library(self, library: list[tuple[str, str, Path]]) -> None:
        self._regions.show_styles(library)

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

    def _come_back(self, *_args: Any) -> bool:
        """The layer or a mask may have been painted on too, or something selected."""
        changed = self._forget_changed()
        if self._pictures.forget_changed() and self._image.is_valid():
            self._pictures.prepare()
            self._ignore_changes = True
            self._choices = replace(self._choices, regions=self._renamed())
            self._show_where()
            self._ignore_changes = False
            changed = True
        if changed:
            self._changed()
        return False

    def _renamed(self) -> tuple[StyledRegion, ...]:
        """The regions by the names that they have now."""
        names = {(area.kind, area.tattoo): area.name for area in areas_of(self._image)}
        return tuple(
            replace(region, name=names.get((region.kind, region.tattoo), region.name))
            for region in self._choices.regions
        )


class _ComparedPreview(PreviewPane):
    """Of a layer: to be compared with the layer as it is."""

    other_label = _("_As it is")
    other_tip = _("Compare with the layer as it is")
    press_tip = _("Press to compare with the layer as it is")

    def __init__(self, live: LivePreview, original: Path, changed: Callable[[], None]) -> None:
        """`original` is a picture of what is painted."""
        self._original = loaded(original)
        super().__init__(live, changed)

    def show_original(self, original: Path) -> None:
        """The layer looks like this now; shown with the next `request`."""
        self._original = loaded(original)

    def picture(self, painted: Any, *, otherwise: bool) -> Any:
        return self._original if otherwise or painted is None else painted
