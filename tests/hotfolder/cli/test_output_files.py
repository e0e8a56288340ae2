"""The files of commands that paint here: refused before the work, and never lost after it."""

import os
import shutil
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import ExitCode
from engine.images.picture import Picture, read_picture
from engine.settings import resolve
from hotfolder.cli.main import main
from hotfolder.cli.output_files import write_output
from hotfolder.errors import FolderError

PICTURE = Picture(np.full((40, 40, 3), 12345, np.uint16))


@pytest.fixture(autouse=True)
def content_here(somewhere_else: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "temporary").mkdir()
    Image.new("RGB", (64, 64), (60, 180, 60)).save("content.jpg")


def refused(capfd: pytest.CaptureFixture[str], output: str, *options: str) -> str:
    """What is said to a painting that could never end in time."""
    endless = ["--set", "steps=100000", "--set", "size=64"]
    code = main(["stylise", "content.jpg", "night", "-o", output, *endless, *options])
    assert code in (ExitCode.FILE_ACCESS, ExitCode.USAGE, ExitCode.CONFIGURATION, ExitCode.INPUT)
    return " ".join(capfd.readouterr().err.split())


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp", "avif"])
def test_a_painting_is_written_in_the_format_of_its_suffix(suffix: str) -> None:
    tiny = ["--size", "64", "--set", "steps=1", "--set", "scales=1"]
    assert main(["stylise", "content.jpg", "night", "-o", f"out.{suffix}", *tiny]) == ExitCode.OK
    origin = read_picture(f"out.{suffix}").origin
    assert origin is not None
    assert origin.format == {"jpg": "jpeg", "tif": "tiff"}.get(suffix, suffix)


def test_a_folder_in_the_outputs_place_is_refused_before_anything_is_painted(
    capfd: pytest.CaptureFixture[str],
) -> None:
    Path("out.png").mkdir()
    assert "is a folder" in refused(capfd, "out.png", "--force")


def test_a_name_too_long_for_the_disk_is_refused_before_anything_is_painted(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert "cannot be written" in refused(capfd, f"{'a' * 300}.png")


def test_a_link_that_leads_nowhere_is_something_that_is_there(
    capfd: pytest.CaptureFixture[str],
) -> None:
    Path("out.png").symlink_to("nowhere")
    assert "is there already" in refused(capfd, "out.png")


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may all")
def test_a_folder_without_rights_is_refused_before_anything_is_painted(
    capfd: pytest.CaptureFixture[str],
) -> None:
    Path("closed").mkdir(0o500)
    assert "cannot be written" in refused(capfd, "closed/out.png")


def test_a_disk_without_room_is_refused_before_anything_is_painted(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 12_000, 12_000))
    assert "may take 0 MB, and its disk has 0 MB free" in refused(capfd, "out.png")


def test_a_depth_that_the_format_does_not_have_is_refused_before_anything_is_painted(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert "bits: 16; expected 8 or auto" in refused(capfd, "out.jpg", "--set", "bits=16")


def test_another_suffix_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    assert "a .png, .jpg, .tif, .webp or .avif" in refused(capfd, "out.gif")


@pytest.mark.parametrize("name", ["out.tif", "out.png"])
def test_a_painting_whose_name_was_taken_meanwhile_lies_beside_it(name: str) -> None:
    Path(name).write_text("somebody else's")
    with pytest.raises(FolderError, match=r"is there already.*The painting is in") as caught:
        write_output(PICTURE, Path(name), resolve({}), force=False)
    assert Path(name).read_text() == "somebody else's"
    rescued = Path("out-painted.png").absolute()
    assert str(rescued) in str(caught.value)
    assert np.array_equal(read_picture(rescued).samples, PICTURE.samples)


def test_a_painting_whose_folder_is_gone_lies_among_the_temporary_files() -> None:
    with pytest.raises(FolderError, match=r"no such folder.*The painting is in") as caught:
        write_output(PICTURE, Path("gone/out.tif"), resolve({"format": "tiff"}), force=False)
    rescued = Path("temporary/out-painted.png").absolute()
    assert str(rescued) in str(caught.value)
    assert np.array_equal(read_picture(rescued).samples, PICTURE.samples)


def test_a_painting_that_the_format_does_not_take_is_kept_all_the_same() -> None:
    long = Picture(np.full((16, 16_384, 3), 7, np.uint8))
    with pytest.raises(FolderError, match=r"sides are at most 16383.*The painting is in"):
        write_output(long, Path("out.webp"), resolve({"format": "webp"}), force=False)
    assert np.array_equal(
        read_picture("out-painted.png").samples, long.samples.astype(np.uint16) * 257
    )
