"""The whole way with the real worker and the real network, on small pictures: one run of
`Server(..., once=True)` over an inbox full of good and bad jobs."""

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from engine.images.picture import read_settings_text
from engine.settings import Settings
from hotfolder.config.model import Config
from hotfolder.config.reload import ConfigWatch
from hotfolder.paths import FolderPaths
from hotfolder.server.run_summary import RunSummary
from hotfolder.server.server import Server

QUICK = "size: 64\nscales: 1\nsteps: 2\n"


@dataclass
class Run:
    folder: FolderPaths
    run_summary: RunSummary
    heard: list[dict[str, Any]]

    def status(self, name: str) -> dict[str, Any]:
        document = json.loads((self.folder.status / f"{name}.json").read_text())
        assert isinstance(document, dict)
        return document


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, small_pictures: tuple[Path, Path]) -> Run:
    root = tmp_path_factory.mktemp("end_to_end") / "hot"
    folder = FolderPaths(root)
    folder.create()
    cat, cup = small_pictures
    inbox = folder.inbox
    shutil.copy(cup, folder.styles / "cup.png")
    (root / "outside.jpg").write_bytes(cat.read_bytes())

    def pair(name: str, sidecar: str = QUICK) -> None:
        shutil.copy(cat, inbox / f"{name}.content.jpg")
        shutil.copy(cup, inbox / f"{name}.style.png")
        (inbox / f"{name}.yaml").write_text(sidecar)

    def content(name: str, data: bytes, suffix: str = "jpg") -> None:
        pair(name)
        (inbox / f"{name}.content.jpg").unlink()
        (inbox / f"{name}.content.{suffix}").write_bytes(data)

    content("b1_text", b"Dear diary")
    content("b2_truncated", cat.read_bytes()[: cat.stat().st_size // 2])
    content("b3_empty", b"", "png")
    pair("b4_unknown_key", QUICK + "style_wieght: 2\n")
    pair("b5_wrong_type", "size: large\n")
    pair("b6_unknown_layer", QUICK + "style_layers:\n  relu1_1: 1\n  relu4_9: 1\n")
    shutil.copy(cat, inbox / "b7.jpg")
    (inbox / "b7_missing_style.yaml").write_text(QUICK + "content: b7.jpg\nstyles: cupp.png\n")
    (inbox / "b8_escape.yaml").write_text(QUICK + "content: ../outside.jpg\nstyles: cup.png\n")
    pair("b9_two_blends", QUICK + "style_blend: [1, 2]\n")
    pair("b10_no_better", QUICK + "optimiser: adam\nlearning_rate: 1000\n")
    pair("good_pair")
    shutil.copy(cat, inbox / "plain.jpg")
    (inbox / "good_sidecar.yaml").write_text(
        QUICK + "content: plain.jpg\nstyles: [cup.png, styles/cup.png]\nformat: jpeg\n"
    )
    pair("good_tiff", QUICK.replace("64", "content") + "format: tiff\n")
    pair("good_progression", QUICK + "progression: 2\n")
    heard: list[dict[str, Any]] = []
    config = Config.model_validate({"settle_seconds": 0.1, "devices": ["cpu"]})
    server = Server(
        ConfigWatch(config), [root], once=True, on_event=lambda status: heard.append(dict(status))
    )
    return Run(folder, server.run(), heard)


def test_every_good_job_is_done_and_every_bad_one_failed_or_held(run: Run) -> None:
    assert run.run_summary == RunSummary(done=4, failed=9, waiting=1, once=True)
    assert run.run_summary.exit_code == 10


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("b1_text", ["b1_text.content.jpg", "text"]),
        ("b2_truncated", ["b2_truncated.content.jpg"]),
        ("b3_empty", ["b3_empty.content.png", "empty"]),
        ("b4_unknown_key", ["b4_unknown_key.yaml, line 4: style_wieght", "'style_weight'"]),
        ("b5_wrong_type", ["b5_wrong_type.yaml, line 1: size", "a whole number"]),
        ("b6_unknown_layer", ["b6_unknown_layer.yaml, line 6: style_layers.relu4_9", "Did you"]),
        ("b8_escape", ["b8_escape.yaml, line 4: content: '../outside.jpg'"]),
        ("b9_two_blends", ["style_blend"]),
        ("b10_no_better", ["no lower than it was at the start", "learning_rate"]),
    ],
)
def test_bad_input_ends_as_a_clear_message(run: Run, name: str, words: list[str]) -> None:
    error = (run.folder.failed / name / "error.txt").read_text()
    status = run.status(name)
    for word in words:
        assert word in error
        assert word in status["message"]
    assert (status["state"], status["error"]) == ("failed", error)
    assert "Traceback" not in error
    assert str(run.folder.root) not in error


def test_what_lacks_a_picture_is_held_in_words_and_stays_in_the_inbox(run: Run) -> None:
    status = run.status("b7_missing_style")
    assert status["state"] == "held"
    assert "b7_missing_style.yaml, line 5: styles" in status["message"]
    assert "Did you mean 'cup.png'?" in status["message"]
    assert {path.name for path in run.folder.inbox.iterdir()} == {"b7.jpg", "b7_missing_style.yaml"}


def test_the_result_has_the_contents_aspect_and_carries_its_settings(run: Run) -> None:
    path = run.folder.outbox / "good_pair.png"
    with Image.open(path) as picture:
        picture.load()
        assert picture.size == (64, 43)
    embedded = json.loads(read_settings_text(path) or "")
    assert Settings.model_validate(embedded).steps == 2


def test_a_jpeg_is_a_jpeg(run: Run) -> None:
    with Image.open(run.folder.outbox / "good_sidecar.jpg") as picture:
        assert picture.format == "JPEG"


def test_a_tiff_as_large_as_the_content_is_a_tiff_as_large_as_the_content(run: Run) -> None:
    path = run.folder.outbox / "good_tiff.tif"
    with Image.open(path) as picture:
        assert (picture.format, picture.size) == ("TIFF", (96, 64))
    embedded = json.loads(read_settings_text(path) or "")
    assert Settings.model_validate(embedded).size == "content"
    assert run.status("good_tiff")["size"] == "content"


def test_a_sidecar_asks_for_how_the_result_came_about(run: Run) -> None:
    outbox = run.folder.outbox
    names = yaml.safe_load((outbox / "good_progression.result.yaml").read_text())["progression"]
    formats = []
    for name in names:
        with Image.open(outbox / name) as picture:
            picture.load()
            formats.append(picture.format)
    assert formats == ["JPEG", "WEBP", "PNG"]
    assert names[1] == "good_progression.progression.webp"
    assert not list(outbox.glob("good_pair.progression*"))


def test_the_record_says_everything_that_made_the_result(run: Run) -> None:
    record = yaml.safe_load((run.folder.outbox / "good_pair.result.yaml").read_text())
    assert list(record) == [
        *("name", "id", "picture", "content", "styles", "settings", "weights", "size", "seed"),
        *("losses", "steps", "rejected_moves", "seconds", "device", "precision"),
        *("output", "versions", "started", "finished"),
    ]
    assert Settings.model_validate(record["settings"]).size == 64
    assert record["content"]["file"] == "good_pair.content.jpg"
    assert record["content"]["size"] == [96, 64]
    assert len(record["content"]["sha256"]) == len(record["weights"]["sha256"]) == 64
    assert record["losses"].keys() == {"content", "style", "tv", "total"}
    assert record["versions"].keys() == {"impasto", "torch", "python"}
    assert record["size"] == [64, 43]
    assert record["output"] == {"format": "png", "bits": 8, "profile": "srgb", "metadata": []}


def test_the_status_tells_the_way_it_went(run: Run) -> None:
    states = [status["state"] for status in run.heard if status["name"] == "good_pair"]
    assert list(dict.fromkeys(states)) == ["waiting", "queued", "running", "done"]
    status = run.status("good_pair")
    assert (status["device"], status["attempt"]) == ("cpu", 1)
    assert (status["scale"], status["step"], status["steps"], status["fraction"]) == (1, 2, 2, 1.0)


def test_nothing_is_left_in_the_spool(run: Run) -> None:
    assert list(run.folder.spool.iterdir()) == []


def test_serving_does_not_need_torch_in_the_daemons_process() -> None:
    """The process tests measure it; this finds the import that did it."""
    import subprocess

    code = (
        "import sys, hotfolder.server.server; "
        "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_device_that_is_not_there_ends_the_daemon_in_words(
    tmp_path: Path, until: Callable[..., None]
) -> None:
    from hotfolder.errors import DispatchError

    config = Config.model_validate({"devices": ["cuda:77"], "settle_seconds": 0.1})
    folder = FolderPaths(tmp_path)
    folder.create()
    (folder.inbox / "a.content.jpg").write_bytes(b"x")
    (folder.inbox / "a.style.jpg").write_bytes(b"x")
    with pytest.raises(DispatchError, match="cuda:77") as caught:
        Server(ConfigWatch(config), [tmp_path], once=True).run()
    assert caught.value.exit_code == 3
    # The job is still in the queue, for a daemon with a device.
    assert json.loads((folder.status / "a.json").read_text())["state"] == "queued"
