"""The brush: the part and the turn of a style that is painted with."""

from collections.abc import Sequence

from engine.errors import Problem, SettingsError
from engine.images.cuts import cropped, rotated
from engine.images.picture import MIN_SIDE, Picture
from engine.settings import Settings

__all__ = ["brushed"]


def brushed(styles: Sequence[Picture], settings: Settings) -> Sequence[Picture]:
    """The styles as `style_crop` and `style_rotate` cut them.

    Raises:
        SettingsError: the crop is outside a style, or too little of it.
    """
    if settings.style_crop is not None:
        styles = [cropped(each, _box(each, settings.style_crop)) for each in styles]
        _check_sides(styles, "style_crop")
    if settings.style_rotate:
        styles = [rotated(each, settings.style_rotate) for each in styles]
        _check_sides(styles, "style_rotate")
    return styles


def _check_sides(styles: Sequence[Picture], setting: str) -> None:
    for style in styles:
        if min(style.size) < MIN_SIDE:
            found = f"{style.width} x {style.height} px of a style are left"
            raise SettingsError([Problem((setting,), found, f"at least {MIN_SIDE} px a side")])


def _box(style: Picture, crop: Sequence[float]) -> tuple[int, int, int, int]:
    """Left, top, width, height in pixels."""
    width, height = style.size
    if all(number <= 1 for number in crop):
        crop = [number * side for number, side in zip(crop, (width, height) * 2, strict=True)]
    left, top = round(crop[0]), round(crop[1])
    right, bottom = round(crop[0] + crop[2]), round(crop[1] + crop[3])
    if right > width or bottom > height:
        found = f"as far as {right} x {bottom} px"
        expected = f"within the style of {width} x {height} px"
        raise SettingsError([Problem(("style_crop",), found, expected)])
    return left, top, right - left, bottom - top
