"""Batches without contents: a texture of each style."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image
from support import Room, starts_only
from support_batches import run_batch as run

from engine.errors import ExitCode
from hotfolder.batches.batch_file import parse_batch
from hotfolder.cli.main import main
from hotfolder.errors import SidecarError

BATCH = "styles: ['*.jpg', styles/wave.jpg]\nsettings: {texture: true, size: 64, tile: true}\n"
TINY = ["scales=1", "steps=2", "precision=float32"]
OPTIONS = ["--size", "48x32", "--tile", *(word for each in TINY for word in ("--set", each))]


def test_each_style_of_the_inbox_becomes_a_texture(unsheeted: Room) -> None:
    jobs = run(unsheeted, BATCH, "a.jpg", "b.jpg", "c.png")
    assert [*jobs] == ["b-a", "b-b", "b-wave"]
    assert {(job.content, job.settings.texture, job.settings.size) for job in jobs.values()} == {
        ("", True, 64)
    }
    assert [job.styles for job in jobs.values()] == [("a.jpg",), ("b.jpg",), ("wave.jpg",)]
    assert unsheeted.status("b")["state"] == "done"
    summary = yaml.safe_load((unsheeted.folder.outbox / "b.summary.yaml").read_text())
    assert summary["totals"] == {"jobs": 3, "done": 3}
    assert [(job["styles"], job.get("content")) for job in summary["jobs"]] == [
        (["a.jpg"], None),
        (["b.jpg"], None),
        (["wave.jpg"], None),
    ]
    (archive,) = unsheeted.folder.done.glob("*/b")
    assert {path.name for path in archive.iterdir()} >= {"a.jpg", "b.jpg", "b.batch.yaml"}
    assert (unsheeted.folder.inbox / "c.png").exists()
    assert (unsheeted.folder.styles / "wave.jpg").exists()


@pytest.mark.parametrize(
    ("styles", "recursive", "found"),
    [
        ("sea", "", ["b-a"]),
        ("sea", "recursive: true", ["b-a", "b-deep"]),
        ("sea/*.jpg", "", ["b-a"]),
        ("'styles/*'", "", ["b-night", "b-wave"]),
        ("night.jpg", "", ["b-night"]),
        ("[[night.jpg, wave.jpg]]", "", ["b-night+wave"]),
    ],
)
def test_folders_patterns_blends_and_the_library_are_styles(
    unsheeted: Room, styles: str, recursive: str, found: list[str]
) -> None:
    text = f"styles: {styles}\n{recursive}\nsettings: {{texture: true}}\n"
    jobs = run(unsheeted, text, "sea/a.jpg", "sea/deep/deep.jpg", "other.jpg", steps=6)
    assert sorted(jobs) == found


def test_a_pattern_of_the_inbox_waits_for_its_pictures_whatever_the_library_has(
    unsheeted: Room,
) -> None:
    assert not run(unsheeted, "styles: '*.jpg'\nsettings: {texture: true}", steps=4)
    assert "lacks a style for *.jpg" in unsheeted.status("b")["message"]
    unsheeted.drop("late.jpg", "late")
    unsheeted.step(6)
    assert [job.name for job in unsheeted.dispatcher.submitted] == ["b-late"]


def test_a_batch_of_textures_goes_on_after_a_restart_with_what_is_left(unsheeted: Room) -> None:
    unsheeted.dispatcher.script = starts_only
    run(unsheeted, BATCH, "a.jpg", steps=4)
    unsheeted.restart()
    unsheeted.step(8)
    assert unsheeted.status("b")["state"] == "done"
    painted = {path.stem for path in unsheeted.folder.outbox.glob("b-*.png")}
    assert painted == {"b-a", "b-wave"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("contents: a.jpg\nsettings: {texture: true}", "line 3: settings.texture: true; expected"),
        (
            "contents: a.jpg\nsettings:\n  - {}\n  - {texture_size: [64, 32]}",
            "line 5: settings.1.texture_size: [64, 32]; expected no such key beside `contents`",
        ),
        ("settings: [{texture: true}, {}]", "contents: missing; expected a picture's name"),
        ("settings: [{texture: true}, {}]", "settings.0.texture: true; expected it in all of"),
        ("settings: {texture: true, mask: m.png}", "settings.mask: m.png; expected nothing"),
        ("settings: {texture: true, size: content}", "settings.size: content; expected pixels"),
        ("texture: true", "line 2: texture: unknown key; expected `settings: {texture: ...}`"),
    ],
)
def test_what_a_batch_of_textures_cannot_be_is_refused_by_its_line(text: str, message: str) -> None:
    with pytest.raises(SidecarError) as caught:
        parse_batch(f"styles: night.jpg\n{text}".encode(), "b.batch.yaml", {})
    assert message in str(caught.value)


@pytest.fixture
def scans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With two styles, and no server."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("IMPASTO_HOT_FOLDER", raising=False)
    monkeypatch.chdir(tmp_path)
    Path("scans").mkdir()
    for name, colour in (("red", (200, 60, 40)), ("blue", (30, 60, 200))):
        Image.effect_noise((64, 64), 80).convert("RGB").save(f"scans/{name}.png")
        Image.new("RGB", (8, 8), colour).save(f"scans/{name}.mask.png")
    return tmp_path


def record_of(picture: Path) -> dict[str, Any]:
    text = picture.with_name(f"{picture.stem}.result.yaml").read_text()
    found = yaml.safe_load(text)
    assert isinstance(found, dict)
    return found


def test_the_command_paints_a_texture_of_each_and_nothing_twice(
    scans: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["batch", "--texture", "scans/*.png", "night", "-o", "tiles", *OPTIONS]
    assert main([*command, "--dry-run"]) == ExitCode.OK
    printed = capfd.readouterr()
    assert [line.split("\t")[:2] for line in printed.out.splitlines()] == [
        ["blue", "texture"],
        ["red", "texture"],
        ["night", "texture"],
    ]
    assert main(command) == ExitCode.OK
    pictures = {path.name for path in Path("tiles").glob("*.png")}
    assert pictures == {"blue.png", "red.png", "night.png"}
    record = record_of(Path("tiles/red.png"))
    assert (record["size"], record["settings"]["tile"]) == ([48, 32], True)
    assert Path("tiles/contact-sheet.jpg").exists()
    capfd.readouterr()
    assert main(command) == ExitCode.OK
    assert "3 done before" in capfd.readouterr().err


@pytest.mark.parametrize("size", ["48x32", "48"])
def test_a_farm_paints_the_list_of_textures_and_the_batch_knows_them(
    scans: Path, size: str, capfd: pytest.CaptureFixture[str]
) -> None:
    options = ["--size", size, *OPTIONS[2:]]
    command = ["batch", "--texture", "scans/red.png", "-o", "tiles", *options]
    assert main([*command, "--list", "tasks.txt"]) == ExitCode.OK
    (line,) = Path("tasks.txt").read_text().splitlines()
    program, *words = shlex.split(line)
    assert (program, words[:2]) == ("impasto", ["texture", str(scans / "scans" / "red.png")])
    assert words[2:5] == ["--size", size, "--tile"]
    for _ in range(2):
        assert main(words) == ExitCode.OK
    assert "nothing to paint" in capfd.readouterr().err
    assert main([*command, "--collect"]) == ExitCode.OK
    assert main([*command, "--dry-run"]) == ExitCode.OK
    assert "0 to paint, 1 done before" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--texture"], ExitCode.USAGE, "name a style, such as `night`"),
        ([], ExitCode.USAGE, "name CONTENTS, and a --style for them"),
        (["scans"], ExitCode.USAGE, "name CONTENTS, and a --style for them"),
        (["--texture", "nihgt"], ExitCode.INPUT, "nihgt"),
        (["--texture", "night", "--size", "9x99"], ExitCode.CONFIGURATION, "--size: 9; expected"),
        (["scans", "-S", "night", "-s", "texture=true"], ExitCode.USAGE, "a texture has no conte"),
    ],
)
def test_words_that_make_no_batch_of_textures_are_refused(
    scans: Path, words: list[str], code: ExitCode, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["batch", *words, "--dry-run"]) == code
    assert message in re.sub(r"[\s\u2502]+", " ", capfd.readouterr().err)
