"""When a run counts as being as good as another, and its corrected seconds."""

from pathlib import Path

import pytest

from benchmarks.looks.neutral import Score
from benchmarks.race.calibration import Calibration, drift
from benchmarks.race.dominance import Scored, dominance
from benchmarks.race.results import undisturbed
from benchmarks.race.runs import Point, Run


def test_the_figure_is_the_first_picture_that_is_as_good_on_every_term() -> None:
    target = Score(content=5, style=10, unseen=0.1)
    run = [
        Scored(10 * 1, 1, 1.5, Score(1, 90, 0.9)),
        Scored(10 * 2, 2, 2.5, Score(6, 9, 0.2)),
        Scored(10 * 3, 3, 3.5, Score(5, 8, 0.1)),
        Scored(10 * 4, 4, 4.5, Score(4, 7, 0.3)),
    ]
    result = dominance(run, target)
    assert result.first == run[2]
    assert result.terms == {"content": 3, "style": 2, "unseen": None}
    assert result.ends_at == pytest.approx({"content": 0.8, "style": 0.7, "unseen": 3.0})


def test_a_run_on_a_machine_half_as_fast_counts_half_its_seconds() -> None:
    fastest, slow = Calibration(0.1, 0.05), Calibration(0.2, 0.1)
    assert drift(slow, slow, fastest, "float32") == pytest.approx(2)
    assert drift(fastest, slow, fastest, "bfloat16") == pytest.approx(1.5)


def test_a_stretch_beside_other_work_counts_at_the_runs_own_pace(tmp_path: Path) -> None:
    seconds = [12.0, 22.0, 32.0, 72.0, 82.0, 92.0]  # the third stretch was disturbed
    points = [Point(25 * n, at, f"{n}.png", at) for n, at in enumerate(seconds, start=1)]
    still = Calibration(0.1, 0.05)
    run = Run("plain", "float32", tmp_path, points, 92.0, still, still, [])
    assert undisturbed(run) == pytest.approx([12, 22, 32, 42, 52, 62])
