"""What lies outside of the hot folder stays as it is, and what is taken is what was seen, whoever
swaps files and folders while the server works."""

import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import (
    FakeClock,
    FakeDispatcher,
    Room,
    fails,
    paints,
    starts_only,
)

from benchmarks.reliability.faults import Faults, faults
from hotfolder import descriptors, folder_access
from hotfolder.batches.publishing import BatchPublisher
from hotfolder.job import Job
from hotfolder.paths import FolderPaths
from hotfolder.workers.events import Event

NAMES = ("cat.jpg", "dog.jpg", "cat.content.jpg", "cat.style.png", "preset.yaml")


@pytest.fixture(autouse=True)
def no_contact_sheets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child that makes one takes seconds."""
    monkeypatch.setattr(BatchPublisher, "_sheet_is_made", lambda *_: True)


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """Somebody else's folder, with pictures of the names that lie in the hot folder."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_bytes(b"theirs")
    return folder


@pytest.fixture
def injected(room: Room) -> Iterator[Faults]:
    with faults(room.folder.root) as injected:
        yield injected


def batch_of_an_album(room: Room) -> None:
    for name in ("cat.jpg", "dog.jpg"):
        room.drop(f"album/{name}")
    room.drop("trip.batch.yaml", "contents: album/*.jpg\nstyles: wave.jpg\n")


def preset(room: Room) -> None:
    room.drop("album/preset.yaml", "styles: wave.jpg\n")
    room.drop("album/cat.jpg")


def style_of_a_collection(room: Room) -> None:
    for name in ("cat.jpg", "dog.jpg"):
        (room.folder.styles / "album" / name).write_bytes(b"ours")
    room.drop("dog.jpg")
    room.drop("cup.yaml", "content: dog.jpg\nstyles: album/cat.jpg\n")


def retry(room: Room) -> None:
    for name in ("cat.content.jpg", "cat.style.png"):
        (room.folder.failed / "album" / name).write_bytes(b"ours")
    room.drop("album.retry", "")


SWAPPED: dict[str, tuple[str, Callable[[Room], None]]] = {
    "batch": ("inbox", batch_of_an_album),
    "preset": ("inbox", preset),
    "style": ("styles", style_of_a_collection),
    "retry": ("failed", retry),
}


@pytest.mark.parametrize("what", SWAPPED)
def test_a_folder_that_becomes_a_link_while_a_job_is_taken_hands_out_nothing_of_a_stranger(
    tmp_path: Path, theirs: Path, clock: FakeClock, what: str
) -> None:
    """At any file operation from the first scan to the end of what was taken."""
    place, drop = SWAPPED[what]
    painted: list[bytes] = []

    def script(job: Job) -> Iterator[Event]:
        painted.extend(path.read_bytes() for path in Path(job.folder, "inputs").iterdir())
        return iter(list(paints(job)))

    for n in itertools.count(1, 3):
        folder = FolderPaths(tmp_path / f"hot{n}")
        folder.create()
        (folder.styles / "wave.jpg").write_bytes(b"x")
        album = folder.root / place / "album"
        album.mkdir()
        with faults(folder.root) as injected:
            room = Room(folder, clock)
            drop(room)
            room.restart(script)

            def swap(album: Path = album) -> None:
                if album.exists():  # A failed job's is gone when all of it has been taken.
                    album.rename(album.with_name("album.before"))
                album.symlink_to(theirs)

            injected.heal()
            injected.strike(lambda n=n, injected=injected: injected.count == n, swap)  # type: ignore[misc]
            room.step(3)
            swapped = injected.count >= n
        assert {path.name: path.read_bytes() for path in theirs.iterdir()} == dict.fromkeys(
            NAMES, b"theirs"
        ), n
        taken = [path.read_bytes() for path in folder.root.rglob("*") if path.is_file()]
        assert b"theirs" not in [*taken, *painted], n
        shutil.rmtree(folder.root)
        if not swapped:
            break
    assert n > 20


@pytest.mark.parametrize("how", ["another file", "a link", "another time"])
def test_a_picture_that_is_swapped_at_the_claim_is_looked_at_anew(
    room: Room, injected: Faults, theirs: Path, how: str
) -> None:
    """At the very rename that would take it."""
    room.drop_pair("cat")
    room.daemon  # noqa: B018  (starts it)
    picture = room.folder.inbox / "cat.style.png"
    swapped: list[str] = []

    def swap() -> None:
        swapped.append(how)
        if how == "another time":
            os.utime(picture, (1, 1))
            return
        picture.unlink()
        if how == "a link":
            picture.symlink_to(theirs / "cat.style.png")
        else:
            picture.write_bytes(b"half a pict")

    def is_being_taken() -> bool:
        there = room.folder.spool.glob("*/inputs/cat.content.jpg")
        return not swapped and any(there)

    injected.strike(is_being_taken, swap)
    while not swapped:
        room.step()
    assert list(room.folder.spool.iterdir()) == []
    assert room.dispatcher.submitted == []
    assert (room.folder.inbox / "cat.content.jpg").read_bytes() == b"picture"
    room.step(6)
    if how == "a link":
        assert "cat.style.png: a link" in room.error("cat")
    else:
        assert room.status("cat")["state"] == "done"
    assert {path.read_bytes() for path in theirs.iterdir()} == {b"theirs"}


def test_an_interrupted_claim_takes_no_other_file_than_the_one_that_was_seen(
    room: Room, injected: Faults
) -> None:
    class Killed(BaseException):
        pass

    def die() -> None:
        raise Killed

    room.drop_pair("cat")
    room.daemon  # noqa: B018  (starts it)
    injected.strike(lambda: any(room.folder.spool.glob("*/inputs/cat.content.jpg")), die)
    with pytest.raises(Killed):
        room.step(5)
    injected.strike(lambda: False, die)
    (room.folder.inbox / "cat.style.png").unlink()
    room.drop("cat.style.png", b"another picture")
    room.restart()
    room.step()
    assert room.tree() == {"inbox/cat.content.jpg", "inbox/cat.style.png"}
    room.step(5)
    assert room.status("cat")["state"] == "done"
    day = next(room.folder.done.iterdir())
    assert (day / "cat/cat.style.png").read_bytes() == b"another picture"


FORGED: dict[str, dict[str, object]] = {
    "source": {"moves": [{"source": "THEIRS/cat.jpg", "target": "cat.jpg", "shared": False}]},
    "target": {"moves": [{"source": "INBOX/x", "target": "../../../x", "shared": True}]},
    "content": {"job": {"content": "THEIRS/cat.jpg"}},
    "picture": {"state": "done", "outcome": {"picture": "THEIRS/cat.jpg"}},
    "extra output": {"state": "done", "outcome": {"extra_outputs": ["THEIRS/cat.jpg"]}},
    "published": {"state": "done", "outcome": {"published": "../../stolen"}},
    "folder": {"state": "failed", "outcome": {"folder": "../stolen"}},
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_job_takes_and_hands_out_no_file_from_outside(
    room: Room, theirs: Path, tmp_path: Path, what: str
) -> None:
    """Where a stranger can write into the server's own folder, too, as on many shares."""
    room.dispatcher.script = starts_only
    room.drop_pair("cat")
    room.step(3)
    (folder,) = room.folder.spool.iterdir()
    plan = json.loads((folder / "job.json").read_text())
    (folder / "result.png").write_bytes(b"ours")
    outcome = {"picture": "result.png", "finished": "2026-01-01T00:00:00+00:00"}
    for key, value in FORGED[what].items():
        if key == "outcome":
            plan[key] = outcome | value  # type: ignore[operator]
        elif key == "job":
            plan[key] |= value
        else:
            plan[key] = value
    text = json.dumps(plan).replace("THEIRS", str(theirs)).replace("INBOX", str(room.folder.inbox))
    (folder / "job.json").write_text(text)
    (folder / "state.json").unlink()
    before = {path for path in tmp_path.rglob("*") if not path.is_relative_to(room.folder.root)}
    room.restart()
    room.step(5)
    assert room.dispatcher.submitted == []
    assert room.status("cat")["state"] == "failed"
    files = {path.name for path in (room.folder.failed / "cat").iterdir()}
    assert {"cat.content.jpg", "cat.style.png"} <= files
    taken = [path.read_bytes() for path in room.folder.root.rglob("*") if path.is_file()]
    assert b"theirs" not in taken
    after = {path for path in tmp_path.rglob("*") if not path.is_relative_to(room.folder.root)}
    assert before == after


def name_weights(room: Room, weights: str) -> None:
    """As the configuration does for a job; the server ends and begins anew."""
    room.dispatcher = FakeDispatcher(capacity=0)
    room.drop_pair("cat")
    room.drop_pair("dog")
    room.step(3)
    plan_file = room.folder.spool / room.status("cat")["id"] / "job.json"
    plan = json.loads(plan_file.read_text())
    plan["job"]["settings"]["weights"] = weights
    plan_file.write_text(json.dumps(plan))


def test_a_forged_job_names_no_weights_file(room: Room) -> None:
    name_weights(room, "/home/other/pickled.pth")
    room.restart()
    room.dispatcher.capacity = 1
    room.step(6)
    assert room.status("cat")["state"] == "failed"
    assert "/home/other/pickled.pth" in room.status("cat")["error"]
    assert room.status("dog")["state"] == "done"
    assert [job.name for job in room.dispatcher.submitted] == ["dog"]


def test_a_job_keeps_the_weights_file_that_the_configuration_names(room: Room) -> None:
    name_weights(room, "/models/own.pth")
    room.settings["settings"] = {"weights": "/models/own.pth"}
    room.restart()
    room.dispatcher.capacity = 1
    room.step(6)
    assert room.status("cat")["state"] == room.status("dog")["state"] == "done"


def test_a_shared_picture_that_is_swapped_while_it_is_copied_is_looked_at_anew(
    room: Room, injected: Faults
) -> None:
    """Of two jobs that need it, the first copies it."""
    room.drop("wave.jpg", b"seen")
    for name in ("a", "b"):
        room.drop(f"{name}.jpg")
        room.drop(f"{name}.yaml", f"content: {name}.jpg\nstyles: wave.jpg\n")
    swapped: list[bytes] = []

    def swap() -> None:
        swapped.append(b"swapped")
        (room.folder.root / "new").write_bytes(b"swapped")
        (room.folder.root / "new").rename(room.folder.inbox / "wave.jpg")

    def is_being_copied() -> bool:
        return not swapped and any(room.folder.spool.glob("*/inputs/.impasto-*.part"))

    injected.strike(is_being_copied, swap)
    while not swapped:
        room.step()
    room.step(10)
    assert [room.status(name)["state"] for name in "ab"] == ["done", "done"]
    originals = {p.name: p.read_bytes() for p in room.folder.done.rglob("*.jpg")}
    assert originals["wave.jpg"] == b"swapped"


@pytest.mark.parametrize("place", ["done", "failed"])
def test_a_folder_whose_file_system_ignores_case_keeps_every_original(
    room: Room, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    top = room.folder.root / place
    at = descriptors.At

    def as_it_is_there(path: Path) -> Path:
        """`path` with the names that its components have on the disk, whatever their case."""
        if not path.is_relative_to(top) or path == top:
            return path
        parent = as_it_is_there(path.parent)
        names = os.listdir(parent) if parent.is_dir() else []  # noqa: PTH208
        same = [name for name in names if name.casefold() == path.name.casefold()]
        return parent / (same[0] if same else path.name)

    for module in (folder_access, descriptors):
        monkeypatch.setattr(module, "At", lambda path: at(as_it_is_there(path)))
    room.restart(fails if place == "failed" else paints)
    for name in ("cat", "Cat"):
        room.drop(f"{name}.yaml", "content: cup.jpg\nstyles: Cup.jpg\n")
        room.drop("cup.jpg", f"cup of {name}")
        room.drop("Cup.jpg", f"Cup of {name}")
        room.step(6)
    kept = [path.read_bytes().decode() for path in top.rglob("[!.]*.jpg")]
    assert sorted(kept) == ["Cup of Cat", "Cup of cat", "cup of Cat", "cup of cat"]
    assert not list(room.folder.spool.iterdir())
