"""How long the content weighs more than asked for, and that it does."""

import math
from itertools import pairwise
from pathlib import Path

import pytest

from engine.images.picture import Picture, read_picture
from engine.network.vgg import VGG19
from engine.scheduling.stages import Stage, scales_of, stages_of
from engine.settings import resolve
from engine.stylise import Progress, stylise


@pytest.mark.parametrize(
    ("longest", "coarser", "expected"),
    [
        pytest.param(4096, [256, 512, 1024, 2048], [Stage(220, 1.0)], id="settled by four scales"),
        pytest.param(1024, [256, 512], [Stage(220, 1.0)], id="settled by two"),
        pytest.param(512, [256], [Stage(44, 6.0), Stage(176, 1.0)], id="by one"),
        pytest.param(512, [128, 256], [Stage(44, 6.0), Stage(176, 1.0)], id="a small one is none"),
        pytest.param(512, [], [Stage(44, 6.0), Stage(176, 1.0)], id="by none"),
        pytest.param(256, [], [Stage(220, 6.0)], id="small"),
        pytest.param(100, [], [Stage(220, 6.0)], id="smaller"),
    ],
)
def test_the_final_scale_is_boosted_less_the_more_has_settled_and_the_larger_it_is(
    longest: int, coarser: list[int], expected: list[Stage]
) -> None:
    for size in ((longest, 64), (64, longest)):
        before = [(side, 64) for side in coarser]
        assert stages_of(size, before, 220, 6.0, final=True) == expected


def test_the_final_scale_ends_with_the_plain_loss() -> None:
    end = Stage(30, 1.0, plain=True)
    assert stages_of((512, 64), [(256, 64)], 220, 6.0, final=True, plain=30) == [
        Stage(44, 6.0),
        Stage(146, 1.0),
        end,
    ]
    assert stages_of((512, 64), [], 30, 1.0, final=True, plain=100) == [end]
    small = stages_of((256, 64), [], 220, 6.0, final=True, plain=30)
    assert small == [Stage(190, 6.0), Stage(30, 6.0, plain=True)]
    assert stages_of((512, 64), [], 60, 6.0, final=False, plain=30) == [Stage(60, 6.0)]


def test_between_256_and_512_px_the_boost_fades() -> None:
    between = [stages_of((side, 200), [], 100, 6.0, final=True) for side in range(257, 512)]
    rests = [rest.boost for _, rest in between]
    assert all(1 < later < earlier < 6 for earlier, later in pairwise(rests))
    middle = round(256 * math.sqrt(2))
    assert rests[middle - 257] == pytest.approx(math.sqrt(6), rel=0.01)


def test_a_coarse_scale_is_boosted_throughout_and_nothing_is_without_a_boost() -> None:
    assert stages_of((512, 512), [(256, 256)], 60, 6.0, final=False) == [Stage(60, 6.0)]
    for size in (100, 300, 512, 2048):
        assert stages_of((size, size), [], 60, 1.0, final=True) == [Stage(60, 1.0)]


def test_a_stage_without_a_step_is_none() -> None:
    assert stages_of((512, 512), [], 4, 6.0, final=True) == [Stage(4, 1.0)]


@pytest.mark.parametrize(
    ("coarsest", "falls_after"),
    [pytest.param(19, [6], id="as at 512 px"), pytest.param(48, [], id="as at 256 px")],
)
def test_the_losses_that_are_reported_have_the_boost_in_them(
    photograph: Path,
    painting: Path,
    vgg: VGG19,
    monkeypatch: pytest.MonkeyPatch,
    coarsest: int,
    falls_after: list[int],
) -> None:
    monkeypatch.setattr("engine.scheduling.stages.COARSEST", coarsest)
    content, style = (
        Picture(read_picture(path).pixels[100:148, 100:148]) for path in (photograph, painting)
    )
    settings = resolve({"size": 48, "scales": 1, "steps": 30, "content_boost": 100.0})
    final = [
        step.losses.content
        for step in stylise(content, [style], settings, vgg, preview_seconds=None)
        if isinstance(step, Progress)
    ]
    falls = [number for number, (a, b) in enumerate(pairwise(final), 1) if b < a / 50]
    assert falls == falls_after


def test_the_presets_by_time_have_the_same_scales_and_ever_more_steps_at_the_last() -> None:
    found = {}
    for preset in ("quick", "standard", "fine"):
        scales = scales_of((1000, 750), resolve({"preset": preset}))
        found[preset] = [(size, steps) for (size, _), steps in scales]
    assert found == {
        "quick": [(256, 10), (512, 5)],
        "standard": [(256, 120), (512, 60)],
        "fine": [(256, 60), (512, 220)],
    }
