"""The short benchmarks run and write their tables and plots. Figures are not asserted."""

import importlib
import math
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS
from benchmarks.plot import Curve, Panel, draw
from benchmarks.speed import page
from engine.images.picture import read_picture


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("speed.roofline", "--size 48 --steps 1 --after 1 --seconds 0 --precisions float32"),
        ("memory.scaling", "--sizes 48 --steps 2 --precisions float32"),
    ],
)
def test_it_runs_and_writes_its_table(module: str, arguments: str, results: Path) -> None:
    importlib.import_module(f"benchmarks.{module}").run(arguments.split())
    (table,) = results.glob(f"{module.rpartition('.')[2]}*.md")
    assert "48 x" in table.read_text() or "56 x" in table.read_text()


def test_the_page_is_measured_beside_a_real_daemon_and_a_real_painting(results: Path) -> None:
    page.run(["--jobs", "3", "--watchers", "2", "--rounds", "1", "--steps", "2", "--size", "48"])
    table = (results / "page.md").read_text()
    assert "| | no page | 2 pages open |" in table
    assert "a painting of 48 px, 2 steps" in table


def test_a_plot_stands_values_that_logarithms_do_not(tmp_path: Path) -> None:
    curve = Curve("run", [(1.0, 0.0), (2.0, 5.0), (3.0, math.nan), (4.0, 2.0)])
    draw([Panel("loss", "seconds", [curve])], tmp_path / "plot.png")
    assert read_picture(tmp_path / "plot.png").width == 520


@pytest.mark.parametrize("module", [module for module, _ in BENCHMARKS.values()])
def test_each_name_has_a_module_that_runs(module: str) -> None:
    assert callable(importlib.import_module(f"benchmarks.{module}").run)
