"""Paintings with masks and regions: what is black stays to the bit, each region has its style."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.images.picture import Picture, encode_picture
from engine.memory.planner import Planner
from engine.network.vgg import VGG19
from engine.regions.areas import MaskPictures
from engine.settings import Settings, resolve
from engine.state import State
from engine.stylise import Progress, Result, stylise

FEW = {"size": 96, "scales": 1, "steps": 6, "style_layers": {"relu1_1": 1.0, "relu3_1": 1.0}}


def paint(
    content: Picture, styles: list[Picture], vgg: VGG19, masks: MaskPictures, **values: Any
) -> Result:
    steps = stylise(content, styles, settings_of(masks, **values), vgg, masks=masks)
    *_, result = steps
    assert isinstance(result, Result)
    return result


def settings_of(masks: MaskPictures, **values: Any) -> Settings:
    named: dict[str, Any] = {"mask": "mask.png"} if masks.mask is not None else {}
    if masks.regions:
        named["regions"] = [f"region{number}.png" for number, _ in enumerate(masks.regions)]
    return resolve(FEW | named | values)


def left_of(content: Picture, share: float = 0.5) -> Picture:
    samples = np.zeros((content.height, content.width, 3), np.uint8)
    samples[:, : round(share * content.width)] = 255
    return Picture(samples)


def inverse(mask: Picture) -> Picture:
    return Picture(255 - mask.samples)


@pytest.mark.parametrize("depth", [8, 16])
def test_what_is_black_is_the_file_to_the_bit(
    content: Picture, style: Picture, vgg: VGG19, depth: int
) -> None:
    white = 2**depth - 1
    samples = np.rint(content.pixels * white).astype(np.uint8 if depth == 8 else np.uint16)
    content = Picture(samples)
    masks = MaskPictures(left_of(content))
    result = paint(content, [style], vgg, masks, size="content", mask_feather=8, bits=depth)
    buffer = io.BytesIO(encode_picture(result.picture, bits=depth))
    written = Picture(np.array(Image.open(buffer))) if depth == 8 else result.picture
    edge = round(content.width / 2)
    assert np.array_equal(written.samples[:, edge:], samples[:, edge:])
    assert not np.array_equal(written.samples[:, : edge - 8], samples[:, : edge - 8])


def test_at_another_size_what_is_black_is_the_content_as_if_nothing_were_painted(
    content: Picture, style: Picture, vgg: VGG19
) -> None:
    """The other half is painted each time: together they are the content at the new size."""
    masks = [left_of(content), inverse(left_of(content))]
    one, other = (paint(content, [style], vgg, MaskPictures(mask), size=80) for mask in masks)
    half = one.picture.width // 2
    unpainted = np.concatenate(
        [other.picture.samples[:, : half - 2], one.picture.samples[:, half + 2 :]], axis=1
    )
    wanted = content.resized(*one.picture.size).pixels
    wanted = np.concatenate([wanted[:, : half - 2], wanted[:, half + 2 :]], axis=1)
    assert np.abs(unpainted / 65535 - wanted).mean() < 0.01


def test_grey_blends(content: Picture, style: Picture, vgg: VGG19) -> None:
    grey = Picture(np.full((content.height, content.width, 3), 51, np.uint8))  # a fifth
    blended = paint(content, [style], vgg, MaskPictures(grey), size="content")
    painted = paint(
        content, [style], vgg, MaskPictures(inverse(left_of(content, 0))), size="content"
    )
    wanted = 0.8 * content.pixels + 0.2 * painted.picture.pixels
    assert np.abs(blended.picture.pixels - wanted).max() < 1e-3


def test_regions_are_painted_in_their_own_styles_only(content: Picture, vgg: VGG19) -> None:
    """One style is red, one blue: no pixel well inside a region has the other's colour."""
    rng = np.random.default_rng(1)
    texture = rng.random((96, 96, 1), np.float32) * 0.6 + 0.2
    red, blue = (
        Picture((texture * np.array(colour, np.float32)).astype(np.float32))
        for colour in ([1.0, 0.1, 0.1], [0.1, 0.1, 1.0])
    )
    left = left_of(content)
    masks = MaskPictures(regions=[left, inverse(left)])
    pixels = paint(content, [red, blue], vgg, masks, steps=12).picture.pixels
    half = pixels.shape[1] // 2
    assert (pixels[:, : half - 6, 0] >= pixels[:, : half - 6, 2]).mean() > 0.99
    assert (pixels[:, half + 6 :, 2] >= pixels[:, half + 6 :, 0]).mean() > 0.99


def test_what_no_region_covers_is_the_content(content: Picture, style: Picture, vgg: VGG19) -> None:
    masks = MaskPictures(regions=[left_of(content, 0.25), inverse(left_of(content, 0.75))])
    result = paint(content, [style, style], vgg, masks, size="content")
    columns = slice(round(0.25 * content.width), round(0.75 * content.width))
    original = np.rint(content.pixels * np.float32(65535))
    assert np.array_equal(result.picture.samples[:, columns], original[:, columns])


def test_a_preview_shows_the_mask(content: Picture, style: Picture, vgg: VGG19) -> None:
    masks = MaskPictures(left_of(content))
    settings = settings_of(masks, size="content", steps=2)
    steps = stylise(content, [style], settings, vgg, masks=masks, preview_at=(0.0,))
    preview = next(step for step in steps if isinstance(step, Progress) and step.preview).preview
    assert preview is not None
    right = slice(round(content.width / 2), None)
    assert np.abs(preview.pixels[:, right] - content.pixels[:, right]).max() < 1e-4


def test_an_interrupted_painting_goes_on_with_its_masks(
    content: Picture, style: Picture, vgg: VGG19
) -> None:
    left = left_of(content)
    masks = MaskPictures(regions=[left, inverse(left)])
    styles = [style, content]
    settings = settings_of(masks, scales=2, coarse_steps=3)
    *_, whole = stylise(content, styles, settings, vgg, masks=masks, preview_seconds=None)
    state: State | None = None
    for step in stylise(content, styles, settings, vgg, masks=masks, preview_seconds=None):
        if isinstance(step, Progress) and (step.scale, step.step) == (2, 3):
            state = step.state()
            break
    *_, resumed = stylise(content, styles, settings, vgg, masks=masks, resume=state)
    assert isinstance(whole, Result)
    assert isinstance(resumed, Result)
    assert np.array_equal(resumed.picture.samples, whole.picture.samples)


def test_regions_count_in_the_plan(vgg: VGG19) -> None:
    """Each has targets of its own, which the plan's peak has besides what is selected."""
    settings = resolve({"size": 512})
    # Without the workspace of Winograd's algorithm, which can be the peak where losses take less.
    network = VGG19(vgg.weights, "cpu", "float32", winograd=False)
    peaks = [
        Planner(network, settings, regions).unplanned((512, 512), 0, 50).peak
        for regions in (0, 1, 8)
    ]
    targets = 4 * (64**2 + 128**2 + 256**2 + 2 * 512**2)
    assert peaks[2] - peaks[1] == pytest.approx(7 * targets, rel=0.2)
    assert peaks[1] >= peaks[0]
