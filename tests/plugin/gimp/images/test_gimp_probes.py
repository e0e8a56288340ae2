"""Where a picture's pixels are after a change is told exactly, or not at all."""

from pathlib import Path

import pytest
from images.probes import Probes, Read
from PIL import Image, ImageOps


@pytest.fixture
def cat(photograph: Path) -> Image.Image:
    with Image.open(photograph) as picture:
        return picture.convert("RGB")


def reader(picture: Image.Image) -> Read:
    def read(x: int, y: int, width: int, height: int) -> bytes:
        assert min(x, y) >= 0
        assert x + width <= picture.width
        assert y + height <= picture.height
        return picture.crop((x, y, x + width, y + height)).tobytes()

    return read


def shift(
    before: Image.Image, after: Image.Image, *likely: tuple[int, int]
) -> tuple[int, int] | None:
    return Probes(*before.size, reader(before)).shift(*after.size, reader(after), likely)


@pytest.mark.parametrize(
    "box",
    [(1, 0, 451, 300), (0, 0, 451, 299), (3, 2, 449, 299), (200, 100, 300, 180), (0, 0, 150, 100)],
)
def test_a_crop_is_told_to_the_pixel(cat: Image.Image, box: tuple[int, int, int, int]) -> None:
    assert shift(cat, cat.crop(box)) == (-box[0], -box[1])


@pytest.mark.parametrize(("size", "place"), [((453, 300), (2, 0)), ((2255, 1500), (700, 33))])
def test_a_larger_canvas_is_told_to_the_pixel(
    cat: Image.Image, size: tuple[int, int], place: tuple[int, int]
) -> None:
    canvas = Image.new("RGB", size, "white")
    canvas.paste(cat, place)
    assert shift(cat, canvas) == place


def test_one_side_may_be_cropped_and_the_other_extended(cat: Image.Image) -> None:
    canvas = Image.new("RGB", (451 - 40, 300 + 25))
    canvas.paste(cat, (-40, 25))
    assert shift(cat, canvas) == (-40, 25)


def test_it_is_found_where_a_third_of_it_was_painted_over(cat: Image.Image) -> None:
    after = cat.crop((2, 0, 451, 300))
    after.paste("red", (0, 0, 150, 300))
    assert shift(cat, after) == (-2, 0)


@pytest.mark.parametrize("size", [(449, 299), (450, 299), (902, 600), (451, 298), (200, 133)])
def test_a_scaled_picture_has_none_of_its_pixels(cat: Image.Image, size: tuple[int, int]) -> None:
    assert shift(cat, cat.resize(size, Image.Resampling.BICUBIC)) is None


def test_a_turned_picture_has_none_of_its_pixels(cat: Image.Image) -> None:
    assert shift(cat, ImageOps.mirror(cat), (0, 0)) is None
    assert shift(cat, ImageOps.flip(cat), (0, 0)) is None


def test_nothing_is_said_of_a_picture_without_detail() -> None:
    plain = Image.new("RGB", (300, 200), "orange")
    assert shift(plain, plain.crop((0, 0, 299, 200)), (0, 0)) is None


def test_no_more_is_read_than_can_be_read_in_a_moment(cat: Image.Image) -> None:
    """A canvas of 100 gigapixels is not searched; what lies at a likely place is found."""
    after, area = (400_000, 250_000), 0

    def read(x: int, y: int, width: int, height: int) -> bytes:
        nonlocal area
        area += width * height
        part = Image.new("RGB", (width, height))
        part.paste(cat, (1000 - x, 2000 - y))
        return part.tobytes()

    probes = Probes(*cat.size, reader(cat))
    assert probes.shift(*after, read, []) is None
    assert probes.shift(*after, read, [(1000, 2000)]) == (1000, 2000)
    assert area < 100_000_000


def test_a_picture_narrower_than_a_probe_is_told_too() -> None:
    picture = Image.linear_gradient("L").convert("RGB").rotate(90).crop((0, 0, 20, 200))
    assert shift(picture, picture, (0, 0)) == (0, 0)
