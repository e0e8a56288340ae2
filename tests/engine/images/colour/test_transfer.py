import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.images.colour.oklab import to_oklab
from engine.images.colour.transfer import ColourTransfer, Method, recoloured
from engine.images.picture import Picture


def picture(seed: int, spread: tuple[float, float, float], base: float, side: int = 64) -> Tensor:
    """Colours of uneven distributions that go together, well inside the gamut."""
    noise = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(seed)) ** 2
    noise[:, 2] = 0.5 * noise[:, 0] + 0.5 * noise[:, 2]
    return noise * torch.tensor(spread).view(1, 3, 1, 1) + base


PAINTED, WANTED = picture(1, (0.3, 0.25, 0.3), 0.35), picture(2, (0.15, 0.3, 0.25), 0.3)


def mapped(method: Method, painted: Tensor, target: Tensor, **options: float) -> Tensor:
    transfer = ColourTransfer(method, Picture.from_tensor(target), **options)
    at_places = target if transfer.pixel_by_pixel else None
    return transfer.map_of(painted, at_places)(painted, slice(0, painted.shape[-2]))


def lab(of: Tensor) -> NDArray[np.float64]:
    return to_oklab(of.double())[0].flatten(1).numpy()


def test_luminance_has_the_paintings_lightness_and_the_contents_a_and_b() -> None:
    found = lab(mapped("luminance", PAINTED, WANTED))
    np.testing.assert_allclose(found[0], lab(PAINTED)[0], atol=1e-3)
    np.testing.assert_allclose(found[1:], lab(WANTED)[1:], atol=1e-3)


@pytest.mark.parametrize("method", ["linear", "histogram"])
def test_mean_and_covariance_in_oklab_become_the_targets(method: Method) -> None:
    found, wanted = lab(mapped(method, PAINTED, WANTED)), lab(WANTED)
    np.testing.assert_allclose(found.mean(axis=1), wanted.mean(axis=1), atol=1e-3)
    # Of a histogram only each channel's variance; the correlations come from the linear map.
    np.testing.assert_allclose(
        np.sqrt(np.diag(np.cov(found))), np.sqrt(np.diag(np.cov(wanted))), rtol=0.02
    )
    tolerance = 3e-5 if method == "linear" else 3e-4
    np.testing.assert_allclose(np.cov(found), np.cov(wanted), atol=tolerance)


def test_with_histograms_the_sorted_values_of_each_channel_become_the_targets() -> None:
    found, wanted = (np.sort(lab(each)) for each in (mapped("histogram", PAINTED, WANTED), WANTED))
    assert np.abs(found - wanted).max() < 0.02  # the extremes, of which there is one each
    assert np.abs(found - wanted).mean() < 1e-3
    linear = np.sort(lab(mapped("linear", PAINTED, WANTED)))
    assert np.abs(linear - wanted).mean() > 3 * np.abs(found - wanted).mean()


@pytest.mark.parametrize("method", ["luminance", "linear", "histogram"])
def test_a_picture_in_its_own_colours_stays_as_it_is(method: Method) -> None:
    torch.testing.assert_close(mapped(method, PAINTED, PAINTED), PAINTED, rtol=0, atol=2 / 255)


@pytest.mark.parametrize("method", ["luminance", "linear", "histogram"])
def test_an_amount_goes_so_far_towards_the_target_in_oklab(method: Method) -> None:
    whole = lab(mapped(method, PAINTED, WANTED))
    third = lab(mapped(method, PAINTED, WANTED, amount=1 / 3))
    np.testing.assert_allclose(third, (2 * lab(PAINTED) + whole) / 3, atol=2e-3)


@pytest.mark.parametrize("method", ["linear", "histogram"])
def test_a_grey_picture_gets_the_targets_mean_and_no_coloured_noise(method: Method) -> None:
    grey = torch.full((1, 3, 64, 64), 0.5)
    grey[0, :, ::2] += 0.5 / 255  # as rounding to 8 bits leaves
    found = lab(mapped(method, grey, WANTED))
    np.testing.assert_allclose(found.mean(axis=1), lab(WANTED).mean(axis=1), atol=0.03)
    assert found[1:].std(axis=1).max() < 0.02


@pytest.mark.parametrize("method", ["linear", "histogram"])
def test_invisible_pixels_do_not_count(method: Method) -> None:
    half = torch.cat([WANTED, torch.ones(1, 3, 64, 64)], dim=2)
    alpha = np.zeros((128, 64), np.float32)
    alpha[:64] = 1
    target = Picture(Picture.from_tensor(half).samples, alpha)
    painted = torch.cat([PAINTED, torch.zeros(1, 3, 64, 64)], dim=2)
    whole = ColourTransfer(method, target).map_of(painted, alpha=alpha)(painted, slice(0, 128))
    expected = mapped(method, PAINTED, WANTED)
    torch.testing.assert_close(whole[:, :, :64], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_a_recoloured_picture_keeps_its_depth_and_its_alpha(kind: type[np.generic]) -> None:
    white = 1 if kind is np.float32 else np.iinfo(kind).max
    samples = (Picture.from_tensor(PAINTED).pixels * white).astype(kind)
    alpha = np.full((64, 64), 0.5, np.float32)
    found = recoloured(
        Picture(samples, alpha), ColourTransfer("linear", Picture.from_tensor(WANTED))
    )
    assert found.samples.dtype == kind
    assert found.alpha is alpha
    expected = mapped("linear", PAINTED, WANTED)
    np.testing.assert_allclose(found.pixels, Picture.from_tensor(expected).pixels, atol=0.01)


@pytest.mark.parametrize("method", ["luminance", "linear", "histogram"])
def test_strips_make_no_difference(method: Method, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = mapped(method, PAINTED, WANTED)
    monkeypatch.setattr("engine.images.strips.STRIP_PIXELS", 640)
    transfer = ColourTransfer(method, Picture.from_tensor(WANTED))
    strip_map = transfer.map_of(PAINTED, WANTED if transfer.pixel_by_pixel else None)
    rows = [slice(top, top + 16) for top in range(0, 64, 16)]
    found = torch.cat([strip_map(PAINTED[..., each, :], each) for each in rows], dim=2)
    torch.testing.assert_close(found, whole, rtol=0, atol=1e-5)
