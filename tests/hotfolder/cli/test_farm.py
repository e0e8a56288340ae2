"""A batch on a farm: its list run by others, killed and run again, and collected."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml
from PIL import Image
from processes import read_until_it_paints

from engine.errors import ExitCode
from hotfolder.cli.main import main

NULL_IMPASTO = Path(__file__).parents[1] / "programs" / "null_impasto.py"
TINY = {"size": 48, "scales": 1, "steps": 2, "precision": "float32"}
TINY_OPTIONS = [option for key, value in TINY.items() for option in ("--set", f"{key}={value}")]

pytestmark = pytest.mark.usefixtures("somewhere_else")


def program(folder: Path, arguments: list[str]) -> None:
    """The command `impasto` in a folder of its own on the path."""
    folder.mkdir()
    command = " ".join(f"'{argument}'" for argument in arguments)
    (folder / "impasto").write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    (folder / "impasto").chmod(0o755)


@pytest.fixture
def null_farm(somewhere_else: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """8 pictures, and an `impasto` that takes 0.05 s for each painting. Returns its journal."""
    program(somewhere_else / "bin", [sys.executable, "-P", str(NULL_IMPASTO)])
    monkeypatch.setenv("PATH", f"{somewhere_else / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("NULL_PAUSE", "0.05")
    monkeypatch.setenv("NULL_JOURNAL", str(somewhere_else / "journal"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    (somewhere_else / "photos").mkdir()
    for number in range(8):
        picture = somewhere_else / "photos" / f"picture {number:02}.png"
        Image.new("RGB", (8, 8), (number, 0, 0)).save(picture)
    return somewhere_else / "journal"


BATCH = ["batch", "photos", "-S", "night", "-S", "wave.png", *TINY_OPTIONS]


def run_list(processes: int = 4) -> "subprocess.Popen[bytes]":
    """The list by xargs, in a process group of its own."""
    return subprocess.Popen(
        ["xargs", "-a", "tasks.txt", "-d", "\\n", "-n", "1", "-P", str(processes), "sh", "-c"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def output_begun(line: str) -> str | None:
    found = re.fullmatch(r"begins (.+) \d+", line)
    return found[1] if found else None


def painted() -> dict[str, str]:
    return {path.name: path.read_text() for path in Path("painted").glob("*.png")}


def test_sixteen_tasks_killed_and_run_again_are_each_painted_once(
    null_farm: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (8, 8), (0, 0, 9)).save("wave.png")
    assert main([*BATCH, "--list", "tasks.txt"]) == ExitCode.OK
    lines = Path("tasks.txt").read_text().splitlines()
    assert len(lines) == len(set(lines)) == 16
    done: dict[str, str] = {}
    seen = 0
    for wanted in (3, 8):
        # Two of the same list at once: one farm has lost sight of what another still runs.
        farms = [run_list(2), run_list(2)]
        deadline = time.monotonic() + 120
        while len(painted()) < wanted:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        for farm in farms:
            os.killpg(farm.pid, signal.SIGKILL)
            farm.wait()
        journal = null_farm.read_text().splitlines()
        begun = Counter(line for line in map(output_begun, journal[seen:]) if line)
        assert max(begun.values()) == 1, "two processes painted one picture at once"
        seen, now = len(journal), painted()
        assert done.items() <= now.items(), "what was done was painted again"
        done = now
    assert len(done) < 16
    assert main([*BATCH, "--collect"]) == ExitCode.SOME_JOBS_FAILED
    errors = capfd.readouterr().err
    assert f"{len(done)} done, {16 - len(done)} pending." in errors
    assert "not painted yet" in errors

    assert main([*BATCH, "--list", "rest.txt"]) == ExitCode.OK
    rest = Path("rest.txt").read_text().splitlines()
    assert len(rest) == 16 - len(done)
    assert set(rest) < set(lines)
    assert run_list().wait(240) == 0
    assert done.items() <= painted().items()
    assert len(painted()) == 16
    assert not list(Path("painted").glob("*.checkpoints"))
    capfd.readouterr()
    assert main([*BATCH, "--collect"]) == ExitCode.OK
    assert "16 done." in capfd.readouterr().err
    summary = yaml.safe_load(Path("painted/summary.yaml").read_text())
    assert summary["totals"] == {"jobs": 16, "done": 16}
    assert main([*BATCH, "--dry-run"]) == ExitCode.OK
    assert "0 to paint, 16 done before" in capfd.readouterr().err


def test_a_task_that_fails_says_why_until_it_is_painted(
    null_farm: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    batch = ["batch", "photos/picture 00.png", "-S", "night", *TINY_OPTIONS]
    assert main([*batch, "--list", "tasks.txt"]) == ExitCode.OK
    Path("painted/picture 00-night.broken").touch()
    line = Path("tasks.txt").read_text()
    assert subprocess.run(line, shell=True).returncode == ExitCode.FILE_ACCESS
    assert main([*batch, "--collect"]) == ExitCode.SOME_JOBS_FAILED
    assert "picture 00-night: [Errno 5] Input/output error" in capfd.readouterr().err
    summary = yaml.safe_load(Path("painted/summary.yaml").read_text())
    assert summary["totals"] == {"jobs": 1, "failed": 1}
    Path("painted/picture 00-night.broken").unlink()
    assert subprocess.run(line, shell=True).returncode == 0
    assert main([*batch, "--collect"]) == ExitCode.OK


def test_a_foreign_picture_of_the_name_is_left_alone(null_farm: Path) -> None:
    batch = ["batch", "photos/picture 00.png", "-S", "night", *TINY_OPTIONS]
    Path("painted").mkdir()
    Path("painted/picture 00-night.png").write_text("mine")
    assert main([*batch, "--list", "tasks.txt"]) == ExitCode.OK
    assert subprocess.run(Path("tasks.txt").read_text(), shell=True).returncode == 0
    assert Path("painted/picture 00-night.png").read_text() == "mine"
    assert Path("painted/picture 00-night-2.png").read_text().startswith("painted by")
    assert main([*batch, "--collect"]) == ExitCode.OK


def test_the_list_names_everything_by_absolute_paths_and_its_settings(null_farm: Path) -> None:
    batch = ["batch", "photos/picture 00.png", "-S", "night", "-p", "preview", *TINY_OPTIONS]
    named = ["--name", "{content} in {style}", "--set", "format=tiff"]
    assert main([*batch, *named, "--list", "tasks.txt"]) == ExitCode.OK
    words = shlex.split(Path("tasks.txt").read_text())
    here = Path.cwd()
    config = Path(words[-2])
    assert words == [
        *("impasto", "stylise", f"{here}/photos/picture 00.png"),
        f"{here}/painted/.impasto-farm/night.jpg",
        *("--output", f"{here}/painted/picture 00 in night.tif"),
        *("--config", str(config), "--task"),
    ]
    settings = yaml.safe_load(config.read_text())["settings"]
    assert {key: settings[key] for key in TINY} == TINY
    assert (settings["preset"], settings["format"]) == ("preview", "tiff")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--within", "2h", "--list", "t"], "a farm's devices are not known"),
        (["--name", "{size}", "--set", "size=content", "--list", "t"], "`{size}` is not known"),
    ],
)
def test_what_a_list_cannot_have_is_refused_in_words(
    null_farm: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["batch", "photos", "-S", "night", *arguments]) != ExitCode.OK
    assert message in capfd.readouterr().err
    assert not Path("t").exists()


def test_a_painting_that_its_time_limit_stops_goes_on_as_the_same_task(
    photograph: Path, somewhere_else: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Slurm and others do: SIGTERM, and the same line again."""
    program(somewhere_else / "bin", [sys.executable, "-P", "-m", "hotfolder.cli"])
    monkeypatch.setenv("PATH", f"{somewhere_else / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    tiny = {**TINY, "steps": 24}
    options = [option for key, value in tiny.items() for option in ("--set", f"{key}={value}")]
    batch = ["batch", str(photograph), "-S", "night", *options]
    assert main([*batch, "--list", "tasks.txt"]) == ExitCode.OK
    line = Path("tasks.txt").read_text()

    first = subprocess.Popen(f"exec {line}", shell=True, stderr=subprocess.PIPE, text=True)
    read_until_it_paints(first)
    first.send_signal(signal.SIGSTOP)  # It takes as long as the second task needs.
    second = subprocess.run(line, shell=True, capture_output=True, text=True)
    assert second.returncode == ExitCode.FILE_ACCESS
    assert "another task paints it now" in second.stderr
    first.send_signal(signal.SIGTERM)
    first.send_signal(signal.SIGCONT)
    _, errors = first.communicate(timeout=60)
    assert first.returncode == ExitCode.INTERRUPTED, errors
    assert "The same command goes on from here." in errors
    assert main([*batch, "--collect"]) == ExitCode.SOME_JOBS_FAILED

    again = subprocess.run(line, shell=True, capture_output=True, text=True)
    assert again.returncode == ExitCode.OK, again.stderr
    assert "Goes on where it was interrupted: scale 1, step " in again.stderr
    (picture,) = Path("painted").glob("*.png")
    assert main(["stylise", str(photograph), "night", "-o", "whole.png", *options]) == ExitCode.OK
    assert picture.read_bytes() == Path("whole.png").read_bytes()
    record = yaml.safe_load((picture.parent / f"{picture.stem}.result.yaml").read_text())
    assert (record["steps"], record["picture"]) == (24, picture.name)
    assert main([*batch, "--collect"]) == ExitCode.OK
    assert Path("painted/contact-sheet.jpg").exists()
    written = picture.stat().st_mtime_ns
    assert subprocess.run(line, shell=True).returncode == ExitCode.OK
    assert picture.stat().st_mtime_ns == written
