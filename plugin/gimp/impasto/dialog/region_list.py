"""Where is painted: what is selected, and the list of the regions with styles of their own."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from choices import StyledRegion
from gi.repository import Gdk, Gtk, Pango
from i18n import _
from images.areas import area_title
from images.open_pictures import OpenPictures
from options import MAX_REGIONS
from pictures import picture_title
from thumbnails import pixels_a_point, show_picture, thumbnail

__all__ = ["RegionList"]

SIDE = 28
"""Of a style's thumbnail, in pixels."""

LEAST_HEIGHT = 96


class RegionList(Gtk.Box):
    """The regions in their order; one of them is selected, and it gets the style that is chosen."""

    def __init__(
        self,
        changed: Callable[[tuple[StyledRegion, ...]], None],
        selected: Callable[[], None],
        current_style: Callable[[], str],
        open_pictures: OpenPictures,
    ) -> None:
        """
        Args:
            changed: is called with the regions after each change of them.
            selected: is called when another one is selected.
            current_style: the style that a new region begins with.
        """
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._changed = changed
        self._selected = selected
        self._current_style = current_style
        self._open_pictures = open_pictures
        self._regions: list[StyledRegion] = []
        self._areas: list[StyledRegion] = []
        self._library: dict[str, tuple[str, Path]] = {}
        self._ignore_changes = False
        self._list = Gtk.ListBox(selection_mode=Gtk.SelectionMode.BROWSE)
        self._list.get_accessible().set_name(_("Regions"))
        self._list.connect("row-selected", self._on_select)
        self._hint = Gtk.Label(wrap=True, max_width_chars=40, margin=12)
        self._hint.show()
        self._list.set_placeholder(self._hint)
        scrolled = Gtk.ScrolledWindow(
            hscrollbar_policy=Gtk.PolicyType.NEVER,
            shadow_type=Gtk.ShadowType.IN,
            min_content_height=LEAST_HEIGHT,
        )
        scrolled.add(self._list)
        self._add, self._remove, self._up, self._down = buttons = (
            _button("list-add-symbolic", _("Add a region (Insert)"), self.add_region),
            _button("list-remove-symbolic", _("Remove the region (Delete)"), self.remove_selected),
            _button("go-up-symbolic", _("Move the region up (Alt+Up)"), lambda: self._move(-1)),
            _button(
                "go-down-symbolic", _("Move the region down (Alt+Down)"), lambda: self._move(1)
            ),
        )
        row = Gtk.Box(spacing=6)
        for button in buttons:
            row.pack_start(button, False, False, 0)
        self.pack_start(scrolled, True, True, 0)
        self.pack_start(row, False, False, 0)

    @property
    def selected(self) -> int | None:
        """The selected region's place in the list; None if there is none."""
        row = self._list.get_selected_row()
        return row.get_index() if row is not None else None

    def show_regions(
        self, regions: Sequence[StyledRegion], areas: Sequence[StyledRegion], select: int = 0
    ) -> None:
        """Show these regions, to be chosen among the areas of the image."""
        self._ignore_changes = True
        self._regions, self._areas = list(regions), list(areas)
        for row in self._list.get_children():
            row.destroy()
        for region in regions:
            self._list.add(_Row(region, areas, self._choose_area))
        self._list.show_all()
        self._show_pictures()
        if regions:
            row = self._list.get_row_at_index(min(select, len(regions) - 1))
            self._list.select_row(row)
        hint = (
            _("All is painted in one style. Add regions to paint each in a style of its own.")
            if areas
            else _(
                "All is painted in one style. For regions with styles of their own the image needs "
                "channels or layer masks: Select > Save to Channel makes one."
            )
        )
        self._hint.set_text(hint)
        self._list.get_accessible().set_description("" if regions else hint)
        self._enable()
        self._ignore_changes = False

    def show_styles(self, library: Sequence[tuple[str, str, Path]]) -> None:
        """The names, titles and files of the style library."""
        self._library = {name: (title, path) for name, title, path in library}
        self._show_pictures()

    def choose_style(self, style: str) -> None:
        """Give the selected region a style."""
        at = self.selected
        if at is not None and self._regions[at].style != style:
            self._regions[at] = replace(self._regions[at], style=style)
            self._show_pictures()
            self._changed(tuple(self._regions))

    def press_key(self, event: Any) -> bool:
        """What the keys do that the buttons name; whether this was one of them."""
        alt = bool(event.state & Gdk.ModifierType.MOD1_MASK)
        keys: dict[tuple[int, bool], Callable[[], None]] = {
            (Gdk.KEY_Insert, False): self.add_region,
            (Gdk.KEY_Delete, False): self.remove_selected,
            (Gdk.KEY_Up, True): lambda: self._move(-1),
            (Gdk.KEY_Down, True): lambda: self._move(1),
        }
        work = keys.get((event.keyval, alt))
        if work is None:
            return False
        work()
        return True

    def add_region(self) -> None:
        """Add the first area that is not in the list yet."""
        if not self._add.get_sensitive():
            return
        used = [replace(region, style="") for region in self._regions]
        area = next((each for each in self._areas if each not in used), self._areas[0])
        self._regions.append(replace(area, style=self._current_style()))
        self._rebuild(len(self._regions) - 1)

    def remove_selected(self) -> None:
        at = self.selected
        if at is not None:
            del self._regions[at]
            self._rebuild(at)

    def _move(self, by: int) -> None:
        at = self.selected
        if at is not None and 0 <= at + by < len(self._regions):
            self._regions.insert(at + by, self._regions.pop(at))
            self._rebuild(at + by)

    def _rebuild(self, select: int) -> None:
        self.show_regions(self._regions, self._areas, select)
        row = self._list.get_selected_row()
        if row is not None:
            row.grab_focus()
        self._changed(tuple(self._regions))
        self._selected()

    def _choose_area(self, row: Any, area: StyledRegion) -> None:
        at = row.get_index()
        self._regions[at] = replace(area, style=self._regions[at].style)
        self._list.select_row(row)
        self._changed(tuple(self._regions))

    def _on_select(self, *_args: Any) -> None:
        self._enable()
        if not self._ignore_changes:
            self._selected()

    def _enable(self) -> None:
        at, count = self.selected, len(self._regions)
        self._add.set_sensitive(bool(self._areas) and count < MAX_REGIONS)
        self._remove.set_sensitive(at is not None)
        self._up.set_sensitive(at is not None and at > 0)
        self._down.set_sensitive(at is not None and at < count - 1)

    def _show_pictures(self) -> None:
        for row, region in zip(self._list.get_children(), self._regions, strict=True):
            row.show_style(*self._style(region.style))

    def _style(self, style: str) -> tuple[str, Path | None]:
        """Its title and its picture."""
        stems = {name.rpartition(".")[0]: found for name, found in self._library.items()}
        known = self._library.get(style) or stems.get(style)
        return known or (
            picture_title(style) or _("No style"),
            self._open_pictures.file_shown(style),
        )


class _Row(Gtk.ListBoxRow):
    """One region: its area, to be chosen, and its style."""

    def __init__(
        self,
        region: StyledRegion,
        areas: Sequence[StyledRegion],
        choose: Callable[[Any, StyledRegion], None],
    ) -> None:
        super().__init__()
        area = replace(region, style="")
        choices = [*areas] if area in areas else [area, *areas]
        self._name = area_title(area)
        self._shown: tuple[str, Path | None] | None = None
        self._picture = Gtk.Image()
        self._style = Gtk.Label(
            xalign=0, ellipsize=Pango.EllipsizeMode.END, width_chars=10, max_width_chars=20
        )
        self._areas = Gtk.ComboBoxText()
        self._areas.get_accessible().set_name(_("Channel or mask"))
        for cell in self._areas.get_cells():
            cell.set_property("ellipsize", Pango.EllipsizeMode.END)
            cell.set_property("width-chars", 16)
        for each in choices:
            self._areas.append_text(area_title(each))
        self._areas.set_active(choices.index(area))

        def changed(box: Any) -> None:
            self._name = area_title(choices[box.get_active()])
            choose(self, choices[box.get_active()])

        self._areas.connect("changed", changed)
        content = Gtk.Box(spacing=8, border_width=3)
        content.pack_start(self._areas, True, True, 0)
        content.pack_start(self._picture, False, False, 0)
        content.pack_start(self._style, True, True, 0)
        self._picture.set_size_request(SIDE, SIDE)
        self.add(content)

    def show_style(self, title: str, picture: Path | None) -> None:
        if (title, picture) == self._shown:
            return
        self._shown = title, picture
        self._style.set_text(title)
        self.get_accessible().set_name(f"{self._name}: {title}")
        pixels = pixels_a_point(self)
        found = thumbnail(picture, pixels * SIDE) if picture is not None else None
        show_picture(self._picture, found, pixels)


def _button(icon: str, tip: str, work: Callable[[], None]) -> Any:
    button = Gtk.Button.new_from_icon_name(icon, Gtk.IconSize.BUTTON)
    button.set_tooltip_text(tip)
    button.get_accessible().set_name(tip)
    button.connect("clicked", lambda _button: work())
    return button
