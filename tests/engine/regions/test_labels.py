"""Label pictures: flat colours that belong together, whatever a program made of their edges."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from engine.errors import PictureError
from engine.images.picture import Picture
from engine.regions.labels import labels_of

RED, BLUE, GREEN = (255, 0, 0), (0, 0, 255), (0, 160, 0)


def labels(*discs: tuple[tuple[int, int, int], int], back: tuple[int, int, int] = BLUE) -> Picture:
    """A picture of one colour, with discs (colour, radius) from left to right."""
    image = Image.new("RGB", (120, 80), back)
    for number, (colour, radius) in enumerate(discs):
        x, y = 30 + 60 * number, 40
        ImageDraw.Draw(image).ellipse((x - radius, y - radius, x + radius, y + radius), colour)
    return Picture.from_image(image)


def test_the_same_colours_are_the_same_label() -> None:
    found = labels_of(("a", labels((RED, 20))), [("b", labels((RED, 10), (GREEN, 15)))])
    assert set(found) == {RED, BLUE, GREEN}
    content, style = found[RED]
    assert content is not None
    assert style is not None
    assert content.values.sum() == pytest.approx(np.pi * 20.5**2, rel=0.02)
    assert style.values.sum() == pytest.approx(np.pi * 10.5**2, rel=0.02)
    assert found[GREEN][0] is None
    assert found[GREEN][1] is not None


def test_a_jpeg_with_soft_edges_has_the_same_labels() -> None:
    """Its edges have hundreds of mixed colours, its areas some levels of noise."""
    exact = labels((RED, 20), (GREEN, 20))
    image = Image.fromarray(exact.samples).resize((240, 160), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    jpeg = Picture.from_image(Image.open(buffer))
    assert len(np.unique(jpeg.samples.reshape(-1, 3), axis=0)) > 200
    found = labels_of(("a", exact), [("b", jpeg)])
    assert len(found) == 3
    for content, style in found.values():
        assert content is not None
        assert style is not None
        assert style.values.sum() / 4 == pytest.approx(content.values.sum(), rel=0.06)


def test_every_visible_pixel_has_one_label() -> None:
    found = labels_of(("a", labels((RED, 20), (GREEN, 9))), [])
    covers = [cover.values for (cover,) in found.values() if cover is not None]
    assert np.array_equal(sum(covers), np.ones((80, 120)))


@pytest.mark.parametrize("kind", ["photograph", "noise"])
def test_what_is_no_picture_of_labels_is_refused(kind: str) -> None:
    rng = np.random.default_rng(1)
    if kind == "noise":
        samples = rng.integers(0, 255, (80, 120, 3), np.uint8)
    else:  # smooth, as a sky is: flat everywhere, and of every colour
        x, y = np.meshgrid(np.linspace(0, 255, 480), np.linspace(0, 255, 320))
        samples = np.stack([x, y, 255 - x], axis=-1).astype(np.uint8)
    with pytest.raises(PictureError, match=r"sky\.png: this is no picture of labels"):
        labels_of(("sky.png", Picture(samples)), [])
