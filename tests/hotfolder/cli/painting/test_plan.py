"""`impasto plan`: what a painting would take."""

import re
from pathlib import Path

import pytest

from hotfolder.cli.main import main

FLOAT32 = ("--set", "precision=float32")
"""So that the figures are the same on every machine."""


def test_a_plan_says_mode_tiles_memory_and_time_of_every_scale(
    photograph: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", str(photograph), "--size", "1024", "--memory", "1.6GB"]) == 0
    printed, said = capsys.readouterr()
    headings, *rows = printed.splitlines()
    assert headings.split() == ["SIZE", "STEPS", "MODE", "TILES", "PAIRS", "PEAK", "MEMORY", "TIME"]
    assert [row.split()[0] for row in rows] == ["256", "512", "1024"]
    assert rows[0].split()[4] == "untiled"
    assert rows[-1].split()[4] == "tiled"
    assert "budget of 1.60 GB" in said


def test_what_is_needed_and_what_may_be_held_are_told_apart(
    photograph: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*FLOAT32, "--device", "cpu", "--size", "512", "--memory"]
    amounts = []
    for memory in ("2GB", "100GB"):
        assert main(["plan", str(photograph), *words, memory]) == 0
        needs, _, _ = capsys.readouterr().err.partition("; ")
        amounts.append([float(amount) for amount in re.findall(r"([0-9.]+) GB", needs)])
    (tight,), (needed, held) = amounts
    assert tight == needed < held < 2 * needed


def test_what_does_not_fit_is_said_before_anything_is_painted(
    photograph: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", str(photograph), *FLOAT32, "--size", "1024", "--memory", "1.3GB"]) == 15
    assert "px on the longer side would fit" in capsys.readouterr().err


def test_the_words_of_a_painting_can_be_planned_and_regions_take_their_memory(
    photograph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    masks = [tmp_path / f"{number}.png" for number in range(10)]
    for mask in masks:
        mask.write_bytes(b"not looked at")
    regions = [word for mask in masks for word in ("--region", f"{mask}=night")]
    peaks = []
    for words in (["night", *FLOAT32], [*regions, *FLOAT32]):
        assert main(["plan", str(photograph), *words, "--size", "512", "--memory", "4GB"]) == 0
        last = capsys.readouterr().out.splitlines()[-1].split()
        peaks.append(float(last[-3]))
        assert last[-2] == "GB"
    assert peaks[1] > peaks[0]
    assert main(["plan", str(photograph), "--mask", str(tmp_path / "none.png")]) == 2


def test_memory_is_auto_or_an_amount(photograph: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", str(photograph), "--memory", "plenty"]) == 1
    assert "such as 6GB" in capsys.readouterr().err
