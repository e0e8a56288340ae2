"""The twenty pairs: what they are, and that nothing they are judged by was tuned on."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.pictures import packages
from benchmarks.pictures.packages import PACKAGED, Packaged, fetched, keep
from benchmarks.pictures.pairs import FINAL, INSTALLED, TUNING, chosen_pairs
from benchmarks.pictures.styles import PAINTED

WELL_KNOWN = {**INSTALLED, **PACKAGED, **PAINTED}


def test_there_are_ten_pairs_to_tune_on_and_ten_to_judge_by() -> None:
    assert len(set(TUNING)) == len(set(FINAL)) == 10


def test_every_picture_of_a_pair_has_a_source() -> None:
    assert {name for pair in TUNING + FINAL for name in pair.split("-")} == {*WELL_KNOWN}


def test_no_picture_is_both_tuned_on_and_judged_by() -> None:
    tuned, judged = (
        {name for pair in half for name in pair.split("-")} for half in (TUNING, FINAL)
    )
    assert not tuned & judged


def test_a_name_that_no_pair_has_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(SystemExit, match="cat-day: there are tuning, final, cat-night"):
        chosen_pairs(["cat-night", "cat-day"], None)


def test_a_picture_that_has_changed_in_its_package_is_not_used(tmp_path: Path) -> None:
    file, path = tmp_path / "here.png", tmp_path / "kept" / "there.png"
    Image.new("RGB", (4, 3)).save(file)
    with pytest.raises(SystemExit, match=r"apt:some: usr/here\.png has changed"):
        keep(file, Packaged("apt:some", "usr/here.png", "0" * 64, "", ""), path)
    assert not path.exists()


def test_a_large_picture_is_kept_with_1600_pixels(tmp_path: Path) -> None:
    file, path = tmp_path / "here.jpg", tmp_path / "kept" / "there.png"
    Image.new("CMYK", (3200, 500)).save(file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    keep(file, Packaged("apt:some", "usr/here.jpg", digest, "", ""), path)
    with Image.open(path) as kept:
        assert (kept.mode, kept.size) == ("RGB", (1600, 250))


def test_a_package_that_cannot_be_had_is_named_with_what_it_was_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "picture_folder", lambda: tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))  # no apt-get there
    with pytest.raises(SystemExit, match="apt:palapeli-data cannot be fetched"):
        fetched("castle")


@pytest.mark.parametrize(("name", "colours"), [("linocut", 2), ("screenprint", 7)])
def test_a_linocut_has_two_colours_and_a_poster_six_and_its_outlines(
    name: str, colours: int
) -> None:
    pixels = np.asarray(PAINTED[name]()).reshape(-1, 3)
    _, counts = np.unique(pixels, axis=0, return_counts=True)
    assert np.sort(counts)[-colours:].sum() > 0.75 * len(pixels)
