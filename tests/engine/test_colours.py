"""Whose colours a result has, by the settings: with the real network on small pictures."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from engine.errors import PictureError, SettingsError
from engine.images.colour.oklab import to_oklab
from engine.images.picture import Picture
from engine.network.vgg import VGG19
from engine.settings import resolve
from engine.stylise import Result, stylise

SMALL = {"size": 64, "scales": 1, "steps": 4}


def paint(
    content: Picture, style: Picture, vgg: VGG19, sunset: Picture | None = None, **values: Any
) -> tuple[Picture, Picture]:
    """The result, and the last preview."""
    settings = resolve(SMALL | values)
    *progress, result = stylise(content, [style], settings, vgg, palette=sunset, preview_seconds=0)
    assert isinstance(result, Result)
    preview = progress[-1].preview
    assert preview is not None
    return result.picture, preview


def lab(of: Picture) -> NDArray[np.float64]:
    """3 x n in OkLab."""
    return to_oklab(of.to_tensor().double())[0].flatten(1).numpy()


@pytest.fixture
def sunset() -> Picture:
    """A palette of oranges and violets, of another shape than the content."""
    noise = torch.rand(1, 3, 50, 90, generator=torch.Generator().manual_seed(5)) ** 2
    scale, base = torch.tensor([0.3, 0.2, 0.25]), torch.tensor([0.5, 0.3, 0.3])
    return Picture.from_tensor(noise * scale.view(1, 3, 1, 1) + base.view(1, 3, 1, 1))


def test_the_contents_colours_are_its_own_a_and_b_at_every_place(
    content: Picture, style: Picture, vgg: VGG19
) -> None:
    plain = paint(content, style, vgg)
    for found, own in zip(paint(content, style, vgg, colours="content"), plain, strict=True):
        np.testing.assert_allclose(lab(found)[0], lab(own)[0], atol=0.011)
        wanted = lab(content.resized(*found.size))[1:]
        # What is outside the gamut at the painting's lightness is paler.
        assert np.median(np.abs(lab(found)[1:] - wanted)) < 0.002
        chroma, most = (np.linalg.norm(each, axis=0) for each in (lab(found)[1:], wanted))
        assert (chroma < most + 0.02).all()


@pytest.mark.parametrize("method", ["linear", "histogram"])
def test_a_palette_gives_the_result_its_mean_and_covariance(
    content: Picture, style: Picture, vgg: VGG19, sunset: Picture, method: str
) -> None:
    values = {"palette": "sunset.png", "colour_method": method}
    for found in paint(content, style, vgg, sunset, **values):
        np.testing.assert_allclose(lab(found).mean(axis=1), lab(sunset).mean(axis=1), atol=0.01)
        deviations = (np.sqrt(np.diag(np.cov(lab(each)))) for each in (found, sunset))
        np.testing.assert_allclose(*deviations, atol=0.01)


def test_a_blend_lies_between_the_paintings_colours_and_the_palettes(
    content: Picture, style: Picture, vgg: VGG19, sunset: Picture
) -> None:
    plain, _ = paint(content, style, vgg)
    whole, _ = paint(content, style, vgg, sunset, palette="sunset.png")
    blend = {"palette": "sunset.png", "colours": "blend", "colour_amount": 0.25}
    quarter, _ = paint(content, style, vgg, sunset, **blend)
    wanted = 0.75 * lab(plain) + 0.25 * lab(whole)
    assert np.abs(lab(quarter) - wanted).mean() < 0.005


def test_recoloured_styles_paint_in_the_contents_colours(
    content: Picture, style: Picture, vgg: VGG19
) -> None:
    values = {"colours": "content", "recolour": "styles"}
    found, _ = paint(content, style, vgg, **values)
    plain, _ = paint(content, style, vgg)
    wanted = lab(content).mean(axis=1)
    assert np.abs(lab(found).mean(axis=1) - wanted).max() < 0.02
    assert np.abs(lab(plain).mean(axis=1) - wanted).max() > 0.03


def test_colours_that_are_not_asked_for_change_no_pixel(
    content: Picture, style: Picture, vgg: VGG19, sunset: Picture
) -> None:
    plain, _ = paint(content, style, vgg)
    unused, _ = paint(content, style, vgg, sunset)
    np.testing.assert_array_equal(unused.samples, plain.samples)


def test_what_is_invisible_counts_for_no_colours(
    content: Picture, style: Picture, vgg: VGG19, sunset: Picture
) -> None:
    alpha = np.zeros((content.height, content.width), np.float32)
    alpha[: content.height // 2] = 1
    found, _ = paint(replace(content, alpha=alpha), style, vgg, sunset, palette="sunset.png")
    seen = lab(Picture(found.samples[: found.height // 2 - 2]))
    np.testing.assert_allclose(seen.mean(axis=1), lab(sunset).mean(axis=1), atol=0.02)


def test_a_palette_that_is_named_and_not_given_is_refused(
    content: Picture, style: Picture, vgg: VGG19
) -> None:
    with pytest.raises(SettingsError, match="palette: no picture; expected one whose colours"):
        paint(content, style, vgg, palette="x.png")


def test_a_palette_without_a_visible_colour_is_refused(
    content: Picture, style: Picture, vgg: VGG19, sunset: Picture
) -> None:
    clear = replace(sunset, alpha=np.zeros((sunset.height, sunset.width), np.float32))
    with pytest.raises(PictureError, match=r"x.png: transparent everywhere, so it has no colours"):
        paint(content, style, vgg, clear, palette="x.png")
