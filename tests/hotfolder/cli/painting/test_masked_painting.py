"""`stylise` and `submit` with masks and regions, with the real network on tiny pictures."""

import hashlib
import shlex
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from engine.errors import ExitCode
from engine.images.picture import read_picture
from hotfolder.cli.main import main

SIZE = (60, 40)
TINY = ["scales=1", "steps=2", "precision=float32", "content_boost=1"]
OPTIONS = ["--size", "content", *(word for each in TINY for word in ("--set", each))]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a picture, two styles, masks of its left and right, and label pictures."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("IMPASTO_HOT_FOLDER", raising=False)
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    for name in ("cat", "one", "two"):
        Image.fromarray(rng.integers(0, 255, (40, 60, 3), np.uint8)).save(f"{name}.png")
    left = np.zeros((40, 60), np.uint8)
    left[:, :30] = 255
    Image.fromarray(left).save("left.png")
    Image.fromarray(255 - left).save("right.png")
    left[:, :45] = 255
    Image.fromarray(left).save("most.png")
    Image.new("L", (30, 20), 0).save("black.png")
    labels = np.zeros((40, 60, 3), np.uint8)
    labels[:, :30], labels[:, 30:] = (255, 0, 0), (0, 0, 255)
    Image.fromarray(labels).save("labels.png")
    return tmp_path


def test_what_a_mask_leaves_black_is_the_file_to_the_bit() -> None:
    given = ["stylise", "cat.png", "one.png", "-o", "out.png", "--mask", "left.png"]
    assert main([*given, *OPTIONS]) == 0
    out, cat = read_picture("out.png").samples, read_picture("cat.png").samples
    assert np.array_equal(out[:, 30:], cat[:, 30:])
    assert not np.array_equal(out[:, :30], cat[:, :30])


def test_each_region_names_its_style() -> None:
    regions = ["--region", "left.png=one.png", "--region", "right.png=two.png"]
    assert main(["stylise", "cat.png", "-o", "out.png", *regions, *OPTIONS]) == 0
    given = ["stylise", "cat.png", "one.png", "two.png", "-o", "labelled.png"]
    labels = ["--labels", "labels.png", "--style-labels", "red.png", "--style-labels", "blue.png"]
    Image.new("RGB", SIZE, (255, 0, 0)).save("red.png")
    Image.new("RGB", SIZE, (0, 0, 255)).save("blue.png")
    assert main([*given, *labels, *OPTIONS]) == 0
    # The same regions in another way; of the second style only what the label means is taken.
    one, other = read_picture("out.png").pixels, read_picture("labelled.png").pixels
    assert np.abs(one - other).mean() < 0.02


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--region", "left.png"], "--region left.png: expected MASK=STYLE"),
        (["one.png", "--region", "left.png=two.png"], "leave out the STYLE before it"),
        (["one.png", "--labels", "labels.png"], "--labels and --style-labels belong together"),
        (
            ["one.png", "two.png", "--labels", "labels.png", "--style-labels", "labels.png"],
            "--style-labels: 1 for 2 styles",
        ),
        ([], "no style: name one after CONTENT"),
        (["one.png", "--mask", "none.png"], "none.png: no such file"),
        (["one.png", "--mask", "lefts.png"], "no such file. Did you mean 'left.png'?"),
        (["one.png", "--mask", "folder.png"], "folder.png: a folder, not a picture."),
        (["one.png", "--mask", "dead.png"], "dead.png: a link to nothing."),
        (["one.png", "--init", "folder.png"], "folder.png: a folder, not a picture."),
        (["one.png", "--palette", "folder.png"], "folder.png: a folder, not a picture, and no"),
        (["folder.png", "--mask", "left.png"], "folder.png: a folder, not a picture, and no such"),
        (["one.png", "--mask", "black.png"], "black.png: black or transparent everywhere"),
        (["one.png", "--mask", "text.png"], "text.png: this is a text file, not a picture"),
    ],
)
def test_bad_masks_are_an_error_in_words_and_no_file(
    words: list[str], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("text.png").write_text("no picture at all")
    Path("folder.png").mkdir()
    Path("dead.png").symlink_to("nothing.png")
    code = main(["stylise", "cat.png", *words, "-o", "out.png", *OPTIONS])
    assert code == ExitCode.INPUT
    assert message in " ".join(capfd.readouterr().err.split())
    assert not Path("out.png").exists()


@pytest.mark.parametrize(
    ("setting", "option"),
    [
        ("palette=two.png", "--palette FILE"),
        ("mask=left.png", "--mask FILE"),
        ("regions=[left.png]", "--region MASK=STYLE"),
        ("init_file=two.png", "--init FILE"),
    ],
)
@pytest.mark.parametrize("command", ["stylise", "batch", "plan", "submit"])
def test_a_setting_that_names_a_picture_says_with_which_option_it_comes(
    setting: str, option: str, command: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "hot"]) == 0
    styles = {"stylise": ["one.png", "-o", "out.png"], "batch": ["-S", "one.png"]}
    words = [command, "cat.png", *styles.get(command, ["one.png"]), "--set", setting]
    assert main(words) == ExitCode.CONFIGURATION
    words_said = " ".join(capfd.readouterr().err.split())
    assert f"names a picture, which comes with {option}" in words_said


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("colours=painting", "colours: painting; expected palette or blend, since there is a"),
        ("keep_colours=true", "keep_colours: true; expected false, or no `palette`"),
    ],
)
@pytest.mark.parametrize("command", ["stylise", "batch", "submit", "texture"])
def test_other_colours_beside_a_palette_are_refused_by_every_command(
    setting: str, message: str, command: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "hot"]) == 0
    out = ["-o", "out.png"]
    words = {
        "stylise": ["cat.png", "one.png", *out, "--task"],
        "batch": ["cat.png", "-S", "one.png", "--dry-run"],
        "submit": ["cat.png", "one.png"],
        "texture": ["one.png", *out],
    }
    asked = ["--palette", "two.png", "--set", setting]
    assert main([command, *words[command], *asked]) == ExitCode.CONFIGURATION
    assert message in capfd.readouterr().err
    assert not [*Path("hot/inbox").iterdir(), *Path.cwd().glob("out*")]


def test_what_is_said_of_a_mask_calls_it_by_its_name(capfd: pytest.CaptureFixture[str]) -> None:
    Image.new("L", (30, 20), 255).save("small.png")
    given = ["stylise", "cat.png", "one.png", "-o", "out.png", "--mask", "small.png"]
    assert main([*given, *OPTIONS]) == 0
    said = " ".join(capfd.readouterr().err.split())
    assert "Note: small.png of 30 x 20 px is scaled to the content's 60 x 40 px." in said


def test_a_served_folder_paints_the_same_and_the_record_tells_of_the_masks() -> None:
    assert main(["init", "hot"]) == 0
    inbox = Path("hot/inbox")
    for source, name in (
        *(("cat", "a.content"), ("one", "a.style"), ("two", "a.style2")),
        *(("left", "a.mask1"), ("right", "a.mask2"), ("most", "a.mask")),
    ):
        (inbox / f"{name}.png").write_bytes(Path(f"{source}.png").read_bytes())
    settings = dict(each.split("=") for each in TINY)
    (inbox / "a.yaml").write_text(
        yaml.safe_dump({"size": "content", **{k: yaml.safe_load(v) for k, v in settings.items()}})
    )
    assert main(["run", "hot"]) == 0
    record = yaml.safe_load(Path("hot/outbox/a.result.yaml").read_text())
    masks = record["masks"]
    assert masks["mask"]["file"] == "a.mask.png"
    assert [each["file"] for each in masks["regions"]] == ["a.mask1.png", "a.mask2.png"]
    assert masks["mask"]["sha256"] == hashlib.sha256(Path("most.png").read_bytes()).hexdigest()
    assert record["settings"]["mask"] == "a.mask.png"
    out, cat = read_picture("hot/outbox/a.png").samples, read_picture("cat.png").samples
    assert np.array_equal(out[:, 45:], cat[:, 45:])


def test_submit_delivers_masks_with_the_job() -> None:
    assert main(["init", "hot"]) == 0
    regions = ["--region", "left.png=one.png", "--region", "right.png=two.png"]
    given = ["submit", "cat.png", *regions, "--mask", "left.png"]
    assert main([*given, "--hot", "hot", "--no-wait"]) == 0
    names = {path.name for path in Path("hot/inbox").iterdir()}
    assert names == {
        *("cat.content.png", "cat.style.png", "cat.style2.png", "cat.yaml"),
        *("cat.mask.png", "cat.mask1.png", "cat.mask2.png"),
    }
    sidecar = yaml.safe_load(Path("hot/inbox/cat.yaml").read_text())
    assert sidecar["mask"] == "cat.mask.png"
    assert sidecar["regions"] == ["cat.mask1.png", "cat.mask2.png"]


TASK = ["stylise", "cat.png", "-o", "out/cat.png", "--task", *OPTIONS]


def test_a_task_is_painted_once_for_each_of_its_pictures(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Another mask, palette or start is other work: it never takes the first's result for its own,
    and never replaces it."""
    Path("out").mkdir()
    given = [*TASK, "one.png", "--palette", "two.png", "--mask", "left.png", "--init", "two.png"]
    assert main(given) == 0
    first = Path("out/cat.png").read_bytes()
    record = yaml.safe_load(Path("out/cat.result.yaml").read_text())
    hashes = {
        name: hashlib.sha256(Path(f"{name}.png").read_bytes()).hexdigest()
        for name in ("two", "left")
    }
    assert record["palette"] == {"file": "two.png", "size": [60, 40], "sha256": hashes["two"]}
    assert record["init"] == record["palette"]
    assert record["masks"]["mask"]["sha256"] == hashes["left"]
    assert (record["settings"]["mask"], record["settings"]["colours"]) == ("left.png", "palette")
    capfd.readouterr()
    Path("copy.png").write_bytes(Path("left.png").read_bytes())
    assert main([*given[:-3], "copy.png", *given[-2:]]) == 0  # The same, called otherwise.
    assert "made of the same: nothing to paint" in capfd.readouterr().err
    for option, other in (("--mask", "most.png"), ("--palette", "one.png"), ("--init", "one.png")):
        changed = [*given]
        changed[given.index(option) + 1] = other
        assert main(changed) == ExitCode.INPUT
        errors = " ".join(capfd.readouterr().err.split())
        assert "out/cat.png is there already, made of other pictures" in errors
    assert Path("out/cat.png").read_bytes() == first


def test_a_task_of_regions_says_so_in_its_record() -> None:
    Path("out").mkdir()
    regions = ["--region", "left.png=one.png", "--region", "right.png=two.png"]
    assert main([*TASK, *regions]) == 0
    record = yaml.safe_load(Path("out/cat.result.yaml").read_text())
    assert [each["file"] for each in record["masks"]["regions"]] == ["left.png", "right.png"]
    assert [each["file"] for each in record["styles"]] == ["one.png", "two.png"]
    whole = ["stylise", "cat.png", "-o", "whole.png", *regions, *OPTIONS]
    assert main(whole) == 0
    assert Path("out/cat.png").read_bytes() == Path("whole.png").read_bytes()


def test_the_paths_of_a_region_may_have_an_equals_sign() -> None:
    Path("a=b").mkdir()
    for name in ("left", "one"):
        Path(f"a=b/{name}.png").write_bytes(Path(f"{name}.png").read_bytes())
    regions = ["--region", "a=b/left.png=a=b/one.png", "--region", "right.png=two.png"]
    assert main(["stylise", "cat.png", "-o", "out.png", *regions, *OPTIONS]) == 0


@pytest.fixture
def photos() -> Path:
    """Two pictures, of which one has a mask and the masks of two regions."""
    Path("photos").mkdir()
    for source, name in (
        *(("cat", "cat"), ("two", "dog"), ("most", "cat.mask")),
        *(("left", "cat.mask1"), ("right", "cat.mask2")),
    ):
        Path(f"photos/{name}.png").write_bytes(Path(f"{source}.png").read_bytes())
    return Path("photos")


BATCH = ["batch", "photos", "-S", "one.png+two.png", "--palette", "two.png", "--size", "content"]


def test_a_batch_paints_with_the_masks_beside_its_pictures(
    photos: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    batch = [*BATCH, *OPTIONS[2:]]
    assert main([*batch, "--dry-run"]) == 0
    plan = capfd.readouterr().out.splitlines()
    assert len(plan) == 2
    assert ", palette two.png, mask cat.mask.png, regions cat.mask1.png cat.mask2.png" in plan[0]
    assert main([*batch, "--here"]) == 0
    out = read_picture("painted/cat-one+two.png").samples
    cat = read_picture("cat.png").samples
    assert np.array_equal(out[:, 45:], cat[:, 45:])
    assert not np.array_equal(out[:, :45], cat[:, :45])
    record = yaml.safe_load(Path("painted/cat-one+two.result.yaml").read_text())
    assert [len(record["masks"]["regions"]), record["settings"]["colours"]] == [2, "palette"]
    summary = yaml.safe_load(Path("painted/summary.yaml").read_text())
    assert summary["jobs"][0]["mask"] == ["photos/cat.mask.png"]
    assert main([*batch, "--dry-run"]) == 0
    assert "0 to paint, 2 done before" in capfd.readouterr().err
    (photos / "cat.mask.png").write_bytes(Path("left.png").read_bytes())
    assert main([*batch, "--dry-run"]) == 0
    assert "1 to paint, 1 done before" in capfd.readouterr().err


def test_the_tasks_of_a_farm_name_the_masks_and_are_known_as_done(
    photos: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    batch = [*BATCH, *OPTIONS[2:]]
    assert main([*batch, "--list", "tasks.txt"]) == 0
    for line in Path("tasks.txt").read_text().splitlines():
        assert main(shlex.split(line)[1:]) == 0
    assert main([*batch, "--collect"]) == 0
    assert "2 done." in capfd.readouterr().err
    cat, dog = (
        yaml.safe_load(Path(f"painted/{name}-one+two.result.yaml").read_text())
        for name in ("cat", "dog")
    )
    assert (len(cat["masks"]["regions"]), cat["palette"]["file"]) == (2, "two.png")
    assert "mask" not in dog.get("masks", {})


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-S", "one.png"], "cat.png has cat.mask1.png, cat.mask2.png for 1 style"),
        (["-S", "one.png+two.png", "--mask", "none.png"], "none.png: no such file"),
        (["-S", "one.png+two.png", "--palette", "none"], "none: no such file, and no such style"),
        (
            ["-S", "one.png+two.png", "--set", "style_statistic=histogram"],
            "expected gram, covariance or wasserstein with a mask or regions",
        ),
    ],
)
def test_masks_that_a_batch_cannot_use_end_it_before_anything_is_painted(
    photos: Path, capfd: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main(["batch", "photos", *words, "--here"]) != 0
    assert message in " ".join(capfd.readouterr().err.split())
    assert not Path("painted").exists()
