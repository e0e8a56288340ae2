from pathlib import Path

from support import FakeClock

from hotfolder.inbox.listing import Listing
from hotfolder.throttle import in_one_go


def test_a_file_that_has_not_changed_is_the_same_object_as_before(
    tmp_path: Path, clock: FakeClock
) -> None:
    listing = Listing(tmp_path, clock)
    for name in ("b.jpg", "a.jpg", ".hidden.jpg"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    first = in_one_go(listing.steps(1.0))
    assert [(file.name, file.settled) for file in first] == [("a.jpg", False), ("b.jpg", False)]
    assert (listing.folders, listing.changed) == (("folder",), True)
    clock.advance(10)
    settled = in_one_go(listing.steps(1.0))
    assert [file.settled for file in settled] == [True, True]
    again = in_one_go(listing.steps(1.0))
    assert not listing.changed
    assert all(one is other for one, other in zip(again, settled, strict=True))
    (tmp_path / "a.jpg").write_bytes(b"grown")
    grown = in_one_go(listing.steps(1.0))
    assert listing.changed
    assert grown[1] is settled[1]
    assert (grown[0].fingerprint.size, grown[0].settled) == (5, False)


def test_a_folder_in_the_place_of_a_file_is_a_folder(tmp_path: Path, clock: FakeClock) -> None:
    listing = Listing(tmp_path, clock)
    (tmp_path / "a.jpg").write_bytes(b"x")
    in_one_go(listing.steps(1.0))
    (tmp_path / "a.jpg").unlink()
    (tmp_path / "a.jpg").mkdir()
    assert in_one_go(listing.steps(1.0)) == []
    assert listing.folders == ("a.jpg",)


def test_a_picture_that_ends_in_zeros_has_to_be_quiet_for_longer(
    tmp_path: Path, clock: FakeClock
) -> None:
    """A copy that reserves the size first and then stalls."""
    listing = Listing(tmp_path, clock)
    data = b"\xff\xd8" + bytes(range(1, 256)) * 100
    (tmp_path / "a.content.jpg").write_bytes(data[:9000].ljust(len(data), b"\0"))
    (tmp_path / "b.content.jpg").write_bytes(data)
    (tmp_path / "c.content.jpg").write_bytes(data + bytes(4000))  # padded by a camera
    (tmp_path / "note.txt").write_bytes(bytes(9000))

    def settled() -> list[bool]:
        return [file.settled for file in in_one_go(listing.steps(1.0))]

    settled()
    clock.advance(10)
    assert settled() == [False, True, True, True]
    assert listing.next_settling() == 20
    (tmp_path / "a.content.jpg").write_bytes(data)
    settled()
    clock.advance(10)
    assert settled() == [True, True, True, True]


def test_a_picture_that_ends_in_zeros_for_good_is_settled_after_half_a_minute(
    tmp_path: Path, clock: FakeClock
) -> None:
    listing = Listing(tmp_path, clock)
    (tmp_path / "a.content.tif").write_bytes(b"II*\0" + bytes(9000))
    in_one_go(listing.steps(1.0))
    clock.advance(29)
    assert not in_one_go(listing.steps(1.0))[0].settled
    clock.advance(1)
    assert in_one_go(listing.steps(1.0))[0].settled
