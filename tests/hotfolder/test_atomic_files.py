import contextlib
import errno
import os
from pathlib import Path

import pytest

from benchmarks.reliability.faults import faults
from hotfolder import atomic_files, folder_access
from hotfolder.folder_access import fingerprint_of


def test_nothing_is_left_of_a_write_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a.json"
    target.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        atomic_files.write_whole(target, b"new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_publishing_never_replaces_somebody_elses_file(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("ours")
    target.write_text("theirs")
    assert not atomic_files.publish(source, target)
    assert target.read_text() == "theirs"


def test_publishing_again_after_an_interruption_is_harmless(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("ours")
    assert atomic_files.publish(source, target)
    assert atomic_files.publish(source, target)
    assert {path.name for path in tmp_path.iterdir()} == {"source", "target"}


def test_publishing_works_where_there_are_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("ours")
    assert atomic_files.publish(source, target)
    assert target.read_text() == "ours"
    source.write_text("another")
    assert not atomic_files.publish(source, target)


def test_moving_across_file_systems_copies_and_then_removes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "source", tmp_path / "folder" / "target"
    target.parent.mkdir()
    source.write_text("content")
    another_file_system(monkeypatch, source)
    atomic_files.move(source, target)
    assert target.read_text() == "content"
    assert not source.exists()


def test_a_file_that_is_replaced_while_it_is_moved_across_file_systems_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At whichever file operation, also in the instant before its removal."""
    source, target = tmp_path / "source", tmp_path / "folder" / "target"
    target.parent.mkdir()
    source.write_text("first")
    another_file_system(monkeypatch, source)
    with faults(tmp_path) as injected:
        atomic_files.move(source, target)
        last = injected.count
    target.unlink()
    source.write_text("first")

    def deliver_again() -> None:
        (tmp_path / "new").write_text("second")
        (tmp_path / "new").rename(source)

    for n in range(1, last + 1):
        with faults(tmp_path) as injected:
            injected.strike(lambda n=n: injected.count == n, deliver_again)  # type: ignore[misc]
            with contextlib.suppress(atomic_files.FileChangedError):
                atomic_files.move(source, target)
        there = [path.read_text() for path in (source, target) if path.exists()]
        assert "second" in there, n
        assert {path.name for path in target.parent.iterdir()} <= {"target"}, n
        assert {path.name for path in tmp_path.iterdir()} <= {"source", "folder"}, n
        target.unlink(missing_ok=True)
        source.write_text("first")


def test_a_file_that_is_not_the_one_that_was_seen_is_neither_moved_nor_copied(
    tmp_path: Path,
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("first")
    seen = fingerprint_of(source.lstat())
    source.unlink()
    source.write_text("other")
    for take in (atomic_files.move, atomic_files.copy):
        with pytest.raises(atomic_files.FileChangedError):
            take(source, target, seen)
    assert (source.read_text(), target.exists()) == ("other", False)


def another_file_system(monkeypatch: pytest.MonkeyPatch, source: Path) -> None:
    """From now on `source` cannot be renamed to where it is to go."""
    rename = folder_access.rename

    def refused(old: Path, new: Path) -> None:
        if old == source and new.parent != source.parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(old, new)

    monkeypatch.setattr(folder_access, "rename", refused)


def test_moving_again_is_harmless(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("content")
    atomic_files.move(source, target)
    atomic_files.move(source, target)
    assert target.read_text() == "content"


def test_moving_what_is_nowhere_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        atomic_files.move(tmp_path / "a", tmp_path / "b")


@pytest.mark.parametrize("content", ["second", "first"])
def test_moving_onto_a_file_that_is_there_says_so_and_both_stay(
    tmp_path: Path, content: str
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("first")
    atomic_files.move(source, target)
    source.write_text(content)
    with pytest.raises(FileExistsError):
        atomic_files.move(source, target)
    assert (source.read_text(), target.read_text()) == (content, "first")


def test_files_are_made_with_the_users_own_permissions(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        atomic_files.write_whole(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_the_file_to_write_has_its_path_for_a_name(tmp_path: Path) -> None:
    """`tifffile` asks for it."""
    with atomic_files.whole(tmp_path / "a.tif") as file:
        assert Path(file.name).parent == tmp_path


def test_no_name_of_a_leftover_hides_the_others(tmp_path: Path) -> None:
    for name in ("..", ".", "", "job.json"):
        (tmp_path / f"{atomic_files.ASIDE_PREFIX}{name}").write_text("old")
    (tmp_path / f"{atomic_files.TEMPORARY_PREFIX}0.part").write_text("half")
    atomic_files.remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["job.json"]


def test_folders_and_links_that_are_called_like_leftovers_stay_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / f"{atomic_files.ASIDE_PREFIX}cat.jpg"
    folder.mkdir()
    link = tmp_path / f"{atomic_files.TEMPORARY_PREFIX}0.part"
    link.symlink_to(folder)
    atomic_files.remove_leftovers(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([folder, link])
