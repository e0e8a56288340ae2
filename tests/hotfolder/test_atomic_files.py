import errno
import os
from pathlib import Path

import pytest

from hotfolder import atomic_files


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
    rename = Path.rename

    def refused(self: Path, other: Path) -> Path:
        if self == source:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return rename(self, other)

    monkeypatch.setattr(Path, "rename", refused)
    atomic_files.move(source, target)
    assert target.read_text() == "content"
    assert not source.exists()


def test_moving_again_is_harmless(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("content")
    atomic_files.move(source, target)
    atomic_files.move(source, target)
    assert target.read_text() == "content"


def test_moving_what_is_nowhere_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        atomic_files.move(tmp_path / "a", tmp_path / "b")


def test_a_new_file_under_the_old_name_stays(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("first")
    atomic_files.move(source, target)
    source.write_text("second")
    atomic_files.move(source, target)
    assert (source.read_text(), target.read_text()) == ("second", "first")


def test_links_pipes_and_folders_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("x")
    (tmp_path / "link").symlink_to("real")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("link", "pipe", "folder"):
        with pytest.raises(OSError, match=r"."):
            atomic_files.open_regular(tmp_path / name)
    with atomic_files.open_regular(tmp_path / "real") as file:
        assert file.read() == b"x"


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
