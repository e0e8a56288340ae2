"""The parts of `benchmarks gpu` run on a CPU as they do on a GPU."""

from pathlib import Path

import pytest

from benchmarks.gpu import report


@pytest.mark.parametrize("part", ["correctness", "steps"])
def test_a_part_measures_every_row(part: str, results: Path) -> None:
    report.run(["--device", "cpu", "--sizes", "48", "--only", part])
    table = (results / "gpu.md").read_text()
    assert "Failed" not in table
    assert "no time" not in table
    rows = [line for line in table.splitlines() if line.startswith("| 48 ")]
    assert len(rows) == {"correctness": 3, "steps": 2}[part]


def test_a_painting_that_runs_out_of_memory_is_gone_on_with(results: Path) -> None:
    report.run(["--device", "cpu", "--sizes", "48", "--only", "memory", "paintings"])
    table = (results / "gpu.md").read_text()
    assert "ran out at step 4, went on checkpointed" in table
    assert [line[:9] for line in table.splitlines() if line.startswith("| 48 |")][1:] == [
        "| 48 | 1 ",
        "| 48 | 2 ",
        "| 48 | 4 ",
    ]


def test_what_there_is_no_time_for_says_so(results: Path) -> None:
    report.run(["--device", "cpu", "--sizes", "48", "--minutes", "0"])
    assert "no time left" in (results / "gpu.md").read_text()
