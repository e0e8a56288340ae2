import math

import numpy as np
import pytest

from engine.images.cuts import cropped, inner_rectangle, rotated
from engine.images.picture import Picture


def stripes(angle: float, size: tuple[int, int] = (240, 160)) -> Picture:
    """Waves of 12 px whose crests run in a direction, counter-clockwise from the x axis."""
    width, height = size
    y, x = np.mgrid[:height, :width]
    across = x * math.sin(math.radians(angle)) + y * math.cos(math.radians(angle))
    wave = 0.5 + 0.4 * np.sin(across * 2 * math.pi / 12)
    return Picture(np.repeat(wave[..., None], 3, axis=2).astype(np.float32))


def direction(picture: Picture) -> float:
    """Of the crests, in degrees from 0 to 180: the strongest frequency's, at a right angle."""
    plane = picture.pixels[..., 0]
    spectrum = np.abs(np.fft.fft2((plane - plane.mean()) * np.outer(*map(np.hanning, plane.shape))))
    row, column = np.unravel_index(spectrum.argmax(), spectrum.shape)
    down, across = np.fft.fftfreq(plane.shape[0])[row], np.fft.fftfreq(plane.shape[1])[column]
    return math.degrees(math.atan2(across, down)) % 180


@pytest.mark.parametrize("degrees", [20, 45, 70, 110, 160, -30])
def test_strokes_turn_by_the_angle_and_no_corner_is_blank(degrees: float) -> None:
    found = rotated(stripes(0), degrees)
    difference = (direction(found) - degrees) % 180
    assert min(difference, 180 - difference) < 4
    white = rotated(Picture(np.full((90, 140, 3), 255, np.uint8)), degrees)
    assert white.samples.min() == 255


def test_quarters_of_a_turn_are_exact() -> None:
    samples = np.random.default_rng(1).integers(0, 256, (20, 30, 3), np.uint8)
    assert np.array_equal(rotated(Picture(samples), 90).samples, np.rot90(samples))
    assert np.array_equal(rotated(Picture(samples), -90).samples, np.rot90(samples, 3))
    assert np.array_equal(rotated(Picture(samples), 360).samples, samples)


@pytest.mark.parametrize("size", [(200, 200), (300, 100), (100, 300), (160, 120)])
@pytest.mark.parametrize("degrees", [1, 15, 45, 60, 89])
def test_the_rectangle_is_inside_and_no_larger_one_of_its_aspect_is(
    size: tuple[int, int], degrees: float
) -> None:
    width, height = inner_rectangle(*size, degrees)
    angle = math.radians(degrees)

    def inside(scale: float) -> bool:
        x, y = width / 2 * scale, height / 2 * scale
        corners = [(x, y), (x, -y), (-x, y), (-x, -y)]
        back = [
            (
                px * math.cos(angle) + py * math.sin(angle),
                py * math.cos(angle) - px * math.sin(angle),
            )
            for px, py in corners
        ]
        return all(abs(px) <= size[0] / 2 and abs(py) <= size[1] / 2 for px, py in back)

    assert inside(1)
    assert not inside(1 + 4 / min(width, height))


def test_depth_and_alpha_are_kept() -> None:
    samples = np.full((40, 60, 3), 40_000, np.uint16)
    alpha = np.full((40, 60), 0.25, np.float32)
    for found in (
        rotated(Picture(samples, alpha), 30),
        cropped(Picture(samples, alpha), (5, 6, 20, 30)),
    ):
        assert found.samples.dtype == np.uint16
        assert abs(int(found.samples[10, 10, 0]) - 40_000) <= 1
        assert found.alpha is not None
        np.testing.assert_allclose(found.alpha, 0.25, atol=1e-4)
    assert cropped(Picture(samples, alpha), (5, 6, 20, 30)).size == (20, 30)
