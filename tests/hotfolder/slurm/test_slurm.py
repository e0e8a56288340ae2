"""A batch as an array job on a real Slurm (`make test-slurm`), by the script of docs/farm.md."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from PIL import Image

from engine.errors import ExitCode
from hotfolder.cli.main import main

pytestmark = pytest.mark.slurm

ROOT = Path(__file__).parents[3]
TINY = {"size": 48, "scales": 1, "precision": "float32"}
OPTIONS = [option for key, value in TINY.items() for option in ("--set", f"{key}={value}")]


@pytest.fixture
def farm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the script and an `impasto` on the path, which the jobs inherit."""
    monkeypatch.setenv("SLURM_CONF", os.environ["IMPASTO_SLURM_CONF"])
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IMPASTO_THREADS", "1")
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "impasto"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m hotfolder.cli "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    page = (ROOT / "docs" / "farm.md").read_text()
    (script,) = re.findall(r"^```bash\n(.+?)^```", page, re.M | re.S)
    (tmp_path / "farm.sbatch").write_text(script)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def submit(*options: str) -> str:
    command = ["sbatch", "--parsable", *options, "farm.sbatch", "tasks.txt"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def job(number: str) -> str:
    """What `scontrol` says of all its tasks, a line each."""
    command = ["scontrol", "show", "job", "--oneliner", number]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def wait(condition: Callable[[], bool], seconds: float, number: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, (job(number), logs())
        time.sleep(0.5)


def ended(number: str) -> bool:
    states = re.findall(r"JobState=(\w+)", job(number))
    return not {"PENDING", "RUNNING", "COMPLETING", "REQUEUED", "CONFIGURING"} & set(states)


def logs() -> str:
    return "\n".join(path.read_text() for path in sorted(Path().glob("farm-*.log")))


def test_an_array_job_paints_a_batch_and_the_same_job_again_paints_nothing(
    farm: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (farm / "photos").mkdir()
    for number in range(3):
        Image.new("RGB", (48, 32), (90 * number, 60, 30)).save(f"photos/a picture's {number}.png")
    Path("photos/broken.png").write_bytes(b"no picture")
    batch = ["batch", "photos", "-S", "night", *OPTIONS, "--set", "steps=6"]
    assert main([*batch, "--list", "tasks.txt"]) == ExitCode.OK
    number = submit("--array=1-4%2")
    wait(lambda: ended(number), 240, number)
    exit_codes = sorted(re.findall(r"ExitCode=(\d+):", job(number)))
    assert exit_codes == ["0", "0", "0", str(int(ExitCode.INPUT))], logs()
    assert main([*batch, "--collect"]) == ExitCode.SOME_JOBS_FAILED
    assert "1 failed" in capfd.readouterr().err
    summary = yaml.safe_load(Path("painted/summary.yaml").read_text())
    assert summary["totals"] == {"jobs": 4, "done": 3, "failed": 1}
    assert "broken.png" in summary["failures"][0]["reason"]

    times = {path: path.stat().st_mtime_ns for path in Path("painted").glob("*.png")}
    number = submit("--array=1-4%2")
    wait(lambda: ended(number), 240, number)
    assert {path: path.stat().st_mtime_ns for path in Path("painted").glob("*.png")} == times


def test_a_painting_longer_than_the_time_limit_goes_on_in_the_requeued_task(
    farm: Path, photograph: Path
) -> None:
    # As many steps as this machine makes in 80 seconds.
    batch = ["batch", str(photograph), "-S", "night", "--size", "128", "--seconds", "80"]
    assert main([*batch, "--list", "tasks.txt"]) == ExitCode.OK
    # A limit of a minute, of which the task is told from ten seconds after its start on.
    number = submit("--array=1-1", "--time=1", "--signal=B:TERM@20")
    for _ in range(20):
        wait(lambda: ended(number) or "Reason=BeginTime" in job(number), 120, number)
        if ended(number):
            break
        # Slurm would wait for two minutes, so that a job that cannot start does not do so for ever.
        # Not within the second in which it ended: slurmd takes that credential for revoked.
        time.sleep(2)
        subprocess.run(["scontrol", "update", f"JobId={number}_1", "StartTime=now"], check=True)
        wait(lambda: ended(number) or "JobState=RUNNING" in job(number), 60, number)
    assert re.findall(r"JobState=(\w+)", job(number)) == ["COMPLETED"], logs()
    assert int(re.findall(r"Restarts=(\d+)", job(number))[0]) >= 1
    assert "The same command goes on from here." in logs()
    resumed = [int(step) for step in re.findall(r"scale 1, step (\d+)", logs())]
    assert resumed
    assert resumed == sorted(set(resumed)), "a later run began before an earlier one"
    assert main([*batch, "--collect"]) == ExitCode.OK
