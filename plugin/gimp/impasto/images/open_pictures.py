"""Pictures that are open in GIMP, for styles and palettes: whole images, and single layers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
from choices import Choices, Refusal
from gi.repository import Gimp
from i18n import _
from pictures import OpenPicture, is_text, open_picture, style_file

from images.calls import do
from images.layers import family
from images.reduced import MAX_SIDE, look_of
from images.region import Region

__all__ = ["OpenPictures", "all_open", "closed", "is_open", "picture_of"]


def all_open() -> list[OpenPicture]:
    """Each image, the newest first, and after it its layers where it has several."""
    found = []
    for image in sorted(Gimp.get_images(), key=lambda image: -image.get_id()):
        layers = [each for top in image.get_layers() for each in family(top)]
        if layers:
            found.append(_whole(image))
        if len(layers) > 1:
            found += map(picture_of, layers)
    return [each for each in found if is_text(each.image_name) and is_text(each.layer)]


def picture_of(layer: Any) -> OpenPicture:
    """A layer, as a choice calls it."""
    whole = _whole(layer.get_image())
    return replace(whole, tattoo=layer.get_tattoo(), layer=layer.get_name())


def is_open(picture: OpenPicture) -> bool:
    """Whether GIMP still has it."""
    return _found(picture) is not None


def closed(picture: OpenPicture) -> str:
    """What is said of a picture that GIMP does not have any more."""
    return _(
        "The picture {picture} is no longer open in GIMP. Open it again, or choose another one."
    ).format(picture=picture.title)


class OpenPictures:
    """Files of open pictures, each made once, until `forget_changed`."""

    def __init__(self, folder: Path, longest_side: int | None = None) -> None:
        """
        Args:
            folder: a temporary one.
            longest_side: reduced to it, if larger; at most MAX_SIDE.
        """
        self._folder = folder
        self._longest_side = longest_side
        self._made: dict[OpenPicture, tuple[Any, Path]] = {}

    @classmethod
    def small(cls, folder: Path) -> "OpenPictures":
        """For previews and thumbnails."""
        return cls(folder, MAX_SIDE)

    def file_of(self, picture: OpenPicture) -> Path:
        """The picture as a PNG: in its own colours, as deep as it is (`Region.export`).

        Raises:
            Refusal: it is no longer open, or GIMP cannot write it.
        """
        source = _found(picture)
        if source is None:
            raise Refusal(closed(picture))
        if picture not in self._made:
            # Never under a name again: whoever shows the old file notices.
            path = self._folder / f"open-{len(list(self._folder.glob('open-*.png')))}.png"
            _export(source, path, self._longest_side)
            self._made[picture] = look_of(source), path
        return self._made[picture][1]

    def forget_changed(self) -> bool:
        """Forget the files of pictures that look otherwise now, or are gone; whether any does."""
        changed = []
        for picture, (look, _path) in self._made.items():
            source = _found(picture)
            if source is None or look_of(source) != look:
                changed.append(picture)
        for picture in changed:
            del self._made[picture]
        return bool(changed)

    def with_files(self, choices: Choices) -> Choices:
        """The choices with a file in place of each open picture.

        Raises:
            Refusal: as `file_of`.
        """
        return choices.with_files(self.file_of)

    def file_shown(self, picture: str) -> Path | None:
        """The file of an open picture, or that of another, to be shown; None where there is none:
        it has gone, or is of the style library."""
        found = open_picture(picture)
        try:
            return style_file(picture) if found is None else self.file_of(found)
        except Refusal:
            return None


def _found(picture: OpenPicture) -> Any:
    """The image, or its layer; None if GIMP does not have it.

    An image that was closed since, in this session or an earlier one, is the only one whose file
    has that name, if not the ending: it may have been saved as another kind of file.
    """
    images = [
        image
        for image in Gimp.get_images()
        if picture.session == Gimp.getpid() and image.get_id() == picture.image
    ]
    if not images:
        images = [
            image
            for image in Gimp.get_images()
            if _file(image) is not None and Path(_name(image)).stem == picture.stem
        ]
    for image in images if len(images) == 1 else ():
        if not picture.tattoo:
            return image if image.get_layers() else None
        layer = image.get_layer_by_tattoo(picture.tattoo)
        if layer is not None and layer.get_name() == picture.layer:
            return layer
    return None


def _export(source: Any, path: Path, longest_side: int | None) -> None:
    if isinstance(source, Gimp.Layer):
        image = source.get_image()
        Region(image, [source], selection_only=False).export(path, longest_side)
        return
    grey = source.get_base_type() == Gimp.ImageBaseType.GRAY
    base = Gimp.ImageBaseType.GRAY if grey else Gimp.ImageBaseType.RGB
    size = source.get_width(), source.get_height()
    draft = Gimp.Image.new_with_precision(*size, base, source.get_precision())
    try:
        do(draft.undo_disable)
        profile = source.get_color_profile()
        if profile is not None:
            do(draft.set_color_profile, profile)
        visible = do(Gimp.Layer.new_from_visible, source, draft, "visible")
        do(draft.insert_layer, visible, None, 0)
        Region(draft, [visible], selection_only=False).export(path, longest_side)
    finally:
        draft.delete()


def _whole(image: Any) -> OpenPicture:
    return OpenPicture(Gimp.getpid(), image.get_id(), _name(image))


def _name(image: Any) -> str:
    file = _file(image)
    return str(file.get_basename() if file is not None else image.get_name())


def _file(image: Any) -> Any:
    return image.get_file() or image.get_imported_file()
