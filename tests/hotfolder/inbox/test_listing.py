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
