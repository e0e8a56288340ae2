"""`throughput`: what a picture costs besides its evaluations."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from benchmarks.process import ROOT
from benchmarks.speed import throughput
from benchmarks.speed.throughput import Reports, whole_seconds


def test_a_folder_is_told_beside_single_commands(results: Path) -> None:
    throughput.run(["--pictures", "2", "--single", "1", "--size", "96", "--set", "steps=60"])
    table = (results / "throughput.md").read_text()
    assert "2 pictures, one style, 96 px" in table
    assert "| `impasto stylise`, 1 times | " in table
    assert "Besides its evaluations a picture costs " in table


def test_a_benchmark_that_is_ended_ends_what_it_has_started(
    tmp_path: Path, until: Callable[..., None]
) -> None:
    """SIGTERM, with a batch that would paint for hours."""
    command = [sys.executable, "-m", "benchmarks", "throughput", "--set", "steps=100000"]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as running:
        program = psutil.Process(running.pid)
        until(lambda: len(program.children(recursive=True)) >= 2, 60)  # the batch and its worker
        started = program.children(recursive=True)
        running.terminate()
        assert running.wait(30) == 128 + signal.SIGTERM
    _, left = psutil.wait_procs(started, 30)
    assert left == []
    assert list(tmp_path.iterdir()) == []


def test_the_evaluations_of_all_scales_are_counted_by_their_pace(tmp_path: Path) -> None:
    """10 evaluations of 0.5 s, then 4 of 2 s, and 3 s of preparation before each scale."""
    reports = Reports(tmp_path)
    for scale, steps, step, seconds in [
        (1, 10, 1, 3.5),
        (1, 10, 5, 5.5),
        (1, 10, 9, 7.5),
        (2, 4, 2, 15.0),
        (2, 4, 3, 17.0),
    ]:
        status = {"state": "running", "id": "a", "scale": scale, "scales": 2}
        status |= {"step": step, "steps": steps, "seconds": seconds}
        (tmp_path / "cat.json").write_text(json.dumps(status))
        reports.read()
    assert reports.evaluating("a") == pytest.approx(10 * 0.5 + 4 * 2)


def test_a_painting_of_which_little_was_seen_is_not_measured(tmp_path: Path) -> None:
    """As of a GPU, where a status is there every few dozen evaluations."""
    reports = Reports(tmp_path)
    for step, seconds in ((35, 4.0), (60, 5.0)):
        status = {"state": "running", "id": "a", "scale": 1, "scales": 1}
        status |= {"step": step, "steps": 60, "seconds": seconds}
        (tmp_path / "cat.json").write_text(json.dumps(status))
        reports.read()
    assert reports.evaluating("a") is None


def test_what_was_not_seen_at_every_scale_is_not_guessed(tmp_path: Path) -> None:
    reports = Reports(tmp_path)
    (tmp_path / "server.json").write_text('{"state": "running"}')
    (tmp_path / "half.json").write_text('{"state": "runn')
    for step in (3, 5):
        status = {"state": "running", "id": "a", "scale": 1, "scales": 2}
        status |= {"step": step, "steps": 6, "seconds": float(step)}
        (tmp_path / "cat.json").write_text(json.dumps(status))
        reports.read()
    assert reports.evaluating("a") is None
    assert reports.evaluating("b") is None


def test_a_picture_costs_what_passes_from_the_end_of_the_one_before_it_in_its_worker() -> None:
    """Two workers: one paints from 0 to 60 and from 62 on, one from 1 to 50 and from 55 on."""
    spans = [(0, 60), (1, 50), (55, 99), (62, 110)]
    times = [[f"2026-01-01T00:{at // 60:02}:{at % 60:02}Z" for at in span] for span in spans]
    records = [{"started": started, "finished": finished} for started, finished in times]
    assert whole_seconds(records) == [60, 49, 49, 50]
