"""`impasto doctor`: what it finds, and what it says of it."""

from pathlib import Path

import pytest

from engine.errors import ExitCode
from hotfolder.cli.main import main

pytestmark = pytest.mark.usefixtures("somewhere_else")


def test_the_doctor_finds_what_is_wrong(hot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "hot"]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    subjects = {line.split()[1] for line in lines if line.startswith(("ok", "warn"))}
    assert {"Python", "torch", "torchvision", "weights", "device", "config", "disk"} <= subjects
    assert any(line.startswith("warn  server") for line in lines)

    (hot / "outbox").rmdir()
    assert main(["doctor", "hot"]) == ExitCode.FILE_ACCESS
    assert "outbox: no such folder" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("speedups", "said"),
    [
        pytest.param(
            {"bfloat16": 1.84, "int8": 2.9},
            "ok    device       cpu, int8 (measured beside float32: bfloat16 1.8x, int8 2.9x)",
            id="faster",
        ),
        pytest.param(
            {"bfloat16": 0.31}, "float32 (measured beside float32: bfloat16 0.3x)", id="slower"
        ),
        pytest.param({}, "cpu, float32 (it has no other usable type)", id="not_usable"),
    ],
)
def test_the_doctor_says_what_precision_auto_means_and_why(
    speedups: dict[str, float],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from engine.network.precision import Speedups

    known = Speedups(tmp_path / "precision.json", lambda device: speedups)
    monkeypatch.setattr("engine.network.precision.measured_here", lambda: known)
    monkeypatch.setattr("engine.network.devices.resolve_devices", lambda wanted: ["cpu"])
    assert main(["doctor"]) == ExitCode.OK
    assert said in capsys.readouterr().out


def test_the_doctor_finds_a_device_that_cannot_compute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from engine.network.precision import Speedups

    def fails(device: str) -> dict[str, float]:
        raise RuntimeError("no kernel image is available for execution on the device")

    known = Speedups(tmp_path / "precision.json", fails)
    monkeypatch.setattr("engine.network.precision.measured_here", lambda: known)
    assert main(["doctor"]) == ExitCode.MISSING_DEPENDENCY
    assert "no kernel image is available" in capsys.readouterr().out
