"""The steps of a batch's paintings, from what a smaller one took."""

from engine.settings import resolve
from hotfolder.cli.batches.trial import steps_within


def test_the_steps_of_the_whole_are_those_that_fit_at_the_pace_of_the_trial() -> None:
    # 1 microsecond a pixel: 10 evaluations and 2 of preparation at 256 x 192 px.
    trial = {"settings": {"size": 256, "scale_steps": [10]}, "seconds": 12 * 256 * 192 * 1e-6}
    seconds = (12 * 512 * 384 + 22 * 256 * 192) * 1e-6
    found = steps_within((640, 480), resolve({"size": 512}), seconds, trial)
    assert found == ([20, 10], (512, 384))
