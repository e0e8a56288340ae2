"""Everybody's picture at equal time, at a tiny size."""

import json
from pathlib import Path

import pytest

from benchmarks.looks.neutral import Score
from benchmarks.race import anytime
from benchmarks.race.calibration import Calibration
from benchmarks.race.runs import Point, Run


def test_ours_and_a_peer_are_scored_at_each_time(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    arguments = ["--size", "48", "--pairs", "cat-night", "--seconds", "1,5", "--threads", "1"]
    anytime.run([*arguments, "--peers", "plain", "--steps", "4"])
    table = (results / "anytime-48.md").read_text()
    assert "| cat-night | Impasto | 5 |" in table
    assert "| cat-night | plain | 5 |" in table
    folder = results / "anytime-48" / "cat-night"
    assert set(json.loads((folder / "at-5.key.json").read_text()).values()) == {"Impasto", "plain"}


def test_a_peer_has_the_last_picture_that_was_there_in_time(tmp_path: Path) -> None:
    """It takes 3 s to load and 2 s for an evaluation."""
    points = [Point(n, 3.0 + 2.0 * n, f"{n}.png", 0.0) for n in (2, 4, 6)]
    calibration = Calibration.measure("cpu")
    run = Run("plain", "float32", tmp_path, points, 15.0, calibration, calibration, [])
    found = anytime._latest([run], 8.5)
    assert found is not None
    assert (found.evaluations, found.seconds) == (4, 8.0)
    assert anytime._latest([run], 3.9) is None


def test_a_row_tells_who_painted_what_in_which_time() -> None:
    picture = anytime.Painted(Path("x.png"), 9.96, 41)
    pair = type("P", (), {"name": "cat-night"})()
    row = anytime._row(pair, "plain", 10.0, picture, Score(428_000.0, 130_000.0, 0.0245))
    assert row == "| cat-night | plain | 10 | 10.0 | 41 | 428 k | 130 k | 0.0245 |"
