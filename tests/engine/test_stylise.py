"""The whole engine on real pictures and real weights, very small."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from engine.errors import PictureError, SettingsError
from engine.images.picture import Picture
from engine.network.vgg import VGG19
from engine.settings import resolve
from engine.stylise import Progress, Result, stylise

SMALL: dict[str, Any] = {"size": 64, "scales": 1, "steps": 4}


def paint(
    content: Picture, style: Picture, vgg: VGG19, **values: Any
) -> tuple[list[Progress], Result]:
    initial = values.pop("initial", None)
    settings = resolve(SMALL | values)
    *progress, result = stylise(content, [style], settings, vgg, initial=initial, preview_seconds=0)
    assert isinstance(result, Result)
    assert all(isinstance(each, Progress) for each in progress)
    return progress, result  # type: ignore[return-value]


def test_it_ends_with_a_result_of_the_contents_aspect(
    content: Picture, style: Picture, vgg: VGG19
) -> None:
    _, result = paint(content, style, vgg)
    assert result.picture.size == result.size == (64, round(64 * content.height / content.width))
    assert result.steps == 4
    assert result.weights_sha256 == vgg.weights.sha256
    assert result.device == "cpu"


def test_progress_tells_scale_step_losses_and_a_growing_fraction(
    content: Picture, style: Picture, vgg: VGG19
) -> None:
    progress, result = paint(content, style, vgg, size=96, scales=2, coarse_steps=3)
    assert [(p.scale, p.step, p.steps) for p in progress] == [
        *((1, step, 3) for step in (1, 2, 3)),
        *((2, step, 4) for step in (1, 2, 3, 4)),
    ]
    assert all(p.scales == 2 for p in progress)
    assert all(a.fraction < b.fraction for a, b in pairwise(progress))
    assert progress[-1].fraction == pytest.approx(1)
    assert progress[0].eta_seconds is None
    assert progress[-1].eta_seconds == pytest.approx(0)
    assert progress[-1].losses == result.losses
    assert all(p.preview is not None and p.preview.size == p.size for p in progress)


def test_the_losses_fall(content: Picture, style: Picture, vgg: VGG19) -> None:
    progress, result = paint(content, style, vgg, steps=20)
    assert result.losses.total < 0.3 * progress[0].losses.total


def test_same_seed_same_pixels_and_another_seed_others(
    content: Picture, style: Picture, vgg: VGG19
) -> None:
    _, first = paint(content, style, vgg, init="noise", seed=5)
    _, again = paint(content, style, vgg, init="noise", seed=5)
    _, other = paint(content, style, vgg, init="noise", seed=6)
    np.testing.assert_array_equal(first.picture.pixels, again.picture.pixels)
    assert not np.array_equal(first.picture.pixels, other.picture.pixels)


def test_it_starts_from_what_the_settings_say(content: Picture, style: Picture, vgg: VGG19) -> None:
    results = {
        init: paint(content, style, vgg, init=init, init_colours="content", steps=1)[1]
        for init in ("content", "style", "noise")
    }
    starts = {init: result.picture.pixels for init, result in results.items()}
    grey = Picture(np.full((30, 40, 3), 0.25, np.float32))
    _, from_file = paint(
        content, style, vgg, init="file", init_file="grey.png", initial=grey, steps=1
    )
    assert np.allclose(from_file.picture.pixels, 0.25, atol=1e-3)
    small = content.resized(*from_file.size)
    assert np.abs(starts["content"] - small.pixels).mean() < 0.03
    assert np.abs(starts["style"] - starts["content"]).mean() > 0.05
    assert 0.2 < starts["noise"].std() < 0.35


def test_it_starts_in_the_styles_colours(content: Picture, style: Picture, vgg: VGG19) -> None:
    _, result = paint(content, style, vgg, steps=1)
    wanted = style.pixels.reshape(-1, 3)
    found = result.picture.pixels.reshape(-1, 3)
    np.testing.assert_allclose(found.mean(axis=0), wanted.mean(axis=0), atol=0.03)
    assert np.abs(content.pixels.reshape(-1, 3).mean(axis=0) - wanted.mean(axis=0)).max() > 0.06


def test_the_contents_colours_can_be_kept(content: Picture, style: Picture, vgg: VGG19) -> None:
    progress, result = paint(content, style, vgg, keep_colours=True)
    small = content.resized(*result.size).pixels
    luma = np.array([0.299, 0.587, 0.114], np.float32)
    for picture in (result.picture, progress[-1].preview):
        assert picture is not None
        chroma = picture.pixels - (picture.pixels @ luma)[..., None]
        wanted = small - (small @ luma)[..., None]
        assert np.abs(chroma - wanted).mean() < 0.02


def test_transparency_comes_back_at_the_results_size(
    content: Picture, style: Picture, vgg: VGG19
) -> None:
    alpha = np.zeros((content.height, content.width), np.float32)
    alpha[: content.height // 2] = 1
    _, result = paint(Picture(content.pixels, alpha), style, vgg, steps=1)
    assert result.picture.alpha is not None
    assert result.picture.alpha.shape == result.picture.pixels.shape[:2]
    assert result.picture.alpha[2].min() == pytest.approx(1, abs=1e-3)
    assert result.picture.alpha[-3].max() == pytest.approx(0, abs=1e-3)


def test_two_styles_are_blended_by_their_shares(
    content: Picture, style: Picture, vgg: VGG19
) -> None:
    def losses(*styles: Picture, **values: Any) -> float:
        settings = resolve(SMALL | {"steps": 1} | values)
        *_, result = stylise(content, styles, settings, vgg)
        assert isinstance(result, Result)
        return result.losses.style

    alone = losses(style)
    assert losses(style, style) == pytest.approx(alone, rel=1e-4)
    nearly = losses(style, content, style_blend=[1.0, 1e-6])
    assert nearly == pytest.approx(alone, rel=1e-3)
    assert losses(style, content) < alone  # the content's own statistics are half of the target


def test_as_large_as_the_content_is_as_large_to_the_pixel(
    content: Picture, style: Picture, vgg: VGG19
) -> None:
    odd = Picture(content.samples[:47, :61])
    _, result = paint(odd, style, vgg, size="content", steps=1)
    assert result.picture.size == result.size == (61, 47)


def test_too_long_for_a_jpeg_is_refused_before_anything_is_painted(
    style: Picture, vgg: VGG19
) -> None:
    long = Picture(np.zeros((16, 65_501, 3), np.uint8))
    with pytest.raises(PictureError, match="at most 65500 px; this picture has 65501 x 16"):
        paint(long, style, vgg, size="content", format="jpeg")


def test_closing_the_generator_cancels(content: Picture, style: Picture, vgg: VGG19) -> None:
    run: Iterator[Progress | Result] = stylise(content, [style], resolve(SMALL), vgg)
    next(run)
    run.close()  # type: ignore[attr-defined]
    assert list(run) == []


def test_a_blend_that_does_not_fit_the_styles_is_refused(
    content: Picture, style: Picture, vgg: VGG19
) -> None:
    with pytest.raises(SettingsError, match="style_blend: 2 numbers; expected one for each of the"):
        paint(content, style, vgg, style_blend=[1.0, 2.0])


def test_a_picture_too_narrow_for_the_network_is_refused_with_the_sizes(
    style: Picture, vgg: VGG19
) -> None:
    ribbon = Picture(np.zeros((20, 400, 3), np.float32))
    with pytest.raises(PictureError, match=r"400 x 20 px would be painted at 64 x 3 px"):
        paint(ribbon, style, vgg)
