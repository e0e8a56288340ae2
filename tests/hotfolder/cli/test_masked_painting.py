"""`stylise` and `submit` with masks and regions, with the real network on tiny pictures."""

import hashlib
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
        (["one.png", "--mask", "black.png"], "black.png: black or transparent everywhere"),
        (["one.png", "--mask", "text.png"], "text.png: this is a text file, not a picture"),
    ],
)
def test_bad_masks_are_an_error_in_words_and_no_file(
    words: list[str], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("text.png").write_text("no picture at all")
    code = main(["stylise", "cat.png", *words, "-o", "out.png", *OPTIONS])
    assert code == ExitCode.INPUT
    assert message in " ".join(capfd.readouterr().err.split())
    assert not Path("out.png").exists()


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
