import numpy as np
import pytest

from engine.brush import brushed
from engine.errors import SettingsError
from engine.images.picture import Picture
from engine.settings import resolve

NUMBERED = Picture(np.arange(100 * 200 * 3, dtype=np.uint16).reshape(100, 200, 3))


@pytest.mark.parametrize("crop", [[0.25, 0.5, 0.5, 0.4], [50, 50, 100, 40]])
def test_a_crop_is_in_fractions_or_in_pixels(crop: list[float]) -> None:
    (found,) = brushed([NUMBERED], resolve({"style_crop": crop}))
    assert np.array_equal(found.samples, NUMBERED.samples[50:90, 50:150])


@pytest.mark.parametrize(
    ("crop", "words"),
    [
        ([150, 0, 100, 50], "as far as 250 x 50 px; expected within the style of 200 x 100 px"),
        ([0, 0, 0.05, 0.05], "10 x 5 px of a style are left; expected at least 16 px a side"),
        ([0.9, 0, 0.2, 0.5], "as far as 220 x 50 px"),
    ],
)
def test_a_crop_that_leaves_too_little_or_lies_outside_is_refused(
    crop: list[float], words: str
) -> None:
    with pytest.raises(SettingsError, match=f"style_crop: {words}"):
        brushed([NUMBERED], resolve({"style_crop": crop}))
