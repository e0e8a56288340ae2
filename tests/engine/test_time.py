"""Paintings by a time, and paintings that end once they have settled."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from engine import estimate
from engine.errors import TimeLimitError
from engine.images.picture import Picture
from engine.network.vgg import VGG19
from engine.scheduling import schedule
from engine.settings import Settings, resolve
from engine.speed import seconds_a_pixel
from engine.state import State
from engine.stylise import Progress, Result, stylise

SMALL: dict[str, Any] = {"size": 96, "scales": 2}


def painted(content: Picture, style: Picture, settings: Settings, vgg: VGG19) -> Result:
    *_, result = stylise(content, [style], settings, vgg, preview_seconds=None)
    assert isinstance(result, Result)
    return result


def in_time(content: Picture, style: Picture, vgg: VGG19, evaluations: float) -> Settings:
    """Settings with the time for so many evaluations at the final scale, here and now."""
    seconds = evaluations * seconds_a_pixel(vgg) * 96 * 64
    return resolve(SMALL | {"seconds": max(1.0, seconds)})


def test_a_painting_in_a_time_is_made_again_by_its_own_settings(
    content: Picture, style: Picture, vgg: VGG19
) -> None:
    settings = in_time(content, style, vgg, 20)
    first = painted(content, style, settings, vgg)
    assert first.settings.seconds is None
    assert first.settings.scale_steps is not None
    assert sum(first.settings.scale_steps) == first.steps
    assert first.ended == ("time", "time")
    again = painted(content, style, first.settings, vgg)
    assert again.settings == first.settings
    assert again.ended == ("steps", "steps")
    assert np.array_equal(again.picture.samples, first.picture.samples)


def test_progress_goes_by_the_clock(content: Picture, style: Picture, vgg: VGG19) -> None:
    settings = in_time(content, style, vgg, 15)
    *progress, _ = stylise(content, [style], settings, vgg, preview_seconds=None)
    steps = [step for step in progress if isinstance(step, Progress)]
    assert all(step.eta_seconds is not None for step in steps)
    assert steps[-1].fraction == 1
    assert all(a.fraction <= b.fraction for a, b in pairwise(steps))


def test_a_time_that_does_not_suffice_is_refused_before_it_starts(
    content: Picture, style: Picture, vgg: VGG19, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate, "seconds_a_pixel", lambda _: 1e-5)
    settings = resolve({"size": 1024, "seconds": 20})
    with pytest.raises(TimeLimitError) as caught:
        next(stylise(content, [style], settings, vgg))
    # 512 and 256 px take 10 coarse evaluations, all scales 2 to begin with.
    width, height = 1024 + 8, round(1024 * content.height / content.width) + 8
    words = str(caught.value)
    assert words.startswith(f"20 s do not suffice for 1024 x {height - 8} px here")
    expected = 1e-5 * width * height * (7 + 12 / 4 + 12 / 16)
    told = float(words.split("about ")[1].split(" s")[0])
    assert told == pytest.approx(expected, rel=0.1)
    assert "lower `size`" in words


def test_the_time_before_the_painting_counts(
    content: Picture, style: Picture, vgg: VGG19, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = resolve(SMALL | {"seconds": 1000})
    long_ago = estimate.timetable_of(content.size, settings, vgg, None, lambda: 0.0)
    assert long_ago is not None
    with pytest.raises(TimeLimitError):
        estimate.timetable_of(content.size, settings, vgg, None, lambda: 999.9999)


SETTLING = resolve(SMALL | {"scale_steps": [25, 25], "settle": 50.0})
MOMENTS = [(1, 7), (2, 12)]


@pytest.fixture(scope="module")
def settled(
    content: Picture, style: Picture, vgg: VGG19
) -> tuple[Result, dict[tuple[int, int], State]]:
    """A painting by `SETTLING`, and its states at `MOMENTS`, which are scales and steps."""
    states = {}
    for step in stylise(content, [style], SETTLING, vgg, preview_seconds=None):
        if isinstance(step, Result):
            return step, states
        if (step.scale, step.step) in MOMENTS:
            states[step.scale, step.step] = step.state()
    raise AssertionError


def test_a_painting_that_has_settled_is_delivered(
    settled: tuple[Result, object], content: Picture, style: Picture, vgg: VGG19
) -> None:
    first, _ = settled
    assert first.ended == ("settled", "settled")
    assert first.steps < 50
    again = painted(content, style, first.settings, vgg)
    assert np.array_equal(again.picture.samples, first.picture.samples)


@pytest.mark.parametrize("at", MOMENTS)
def test_a_settled_painting_is_the_same_after_an_interruption(
    settled: tuple[Result, dict[tuple[int, int], State]],
    content: Picture,
    style: Picture,
    vgg: VGG19,
    at: tuple[int, int],
) -> None:
    expected, states = settled
    *_, result = stylise(
        content, [style], SETTLING, vgg, preview_seconds=None, resume=states.pop(at)
    )
    assert isinstance(result, Result)
    assert result.settings == expected.settings
    assert np.array_equal(result.picture.samples, expected.picture.samples)


@pytest.mark.parametrize("long", [False, True], ids=["short", "with a plain end"])
def test_an_interrupted_painting_in_a_time_is_made_again_by_its_own_settings(
    content: Picture, style: Picture, vgg: VGG19, monkeypatch: pytest.MonkeyPatch, long: bool
) -> None:
    if long:
        monkeypatch.setattr(schedule, "LONG", 5)
        monkeypatch.setattr(schedule, "PLAIN", 3)
    settings = in_time(content, style, vgg, 20)
    state = next(
        step.state()
        for step in stylise(content, [style], settings, vgg, preview_seconds=None)
        if isinstance(step, Progress) and (step.scale, step.step) == (2, 3)
    )
    *_, result = stylise(content, [style], settings, vgg, preview_seconds=None, resume=state)
    assert isinstance(result, Result)
    assert bool(result.settings.plain_steps) == long
    again = painted(content, style, result.settings, vgg)
    assert np.array_equal(again.picture.samples, result.picture.samples)


def test_a_time_and_steps_for_each_scale_exclude_each_other() -> None:
    with pytest.raises(Exception, match="seconds: 20; expected none, since `scale_steps`"):
        resolve({"seconds": 20, "scale_steps": [10, 10]})
