"""A painting that was interrupted ends as one that was not, bit for bit."""

import gc
import io
import weakref
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.errors import StateError
from engine.images.picture import Picture, read_picture
from engine.network.vgg import VGG19
from engine.settings import resolve
from engine.state import State, load_state, save_state
from engine.stylise import Progress, Result, stylise

# Two scales; the second has three stages, as at 512 px: with `content_boost` (evaluations 1 and 2),
# without it, and with the plain Gram loss (8 to 10).
SETTINGS: dict[str, Any] = {
    **{"size": 64, "scales": 2, "coarse_steps": 5, "steps": 10},
    **{"history": 3, "strength": 90, "plain_steps": 3},
}
# Moves are taken back at both scales.
MISLED: dict[str, Any] = {"first_move": 0.5, "clamp": False, "preconditioning": 2.0}
ADAM: dict[str, Any] = {"optimiser": "adam", "learning_rate": 0.02}


@pytest.fixture(autouse=True)
def as_at_512_px(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.scheduling.stages.COARSEST", 32)


@pytest.fixture(scope="module")
def pictures(photograph: Path, painting: Path) -> tuple[Picture, Picture]:
    pixels = [read_picture(path).pixels[100:164, 100:164] for path in (photograph, painting)]
    return Picture(pixels[0]), Picture(pixels[1])


def through_a_file(state: State) -> State:
    file = io.BytesIO()
    save_state(state, file)
    file.seek(0)
    return load_state(file)


@pytest.mark.parametrize(
    ("values", "interruptions"),
    [
        # The first and the last of each scale, both sides of each change of stage, and one between.
        pytest.param({}, (0, 4, 6, 7, 10, 11, 12), id="lbfgs"),
        pytest.param(ADAM, (3, 8), id="adam"),
        pytest.param({"init": "noise"}, (3, 8), id="noise"),
        pytest.param(MISLED, (3, 4, 6, 9, 14), id="moves taken back"),
    ],
)
def test_from_any_step_the_end_is_the_same(
    pictures: tuple[Picture, Picture],
    vgg: VGG19,
    values: dict[str, Any],
    interruptions: tuple[int, ...],
) -> None:
    content, style = pictures
    settings = resolve(SETTINGS | values)
    states, whole = [], None
    for step in stylise(content, [style], settings, vgg):
        if isinstance(step, Result):
            whole = step
        else:
            states.append((step, through_a_file(step.state())))
    assert whole is not None
    for index in interruptions:
        before, state = states[index]
        first, *_, result = stylise(content, [style], settings, vgg, resume=state)
        assert isinstance(first, Progress)
        assert isinstance(result, Result)
        assert (first.scale, first.step) == (before.scale, before.step)
        assert first.losses == before.losses
        assert first.seconds >= state.seconds > 0
        assert result.losses == whole.losses
        assert result.rejected_moves == whole.rejected_moves
        np.testing.assert_array_equal(result.picture.pixels, whole.picture.pixels)


def test_a_state_is_of_the_moment_it_is_asked_for_and_stays_as_it_is(
    pictures: tuple[Picture, Picture], vgg: VGG19
) -> None:
    content, style = pictures
    one_stage = {"scales": 1, "steps": 5, "content_boost": 1, "plain_steps": 0}
    settings = resolve(SETTINGS | ADAM | one_stage)
    states: list[State] = []
    copies: list[State] = []
    for step in stylise(content, [style], settings, vgg):
        if isinstance(step, Progress):
            states.append(step.state())
            copies.append(through_a_file(states[-1]))
    assert [state.done for state in states] == [0, 1, 2, 3, 4]
    assert all(not torch.equal(a.canvas, b.canvas) for a, b in pairwise(states))
    for state, copy in zip(states[1:], copies[1:], strict=True):
        assert torch.equal(state.canvas, copy.canvas)
        assert torch.equal(state.optimiser["mean"], copy.optimiser["mean"])


def test_what_the_optimiser_forgets_after_an_interruption_is_kept_by_nobody(
    pictures: tuple[Picture, Picture], vgg: VGG19
) -> None:
    content, style = pictures
    settings = resolve(SETTINGS | {"scales": 1, "content_boost": 1, "history": 2})

    def begun() -> State:
        steps = stylise(content, [style], settings, vgg)
        *_, last = (next(steps) for _ in range(4))
        assert isinstance(last, Progress)
        return last.state()

    state = begun()
    oldest = weakref.ref(state.optimiser["moves"][0])
    steps = stylise(content, [style], settings, vgg, resume=state)
    del state
    next(steps)
    assert oldest() is not None
    for _ in range(3):
        next(steps)
    gc.collect()
    assert oldest() is None


def test_a_state_of_another_painting_is_refused_in_words(
    pictures: tuple[Picture, Picture], vgg: VGG19
) -> None:
    content, style = pictures
    first = next(stylise(content, [style], resolve(SETTINGS), vgg))
    assert isinstance(first, Progress)
    other = resolve(SETTINGS | {"size": 48})
    with pytest.raises(StateError, match="is of other pictures or settings"):
        list(stylise(content, [style], other, vgg, resume=first.state()))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({"scales": 1}, "is of other pictures or settings", id="fewer scales"),
        pytest.param(ADAM, "of another optimiser than adam", id="another optimiser"),
    ],
)
def test_a_state_of_other_settings_is_refused_in_words(
    pictures: tuple[Picture, Picture], vgg: VGG19, values: dict[str, Any], words: str
) -> None:
    content, style = pictures
    *_, last, _ = stylise(content, [style], resolve(SETTINGS), vgg)
    assert isinstance(last, Progress)
    with pytest.raises(StateError, match=words):
        list(stylise(content, [style], resolve(SETTINGS | values), vgg, resume=last.state()))


def test_a_state_of_the_form_for_gpus_is_refused_on_a_cpu(
    pictures: tuple[Picture, Picture], vgg: VGG19
) -> None:
    content, style = pictures
    first = next(stylise(content, [style], resolve(SETTINGS), vgg))
    assert isinstance(first, Progress)
    state = first.state()
    other = replace(state, optimiser={**state.optimiser, "inverse": None})
    with pytest.raises(StateError, match="of another kind of device than cpu"):
        list(stylise(content, [style], resolve(SETTINGS), vgg, resume=other))
