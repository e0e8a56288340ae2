"""Checkpoints of a painting: when they are written, and which of them is gone on from."""

import errno
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support import FakeClock

from engine.state import State
from hotfolder.workers import checkpoints as module
from hotfolder.workers.checkpoints import SHARE, Checkpoints

MADE_OF: dict[str, Any] = {
    "settings": {"size": 64, "steps": 10},
    "inputs": ["aa", "bb"],
    "threads": 1,
}


def state(done: int) -> State:
    return State(
        scale=1,
        done=done,
        canvas=torch.full((1, 3, 4, 4), done / 100),
        optimiser={"moves": [torch.arange(48.0)], "scale": None},
        generator=torch.Generator().get_state(),
        seconds=1.5,
        extra={"progression": {"frames": [(0.5, 2, 1, b"\x00\xff")]}},
    )


@pytest.fixture
def make(tmp_path: Path, clock: FakeClock) -> Callable[..., Checkpoints]:
    def make(seconds: float = 30.0, **made_of: Any) -> Checkpoints:
        return Checkpoints(tmp_path, MADE_OF | made_of, seconds=seconds, clock=clock)

    return make


def done(checkpoints: Checkpoints) -> int | None:
    found = checkpoints.latest()
    return None if found is None else found.done


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_was_written_comes_back_from_another_process(make: Callable[..., Checkpoints]) -> None:
    make().write(lambda: state(7))
    found = make().latest()
    assert found is not None
    assert (found.scale, found.done, found.seconds) == (1, 7, 1.5)
    assert torch.equal(found.canvas, state(7).canvas)
    assert torch.equal(found.optimiser["moves"][0], torch.arange(48.0))
    assert found.extra == state(7).extra


def test_with_none_there_is_nothing_to_go_on_from(make: Callable[..., Checkpoints]) -> None:
    assert make().latest() is None


def test_at_most_two_are_kept_and_while_one_is_written_there_is_another(
    make: Callable[..., Checkpoints], tmp_path: Path
) -> None:
    checkpoints = make()
    for number in range(1, 5):

        def looked_at(number: int = number) -> State:
            assert number == 1 or done(make()) == number - 1
            return state(number)

        checkpoints.write(looked_at)
    assert names(tmp_path) == {f"checkpoint-{n}.{kind}" for n in (3, 4) for kind in ("pt", "json")}
    assert done(make()) == 4
    checkpoints.remove()
    assert names(tmp_path) == set()


def test_they_are_written_when_it_is_time(
    make: Callable[..., Checkpoints], clock: FakeClock
) -> None:
    checkpoints = make(seconds=30)
    checkpoints.keep(lambda: state(1))
    assert done(make()) is None
    clock.advance(30)
    checkpoints.keep(lambda: state(2))
    checkpoints.keep(lambda: state(3))
    assert done(make()) == 2
    clock.advance(30)
    checkpoints.keep(lambda: state(4))
    assert done(make()) == 4


def test_costly_ones_are_written_more_seldom(
    make: Callable[..., Checkpoints], clock: FakeClock
) -> None:
    checkpoints = make(seconds=30)

    def costly(number: int) -> State:
        clock.advance(6)
        return state(number)

    clock.advance(30)
    checkpoints.keep(lambda: costly(1))
    clock.advance(6 * SHARE - 7)
    checkpoints.keep(lambda: costly(2))
    assert done(make()) == 1
    clock.advance(1)
    checkpoints.keep(lambda: costly(3))
    assert done(make()) == 3


def test_without_an_interval_only_what_is_asked_for_is_written(
    make: Callable[..., Checkpoints], clock: FakeClock
) -> None:
    checkpoints = make(seconds=0)
    clock.advance(1000)
    checkpoints.keep(lambda: state(1))
    assert done(make()) is None
    checkpoints.write(lambda: state(2))
    assert done(make()) == 2


@pytest.mark.parametrize("damage", ["flipped", "truncated", "empty", "gone", "facts"])
def test_a_damaged_one_is_passed_over_for_the_one_before(
    make: Callable[..., Checkpoints],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    damage: str,
) -> None:
    for number in (1, 2):
        make().write(lambda number=number: state(number))
    data, facts = tmp_path / "checkpoint-2.pt", tmp_path / "checkpoint-2.json"
    whole = data.read_bytes()
    match damage:
        case "flipped":
            middle = len(whole) // 2
            data.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
        case "truncated":
            data.write_bytes(whole[:-100])
        case "empty":
            data.write_bytes(b"")
        case "gone":
            data.unlink()
        case "facts":
            facts.write_text('{"sha256": "')
    assert done(make()) == 1
    assert damage == "gone" or "checkpoint-2 is not used: " in caplog.text
    make().write(lambda: state(3))
    assert names(tmp_path) == {f"checkpoint-{n}.{kind}" for n in (1, 2) for kind in ("pt", "json")}


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"settings": {"size": 64, "steps": 11}}, "another settings.steps"),
        ({"inputs": ["aa", "cc"]}, "another inputs"),
        ({"threads": 2}, "another threads"),
        ({"hardware": "an abacus"}, "another hardware"),
        ({"state": "older"}, "another state"),
    ],
)
def test_one_of_another_painting_is_passed_over_in_words(
    make: Callable[..., Checkpoints],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    other: dict[str, Any],
    words: str,
) -> None:
    with monkeypatch.context() as patch:
        if "state" in other:
            patch.setattr(module, "STATE_VERSION", other["state"])
        make().write(lambda: state(1))
    assert make(**other).latest() is None
    assert words in caplog.text


def test_what_code_could_hide_in_is_not_read(
    make: Callable[..., Checkpoints], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import hashlib

    make().write(lambda: state(1))
    torch.save({"canvas": Path("/")}, tmp_path / "checkpoint-1.pt")
    facts = json.loads((tmp_path / "checkpoint-1.json").read_text())
    facts["sha256"] = hashlib.sha256((tmp_path / "checkpoint-1.pt").read_bytes()).hexdigest()
    (tmp_path / "checkpoint-1.json").write_text(json.dumps(facts))
    assert make().latest() is None
    assert "checkpoint-1 is not used" in caplog.text


def test_a_full_disk_costs_the_checkpoint_and_not_the_painting(
    make: Callable[..., Checkpoints],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make().write(lambda: state(1))
    before = names(tmp_path)

    def full(self: object, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("hotfolder.workers.checkpoints._Hashing.write", full)
        make().write(lambda: state(2))
    assert "could not be written: [Errno 28] No space left on device" in caplog.text
    assert names(tmp_path) == before
    assert done(make()) == 1


def test_on_a_nearly_full_disk_room_is_left_for_the_result(
    make: Callable[..., Checkpoints],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "RESERVE", 2**62)
    make().write(lambda: state(1))
    assert "the disk is nearly full" in caplog.text
    assert names(tmp_path) == set()


def test_which_one_is_gone_on_from_is_told(
    make: Callable[..., Checkpoints], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    make().write(lambda: state(1))
    make().latest()
    assert "goes on from checkpoint-1" in caplog.text
