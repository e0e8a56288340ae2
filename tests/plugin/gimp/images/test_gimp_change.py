"""What became of a picture is told from thumbnails, whatever its size is now."""

import struct
from pathlib import Path

import pytest
from images.change import Change, Thumbnail, change_of_scaled
from PIL import Image

SIDE = 96


@pytest.fixture
def cat(photograph: Path) -> Image.Image:
    with Image.open(photograph) as picture:
        return picture.convert("RGB")


def look(picture: Image.Image) -> tuple[Thumbnail, float]:
    """A thumbnail, and how many pixels of the picture one of it stands for."""
    factor = max(picture.size) / SIDE
    width, height = (round(side / factor) for side in picture.size)
    small = picture.resize((width, height), Image.Resampling.BOX)
    return Thumbnail.of(width, height, small.tobytes(), has_shape=False), factor


def change(before: Image.Image, after: Image.Image) -> Change:
    one, scale = look(before)
    other, scale_now = look(after)
    return change_of_scaled(one, other, scale_now / scale)


@pytest.mark.parametrize("factor", [0.1, 0.5, 0.9, 1.1, 2, 16])
def test_a_scaled_picture_is_the_same_one(cat: Image.Image, factor: float) -> None:
    width, height = (round(side * factor) for side in cat.size)
    assert change(cat, cat.resize((width, height), Image.Resampling.BICUBIC)) is Change.NONE
    turned = cat.transpose(Image.Transpose.ROTATE_90).resize((height, width))
    assert change(cat, turned) is Change.TURNED


@pytest.mark.parametrize("factor", [1.2, 2, 5])
def test_a_cropped_picture_is_another_one(cat: Image.Image, factor: float) -> None:
    width, height = (round(side / factor) for side in cat.size)
    assert change(cat, cat.crop((40, 20, 40 + width, 20 + height))) is Change.CUT


@pytest.mark.parametrize(
    ("factor", "known"), [(1.2, Change.CUT), (2, Change.CUT), (5, Change.OTHER)]
)
def test_an_extended_picture_is_another_one(cat: Image.Image, factor: float, known: Change) -> None:
    """One that is small in a large canvas is too small in a thumbnail to be recognised."""
    canvas = Image.new("RGB", (round(cat.width * factor) + 40, cat.height + 20), "white")
    canvas.paste(cat, (40, 20))
    assert change(cat, canvas) is known


def test_a_thumbnail_is_reduced_to_the_means_of_its_parts() -> None:
    reduced = Thumbnail.of(3, 1, bytes([0, 30, 60]), has_shape=False).reduced(2 / 3)
    # Of one pixel and half of the next.
    assert [red * 255 for red, *_rest in reduced.pixels] == pytest.approx([10, 50])


@pytest.mark.parametrize(
    ("component", "code", "white"),
    [("u8", "B", 255), ("u16", "H", 65535), ("half", "e", 1), ("float", "f", 1)],
)
def test_a_thumbnail_of_any_precision_has_the_same_colours(
    component: str, code: str, white: float
) -> None:
    grey, alpha = (white // 2, white) if white > 1 else (0.5, 1.0)
    data = struct.pack(f"=4{code}", grey, alpha, white, 0)
    look = Thumbnail.of(2, 1, data, component, has_shape=True)
    assert look.pixels[0] == pytest.approx((0.5, 0.5, 0.5, 1), abs=0.002)
    assert look.pixels[1] == (0, 0, 0, 0)


def test_what_is_brighter_than_white_or_no_number_disturbs_no_comparison() -> None:
    data = struct.pack("=3f", 4.0, float("nan"), -1.0)
    assert Thumbnail.of(1, 1, data, "float", has_shape=False).pixels == [(1, 0, 0, 1)]


def test_colours_that_nobody_sees_do_not_count() -> None:
    seen, hidden = (255, 0, 0, 255), (0, 255, 0, 0)
    reduced = Thumbnail.of(2, 1, bytes([*seen, *hidden]), has_shape=True).reduced(0.5)
    assert reduced.pixels == [(0.5, 0, 0, 0.5)]
