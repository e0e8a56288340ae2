"""Results go to a temporary folder, and calibrations take milliseconds: no figure is asserted."""

from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.race import calibration


@pytest.fixture(autouse=True)
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def short_calibrations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "SIDE", 16)
    monkeypatch.setattr(calibration, "AT_LEAST", 0.0)
