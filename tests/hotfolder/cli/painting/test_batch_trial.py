"""What a batch with a time says before it starts: its workers, and the steps of its paintings."""

from types import SimpleNamespace
from typing import Any, cast

from engine.settings import resolve
from hotfolder.cli.batches.serving import workers_of
from hotfolder.cli.batches.trial import steps_within


def test_the_steps_of_the_whole_are_those_that_fit_at_the_pace_of_the_trial() -> None:
    # 1 microsecond a pixel: 10 evaluations and 2 of preparation at 256 x 192 px.
    trial = {"settings": {"size": 256, "scale_steps": [10]}, "seconds": 12 * 256 * 192 * 1e-6}
    seconds = (12 * 512 * 384 + 22 * 256 * 192) * 1e-6
    found = steps_within((640, 480), resolve({"size": 512}), seconds, trial)
    assert found == ([20, 10], (512, 384))


def test_the_workers_are_counted_once_the_first_has_told_how_many_there_are() -> None:
    said = [[], ["starting"], ["starting"], ["busy", "starting"]]
    told = iter([[{"state": state} for state in states] for states in said])
    client = cast("Any", SimpleNamespace(server=lambda: SimpleNamespace(devices=next(told))))
    assert workers_of(client, lambda: None) == 2
    assert list(told) == []
