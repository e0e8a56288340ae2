"""What masks, labels and styles mean together, and what of it is refused in words."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from engine.errors import PictureError, SettingsError
from engine.images.picture import Picture
from engine.regions.areas import Areas, MaskPictures, areas_of
from engine.settings import resolve

SIZE = (90, 60)
CONTENT = Picture(np.full((60, 90, 3), 100, np.uint8))
RED, BLUE, GREEN = (255, 0, 0), (0, 0, 255), (0, 160, 0)


def columns(*bands: tuple[int, int | tuple[int, int, int]], alpha: float | None = None) -> Picture:
    """Bands from left to right, each so many pixels wide, of a grey or a colour."""
    samples = np.zeros((60, sum(width for width, _ in bands), 3), np.uint8)
    start = 0
    for width, colour in bands:
        samples[:, start : start + width] = colour
        start += width
    covered = None if alpha is None else np.full(samples.shape[:2], alpha, np.float32)
    return Picture(samples, covered)


def areas(styles: int = 1, mask: Picture | None = None, **values: object) -> Areas:
    pictures = {key: values.pop(key, ()) for key in ("regions", "style_regions")}
    names = {key: [f"{key}{n}.png" for n, _ in enumerate(each)] for key, each in pictures.items()}  # type: ignore[arg-type, var-annotated]
    settings = resolve(
        {key: each for key, each in names.items() if each}
        | ({"mask": "mask.png"} if mask else {})
        | values
    )
    found = areas_of(MaskPictures(mask, **pictures), CONTENT, styles, settings)  # type: ignore[arg-type]
    assert found is not None
    return found


def test_without_masks_there_are_none() -> None:
    assert areas_of(MaskPictures(), CONTENT, 1, resolve({})) is None


def test_a_mask_says_what_is_painted_and_where_grey_mixes() -> None:
    found = areas(mask=columns((30, 0), (30, 51), (30, 255)))
    assert (
        found.painted(SIZE)[0, 0, 7].tolist() == [0.0] * 30 + [pytest.approx(0.2)] * 30 + [1.0] * 30
    )
    (share,) = found.shares(SIZE)
    assert share[0, 0, 7].tolist() == [0.0] * 30 + [1.0] * 60  # painted whole, then mixed


def test_what_no_region_covers_stays_and_where_several_meet_all_paint() -> None:
    first, second = columns((40, 255), (50, 0)), columns((30, 0), (30, 255), (30, 0))
    found = areas(2, regions=[first, second])
    assert found.painted(SIZE)[0, 0, 0].tolist() == [1.0] * 60 + [0.0] * 30
    one, other = (share[0, 0, 0].tolist() for share in found.shares(SIZE))
    assert one == [1.0] * 30 + [0.5] * 10 + [0.0] * 50
    assert other == [0.0] * 30 + [0.5] * 10 + [1.0] * 20 + [0.0] * 30


def test_soft_edges_that_complete_each_other_leave_no_seam() -> None:
    ramp = np.linspace(0, 255, 90).astype(np.uint8)
    left = Picture(np.broadcast_to((255 - ramp)[None, :, None], (60, 90, 3)).copy())
    right = Picture(np.broadcast_to(ramp[None, :, None], (60, 90, 3)).copy())
    assert areas(2, regions=[left, right]).painted(SIZE).min() == pytest.approx(1, abs=1e-6)


def test_a_mask_holds_for_regions_too() -> None:
    found = areas(2, columns((45, 255), (45, 0)), regions=[columns((90, 255)), columns((90, 255))])
    assert found.painted(SIZE)[0, 0, 0].tolist() == [1.0] * 45 + [0.0] * 45
    assert all(share[..., 45:].max() == 0 for share in found.shares(SIZE))


def test_each_region_has_its_share_of_what_is_visible() -> None:
    alpha = np.ones((60, 90), np.float32)
    alpha[:, 60:] = 0
    content = Picture(CONTENT.samples, alpha)
    found = areas(2, regions=[columns((20, 255), (70, 0)), columns((20, 0), (70, 255))])
    placed = found.placed(content, SIZE, 4, torch.device("cpu"))
    assert [each.share for each in placed] == pytest.approx([1 / 3, 2 / 3])


def test_labels_belong_to_the_styles_that_have_their_colour() -> None:
    found = areas(
        2,
        regions=[columns((30, RED), (30, BLUE), (30, GREEN))],
        style_regions=[columns((60, RED), (30, BLUE)), columns((20, BLUE), (70, (90, 90, 90)))],
    )
    styles = {region.name: sorted(region.styles) for region in found.regions}
    assert styles == {"regions0.png, #ff0000": [0], "regions0.png, #0000ff": [0, 1]}
    assert found.painted(SIZE)[0, 0, 0].tolist() == [1.0] * 60 + [0.0] * 30
    assert sorted(found.notes) == [
        "#5a5a5a is not in regions0.png: it is not used",
        "regions0.png, #00a000: no style has this colour: it stays as it is",
    ]


def test_a_mask_of_another_size_is_scaled_and_the_notes_say_so() -> None:
    mask = columns((20, 255), (10, 0))
    found = areas(mask=mask)
    assert list(found.notes) == ["mask.png of 30 x 60 px is scaled to the content's 90 x 60 px"]
    assert found.painted(SIZE)[0, 0, 5, [0, 50, 70, 89]].tolist() == [1, 1, 0, 0]


DOT = columns((2, 255), (88, 0))
TWO_COLUMNS = columns((86, BLUE), (4, RED))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(
            lambda: areas(mask=columns((90, 0))),
            r"mask\.png: black or transparent everywhere.*White is painted",
            id="all black",
        ),
        pytest.param(
            lambda: areas(mask=columns((90, 255), alpha=0.0)),
            r"mask\.png: black or transparent everywhere",
            id="all transparent",
        ),
        pytest.param(
            lambda: areas(2, regions=[columns((90, 255)), columns((90, 0))]),
            r"regions1\.png: black or transparent everywhere",
            id="a black region",
        ),
        pytest.param(
            lambda: areas(2, regions=[DOT, columns((90, 255))]),
            r"regions0\.png: covers 60 pixels of the content; at least 256",
            id="a region of a few pixels",
        ),
        pytest.param(
            lambda: areas(1, columns((45, 255), (45, 0)), regions=[columns((45, 0), (45, 255))]),
            r"regions0\.png: covers none of the content",
            id="a region outside the mask",
        ),
        pytest.param(
            lambda: areas(1, regions=[columns((90, RED))], style_regions=[columns((90, BLUE))]),
            r"none of its colours is in style_regions0\.png, so nothing would be painted",
            id="labels that no style has",
        ),
        pytest.param(
            lambda: areas(1, regions=[columns((90, RED))], style_regions=[TWO_COLUMNS]),
            r"#ff0000: covers 240 pixels of the label picture of style 1; at least 256",
            id="a label of a few pixels in a style",
        ),
    ],
)
def test_masks_that_mean_nothing_are_refused(make: Callable[[], Areas], words: str) -> None:
    with pytest.raises(PictureError, match=words):
        make()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(
            lambda: areas(1, regions=[columns((45, 255), (45, 0))] * 2),
            "regions: 2 masks; expected one for each style, of which there is 1",
            id="more regions than styles",
        ),
        pytest.param(
            lambda: areas(3, regions=[columns((90, 255))] * 2),
            "regions: 2 masks; expected one for each style, of which there are 3",
            id="more styles than regions",
        ),
        pytest.param(
            lambda: areas(2, regions=[columns((90, RED))], style_regions=[columns((90, RED))]),
            "style_regions: 1 label picture; expected one for each of 2 styles",
            id="too few label pictures",
        ),
        pytest.param(
            lambda: areas(2, style_regions=[columns((90, RED))] * 2),
            "regions: missing; expected one label picture of the content",
            id="none of the content",
        ),
        pytest.param(
            lambda: areas(mask=columns((90, 255)), style_statistic="histogram"),
            "style_statistic: histogram.*; expected gram, covariance or wasserstein",
            id="a statistic that cannot be guided",
        ),
        pytest.param(
            lambda: areas_of(MaskPictures(), CONTENT, 1, resolve({"mask": "mask.png"})),
            "mask: no picture",
            id="a mask that is named and not given",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(make: Callable[[], Areas], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        make()
