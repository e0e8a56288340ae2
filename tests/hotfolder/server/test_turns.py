"""However much lies in the folder, a turn of the server is short, and all of it has its turn."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import FakeClock, Room, counted_calls, starts_only

from hotfolder.batches import candidates as batch_candidates
from hotfolder.batches import coordinator
from hotfolder.file_names import FreeNames
from hotfolder.inbox import model
from hotfolder.inbox.folder_scanner import FolderScanner
from hotfolder.inbox.style_library import MAX_LISTED, StyleLibrary
from hotfolder.spool import claimer, claims


@pytest.fixture(autouse=True)
def library(room: Room) -> None:
    (room.folder.styles / "wave.jpg").write_bytes(b"the library's wave")


def slow(clock: FakeClock, seconds: float, real: Callable[..., object]) -> Callable[..., object]:
    """`real`, which takes so long each time."""

    def read(*arguments: object) -> object:
        clock.advance(seconds)
        return real(*arguments)

    return read


def longest_turn(room: Room, turns: int) -> float:
    """Seconds, by the room's clock."""
    longest = 0.0
    for _ in range(turns):
        began = room.clock.now
        room.daemon.step()
        longest = max(longest, room.clock.now - began)
        room.clock.advance(0.25)
    return longest


def test_a_crowd_of_slow_sidecars_takes_many_short_turns_and_comes_to_its_end(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        room.drop(f"evil{number:02}.yaml", f"style_layers: {{x{number}: 1}}")
        room.drop(f"evil{number:02}.content.jpg")
        room.drop(f"evil{number:02}.style.jpg")
    room.drop_pair("good")
    monkeypatch.setattr(model, "read_sidecar", slow(room.clock, 0.33, model.read_sidecar))
    longest = longest_turn(room, 60)
    assert longest < claimer.SCAN_SECONDS + 0.4
    assert room.status("good")["state"] == "done"
    assert len(list(room.folder.failed.iterdir())) == 40


def test_while_a_scan_goes_on_the_heartbeat_is_written(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.dispatcher.script = starts_only
    room.drop_pair("first")
    room.step(3)
    for number in range(40):
        room.drop(f"evil{number:02}.yaml", "size: 64")
    monkeypatch.setattr(model, "read_sidecar", slow(room.clock, 0.33, model.read_sidecar))
    room.step(2)
    updated, turns = set(), 0
    while room.daemon._claimer.is_scanning:
        room.step(seconds=0.25)
        turns += 1
        updated.add(room.status("server")["updated"])
    assert turns > 15
    assert len(updated) > turns / 3
    assert room.status("first")["state"] == "running"


def test_nothing_is_decided_before_all_that_may_name_a_picture_is_read(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last sidecar to be read names the picture that the first job would move away."""
    room.drop("a.jpg")
    room.drop("a.yaml", "content: a.jpg\nstyles: wave.jpg")
    for number in range(10):
        room.drop(f"m{number}.yaml", "size: 64")
    room.drop("z.yaml", "content: a.jpg\nstyles: wave.jpg\nsize: 64")
    monkeypatch.setattr(model, "read_sidecar", slow(room.clock, 0.3, model.read_sidecar))
    longest_turn(room, 240)
    assert {job.name for job in room.dispatcher.submitted} == {"a", "z"}
    assert room.status("a")["state"] == room.status("z")["state"] == "done"


def test_a_preset_folder_is_scanned_in_steps_and_as_a_whole(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    oil = room.folder.inbox / "oil"
    oil.mkdir()
    (oil / "preset.yaml").write_text("styles: [wave.jpg]\nsize: 64")
    for number in range(30):
        (oil / f"{number}.jpg").write_bytes(b"picture")
    (oil / "z.yaml").write_text("content: 0.jpg")
    real = FolderScanner._assemble
    monkeypatch.setattr(FolderScanner, "_assemble", slow(room.clock, 0.2, real))
    room.daemon.step()
    room.clock.advance(1.5)
    longest = longest_turn(room, 60)
    assert longest < claimer.SCAN_SECONDS + 0.3
    names = {job.name for job in room.dispatcher.submitted}
    assert names == {"oil-z", *(f"oil-{number}" for number in range(1, 30))}


def test_a_crowd_of_slow_batch_files_takes_many_short_turns_and_comes_to_its_end(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        room.drop(f"b{number:02}.batch.yaml", "contents: x.jpg\nstyles: nowhere.jpg")
    room.drop("z.batch.yaml", "contents: fish.jpg\nstyles: wave.jpg")
    room.drop("fish.jpg")
    real = batch_candidates.parse_batch
    monkeypatch.setattr(batch_candidates, "parse_batch", slow(room.clock, 0.2, real))
    longest = longest_turn(room, 80)
    assert longest < coordinator.TURN_SECONDS + 0.3
    assert room.status("z-fish-wave")["state"] == "done"
    states = {room.status(f"b{number:02}")["state"] for number in range(30)}
    assert states == {"waiting"}


def test_batch_files_that_are_refused_over_several_turns_end_once(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = slow(room.clock, 0.4, batch_candidates.read_text)
    monkeypatch.setattr(batch_candidates, "read_text", read)
    for number in range(8):
        room.drop(f"evil{number}.batch.yaml", "nonsense: 1")
    longest_turn(room, 30)
    for number in range(8):
        assert room.status(f"evil{number}")["state"] == "failed"
    assert room.daemon.run_summary().failed == 8


def test_a_large_batch_is_planned_in_steps(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(60):
        room.drop(f"{number:02}.jpg")
    for number in range(50):
        (room.folder.styles / f"s{number:02}.jpg").write_bytes(b"style")
    room.drop("trip.batch.yaml", "contents: '*.jpg'\nstyles: 's*.jpg'")
    take = FreeNames.take

    def slow_take(self: FreeNames, *arguments: str) -> str:
        room.clock.advance(0.001)
        return take(self, *arguments)

    monkeypatch.setattr(FreeNames, "take", slow_take)
    room.dispatcher.script = starts_only
    longest = longest_turn(room, 30)
    assert longest < coordinator.TURN_SECONDS + 0.3
    assert room.status("trip")["message"] == "batch: nothing of 3000"


@pytest.mark.parametrize("killed", [False, True])
def test_the_pictures_of_a_batch_are_taken_in_steps(
    room: Room, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    for number in range(20):
        (room.folder.styles / f"s{number:02}.jpg").write_bytes(b"style")
        room.drop(f"c{number:02}.jpg")
    room.drop("trip.batch.yaml", "contents: 'c*.jpg'\nstyles: 's*.jpg'")
    room.dispatcher.script = starts_only
    with monkeypatch.context() as patch:
        for name in ("copy", "move"):
            patch.setattr(claims, name, slow(room.clock, 0.2, getattr(claims, name)))
        longest = longest_turn(room, 12)
        assert longest < coordinator.TURN_SECONDS + 0.3
        assert room.status("trip")["message"] == "being taken out of the inbox"
        room.drop_pair("trip")
        if killed:
            room.restart(starts_only)
        longest_turn(room, 40)
    room.step(4)
    assert room.status("trip")["message"] == "batch: nothing of 400"
    assert room.status("trip-2")["source"] == "trip"


def test_names_of_a_crowd_that_wants_one_cost_no_more_each_than_one() -> None:
    names = FreeNames()
    with counted_calls(at_most=100 * 5_000):
        taken = {names.take("trip") for _ in range(5_000)}
    assert len(taken) == 5_000


def test_a_hundred_batches_of_colliding_names_are_told_apart_in_one_look(room: Room) -> None:
    name = "abcdefghij"
    for number in range(100):
        letters = [
            letter.upper() if number >> place & 1 else letter for place, letter in enumerate(name)
        ]
        room.drop(f"{''.join(letters)}.batch.yaml", "contents: x.jpg\nstyles: wave.jpg")
    room.step(6)
    names = {path.stem for path in room.folder.status.glob("*.json")} - {"server"}
    assert len(names) == len({each.casefold() for each in names}) == 100


def test_a_library_of_any_size_is_listed_in_part_and_its_pictures_are_found_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = 0
    real = Path.iterdir

    def crowd(self: Path) -> Iterator[Path]:
        nonlocal listed
        yield from real(self)
        for number in range(2 * MAX_LISTED):
            listed += 1
            yield self / f"crowd{number}.jpg"

    (tmp_path / "wave.jpg").write_bytes(b"wave")
    (tmp_path / "b\udcff\n.jpg").write_bytes(b"odd")
    monkeypatch.setattr(Path, "iterdir", crowd)
    library = StyleLibrary(tmp_path)
    assert library.find("wave.jpg") == tmp_path / "wave.jpg"
    assert listed == 0
    assert library.find("nowhere.jpg") is None
    assert len(library.names()) <= MAX_LISTED
    assert listed <= MAX_LISTED


def test_many_missing_styles_beside_many_pictures_are_told_with_few_calls(room: Room) -> None:
    """The nearest name is looked for among them."""
    for number in range(1000):
        (room.folder.styles / f"{'style' * 30}{number}.jpg").write_bytes(b"")
    styles = ", ".join(f"{'stile' * 30}{number}.jpg" for number in range(64))
    room.drop("cat.content.jpg")
    room.drop("cat.yaml", f"styles: [{styles}]")
    room.step(1)
    with counted_calls(at_most=1_000_000):
        room.step(1)
    assert "more characters" in room.status("cat")["message"]
