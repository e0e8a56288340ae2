"""What the server says is said in the words of the interface, from where the server says it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from client import Status
from painting.job import progress_text
from PIL import Image
from server_words import hindrance, in_our_words, pause_reason

from engine.errors import EngineError
from engine.estimate import timetable_of
from engine.images.picture import read_picture
from engine.memory.planner import Planner
from engine.network.vgg import load_vgg19
from engine.network.weights import load_weights
from engine.regions.areas import MaskPictures, areas_of
from engine.settings import resolve
from hotfolder.outbox.device_notes import no_worker
from hotfolder.paths import FolderPaths
from hotfolder.platforms.platform import DiskRoom
from hotfolder.spool.control_files import on_hold
from hotfolder.spool.disk_space import DiskSpace
from hotfolder.workers.dispatcher import DeviceState


def said(work: Callable[[], object], folder: Path) -> str:
    """The message of the engine, with the file as the server names it."""
    with pytest.raises(EngineError) as error:
        work()
    return str(error.value).replace(f"{folder}/", "").partition("\n")[0]


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


PICTURES = {
    "a.style.png": (b"", "The style picture: the file is empty. Choose another one."),
    "night.jpg": (b"no picture", "night.jpg: the server cannot read it. Open it in GIMP"),
    "a.content.png": (
        b"\x89PNG\r\n\x1a\nand no more",
        "The picture of the layer: the server cannot read it. Open it in GIMP",
    ),
    "a.style2.png": (b"II*\0\x10\0\0\0CR", "The style picture: the server cannot read it."),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_that_the_server_cannot_read_is_named(tmp_path: Path, name: str) -> None:
    content, ours = PICTURES[name]
    path = written(tmp_path / name, content)
    assert in_our_words(said(lambda: read_picture(path), tmp_path)).startswith(ours)


def test_a_picture_of_a_wrong_size_is_named_with_what_would_do(tmp_path: Path) -> None:
    path = tmp_path / "night.png"
    Image.new("RGB", (1, 1)).save(path)
    ours = in_our_words(said(lambda: read_picture(path), tmp_path))
    assert ours.startswith("night.png: 1 x 1 pixels are too few; each side needs ")
    Image.new("RGB", (2000, 1000)).save(path)
    ours = in_our_words(said(lambda: read_picture(path, max_megapixels=1), tmp_path))
    assert ours == "night.png: of its 2 megapixels the server reads 1 at most. Make it smaller."
    path.unlink()
    ours = in_our_words(said(lambda: read_picture(path), tmp_path))
    assert ours == "night.png: the server cannot find it any more. Choose another one."


def test_a_region_that_lies_on_what_is_transparent_is_named(tmp_path: Path) -> None:
    size = (64, 64)
    paths = [tmp_path / name for name in ("a.content.png", "a.mask1.png", "a.mask2.png")]
    content = Image.new("RGBA", size, (200, 100, 50, 255))
    content.paste((0, 0, 0, 0), (0, 0, 32, 64))
    left, right = Image.new("L", size), Image.new("L", size)
    left.paste(255, (0, 0, 32, 64))
    right.paste(255, (32, 0, 64, 64))
    for picture, path in zip((content, right, left), paths, strict=True):
        picture.save(path)
    read = [read_picture(path) for path in paths]
    masks = MaskPictures(regions=read[1:])
    settings = resolve({"regions": [path.name for path in paths[1:]]})
    ours = in_our_words(said(lambda: areas_of(masks, read[0], 2, settings), tmp_path))
    assert ours.startswith("The server finds too little of region 2: it needs 256 pixels")


def test_for_want_of_memory_a_size_is_named_that_would_fit(tmp_path: Path) -> None:
    planner = Planner(load_vgg19("caffe", "cpu", "float32"), resolve({}))
    ours = in_our_words(said(lambda: planner.plan((1024, 1024), 0, 220, 1_300_000_000), tmp_path))
    assert ours.startswith("The server has too little memory for 1024 x 1024 pixels; ")
    assert "on the longer side would fit" in ours
    ours = in_our_words(said(lambda: planner.plan((1024, 1024), 0, 220, 1000), tmp_path))
    assert ours == "The server has too little memory for this painting. Choose a smaller size."


def test_of_too_little_time_what_is_needed_is_named(tmp_path: Path) -> None:
    vgg = load_vgg19("caffe", "cpu")
    settings = resolve({"seconds": 1, "size": 1024})
    ours = in_our_words(
        said(lambda: timetable_of((1024, 512), settings, vgg, None, now=lambda: 0.0), tmp_path)
    )
    assert ours.startswith("1 s are too few for 1024 x 512 pixels on this server: ")


def test_weights_that_are_missing_are_the_servers_matter(tmp_path: Path) -> None:
    ours = "The server lacks the network that this preset paints with."
    for source in ("/nowhere.pth", str(written(tmp_path / "a.pth", b"no weights"))):
        assert in_our_words(said(lambda: load_weights(source), tmp_path)).startswith(ours)  # noqa: B023


def test_a_full_disk_is_told_without_the_servers_folders(tmp_path: Path) -> None:
    folder = FolderPaths(tmp_path / "hot")
    folder.create()
    shortage = DiskSpace(folder, disk_room=lambda _: DiskRoom(0, 10**12)).shortage()
    assert shortage is not None
    assert pause_reason(shortage) == "its disk is full"
    assert in_our_words(shortage).startswith("The server's disk is full.")
    assert pause_reason("by Ann: the card is needed") == "by Ann: the card is needed"


def test_a_job_that_does_not_come_on_says_why() -> None:
    lost = no_worker([DeviceState("cpu", "lost", None, message="killed", silent=60)])
    queued = Status("cat", "queued", f"in the queue; {lost}", position=1)
    assert progress_text(queued) == (
        "In the queue, at place 1: the server's program that paints does not run"
    )
    paused = "in the queue; the server is paused (by Ann (she waits))"
    assert hindrance(paused) == "the server is paused (by Ann (she waits))"
    assert hindrance("in the queue") == ""


@pytest.mark.parametrize(
    ("words", "ours"),
    [
        (f"held: {on_hold('cat')}", "Somebody holds the painting back, so it is not made."),
        ("lacks a style picture (night.jpg)", "night.jpg: the server cannot find it any more."),
        (
            "3 workers that worked on it died; the last: signal 9. A smaller `size` needs less.",
            "The server's program that paints has ended while it painted",
        ),
        (
            "Stopped after 5 minutes of running, which is its limit (max_minutes), at step 3.",
            "The server stopped the painting after 5 minutes, which is its limit.",
        ),
        (
            "cat.yaml, line 9: seconds: unknown key; expected a known key.",
            "The server is older than this plug-in and knows no time.",
        ),
        ("The moon is full.", "The server says: The moon is full."),
    ],
)
def test_other_words_of_the_server(words: str, ours: str) -> None:
    assert in_our_words(words).startswith(ours)
