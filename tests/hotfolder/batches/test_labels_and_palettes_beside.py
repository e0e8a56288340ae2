"""Label pictures and palettes beside the contents of a batch."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from support import Room, starts_only
from support_batches import run_batch as run

from engine.errors import ExitCode
from hotfolder.cli.main import main

BATCH = "contents: '*.jpg'\nstyles: [night.jpg]\n"
TINY = ["size=content", "scales=1", "steps=2", "precision=float32", "content_boost=1"]
OPTIONS = [word for each in TINY for word in ("--set", each)]


def test_a_palette_beside_a_content_gives_that_one_its_colours(unsheeted: Room) -> None:
    text = f"{BATCH}settings: {{keep_colours: true}}"
    jobs = run(unsheeted, text, "cat.jpg", "cat.palette.jpg", "dog.jpg")
    assert sorted(jobs) == ["b-cat-night", "b-dog-night"], "a palette is no content"
    cat, dog = jobs["b-cat-night"], jobs["b-dog-night"]
    assert (cat.palette, cat.settings.colours, cat.settings.keep_colours) == (
        "cat.palette.jpg",
        "palette",
        False,
    )
    assert (dog.palette, dog.settings.colours, dog.settings.keep_colours) == (
        None,
        "painting",
        True,
    )
    (archive,) = unsheeted.folder.done.glob("*/b")
    assert (archive / "cat.palette.jpg").exists()
    summary = yaml.safe_load((unsheeted.folder.outbox / "b.summary.yaml").read_text())
    assert [job.get("palette") for job in summary["jobs"]] == [["cat.palette.jpg"], None]


def test_a_palette_beside_a_content_takes_the_place_of_the_batchs(unsheeted: Room) -> None:
    text = f"{BATCH}settings: {{palette: wave.jpg, colours: blend}}"
    jobs = run(unsheeted, text, "cat.jpg", "cat.palette.jpg", "dog.jpg")
    found = {name: (job.palette, job.settings.colours) for name, job in jobs.items()}
    assert found == {
        "b-cat-night": ("cat.palette.jpg", "blend"),
        "b-dog-night": ("wave.jpg", "blend"),
    }


@pytest.mark.parametrize("styles", ["night.jpg", "own.png"])
def test_labels_go_with_the_label_pictures_of_the_styles(unsheeted: Room, styles: str) -> None:
    files = ["sea/cat.jpg", "sea/cat.labels.png", "sea/dog.jpg", "own.png", "own.labels.png"]
    jobs = run(unsheeted, f"contents: sea\nstyles: {styles}", *files)
    stem = Path(styles).stem
    cat, dog = jobs[f"b-cat-{stem}"], jobs[f"b-dog-{stem}"]
    assert (cat.regions, cat.style_regions) == (("cat.labels.png",), (f"{stem}.labels.png",))
    assert cat.settings.style_regions == [f"{stem}.labels.png"]
    assert (dog.regions, dog.style_regions) == ((), ())
    assert len(jobs) == 2, "a label picture is no content"
    assert (unsheeted.folder.styles / "night.labels.png").exists()
    assert (unsheeted.folder.inbox / "own.labels.png").exists() == (styles == "night.jpg")


@pytest.mark.parametrize(
    ("files", "styles", "message"),
    [
        (["a.labels.png"], "wave.jpg", "a.labels.png, but wave.jpg has no label picture"),
        (["a.labels.png", "a.mask1.png"], "night.jpg", "expected a label picture or masks of re"),
        (["a.labels.png", "a.labels.jpg"], "night.jpg", "several files for labels: a.labels.jpg"),
        (["a.palette.png", "a.palette.jpg"], "night.jpg", "several files for palette: a.palette"),
    ],
)
def test_what_does_not_fit_is_waited_for_in_words(
    unsheeted: Room, files: list[str], styles: str, message: str
) -> None:
    text = f"contents: '*.jpg'\nstyles: {styles}"
    assert not run(unsheeted, text, "a.jpg", *files, steps=4)
    assert message in unsheeted.status("b")["message"]
    for name in files:
        (unsheeted.folder.inbox / name).unlink()
    unsheeted.step(4)
    assert [job.name for job in unsheeted.dispatcher.submitted] == [f"b-a-{styles[:-4]}"]


def test_a_batch_has_the_same_labels_and_palettes_after_a_kill(unsheeted: Room) -> None:
    unsheeted.dispatcher.script = starts_only
    files = [f"{name}.{end}" for name in "ac" for end in ("jpg", "labels.png", "palette.png")]
    run(unsheeted, BATCH, *files, steps=8)
    unsheeted.restart()
    unsheeted.step(12)
    job = {job.name: job for job in unsheeted.dispatcher.submitted}["b-c-night"]
    assert (job.palette, job.settings.colours) == ("c.palette.png", "palette")
    assert (job.regions, job.style_regions) == (("c.labels.png",), ("night.labels.png",))
    assert unsheeted.status("b")["state"] == "done"


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two pictures, of which one has labels and one a palette, and a style with labels."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("IMPASTO_HOT_FOLDER", raising=False)
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    rng = np.random.default_rng(1)
    for name in ("photos/cat", "photos/dog", "night"):
        Image.fromarray(rng.integers(0, 255, (40, 60, 3), np.uint8)).save(f"{name}.png")
    labels = np.zeros((40, 60, 3), np.uint8)
    labels[:, :30], labels[:, 30:] = (255, 0, 0), (0, 0, 255)
    Image.fromarray(labels).save("photos/cat.labels.png")
    Image.fromarray(labels[:, ::-1]).save("night.labels.png")
    Image.new("RGB", (20, 20), (40, 90, 60)).save("photos/dog.palette.png")
    return tmp_path


def test_the_command_paints_with_them_and_nothing_twice(
    photos: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["batch", "photos", "-S", "night.png", *OPTIONS]
    assert main(command) == ExitCode.OK
    assert {path.name for path in Path("painted").glob("*.png")} == {
        "cat-night.png",
        "dog-night.png",
    }
    cat, dog = (
        yaml.safe_load(Path(f"painted/{name}-night.result.yaml").read_text())
        for name in ("cat", "dog")
    )
    assert [len(cat["masks"][key]) for key in ("regions", "style_regions")] == [1, 1]
    assert dog["settings"]["colours"] == "palette"
    pixels = np.asarray(Image.open("painted/dog-night.png").convert("RGB"), float)
    assert np.abs(pixels.mean(axis=(0, 1)) - (40, 90, 60)).max() < 12, "the palette's colours"
    capfd.readouterr()
    assert main(command) == ExitCode.OK
    assert "2 done before" in capfd.readouterr().err
    Image.new("RGB", (20, 20), (90, 60, 40)).save("photos/dog.palette.png")
    assert main([*command, "--dry-run"]) == ExitCode.OK
    assert "1 to paint, 1 done before" in capfd.readouterr().err, "another palette, other work"


def test_a_farms_tasks_have_them(photos: Path, capfd: pytest.CaptureFixture[str]) -> None:
    command = ["batch", "photos", "-S", "night.png", *OPTIONS]
    assert main([*command, "--list", "tasks.txt"]) == ExitCode.OK
    cat, dog = (shlex.split(line)[1:] for line in Path("tasks.txt").read_text().splitlines())
    assert cat[3:7] == [
        *("--labels", str(photos / "photos/cat.labels.png")),
        *("--style-labels", str(photos / "night.labels.png")),
    ]
    assert dog[3:5] == ["--palette", str(photos / "photos/dog.palette.png")]
    for words in (cat, dog):
        assert main(words) == ExitCode.OK
    capfd.readouterr()
    assert main([*command, "--dry-run"]) == ExitCode.OK
    assert "0 to paint, 2 done before" in capfd.readouterr().err


def test_labels_without_the_styles_end_the_command_before_anything_is_painted(
    photos: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("night.labels.png").unlink()
    assert main(["batch", "photos", "-S", "night.png", *OPTIONS]) == ExitCode.INPUT
    said = re.sub(r"\s+", " ", capfd.readouterr().err)
    assert "photos/cat.png has cat.labels.png, but night.png has no label picture" in said
    assert main(["batch", "photos/dog.palette.png", "-S", "night.png"]) == ExitCode.INPUT
    assert "a palette. Name the picture; the palette beside it is found" in capfd.readouterr().err
    assert not Path("painted").exists()
