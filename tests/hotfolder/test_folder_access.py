"""No operation follows a link, whichever folder of its path has become one."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hotfolder import descriptors, folder_access


@pytest.fixture(params=["by_descriptor", "by_looking"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a system with folder descriptors, and as on one without them and without O_NOFOLLOW."""
    if request.param == "by_looking":
        monkeypatch.setattr(descriptors, "_BY_DESCRIPTOR", False)
        monkeypatch.setattr(folder_access, "PLAIN", folder_access.PLAIN & ~os.O_NOFOLLOW)


OPERATIONS: dict[str, Callable[[Path], object]] = {
    "open_regular": lambda folder: folder_access.open_regular(folder / "file").close(),
    "last_bytes": lambda folder: folder_access.last_bytes(folder / "file", 4),
    "create": lambda folder: folder_access.create(folder / "new").close(),
    "append": lambda folder: folder_access.append(folder / "file").close(),
    "touch": lambda folder: folder_access.touch(folder / "file"),
    "lstat": lambda folder: folder_access.lstat(folder / "file"),
    "exists": lambda folder: folder_access.exists(folder / "file"),
    "unlink": lambda folder: folder_access.unlink(folder / "file", missing_ok=True),
    "rename_from": lambda folder: folder_access.rename(folder / "file", folder.parents[1] / "x"),
    "rename_to": lambda folder: folder_access.rename(folder.parents[1] / "own", folder / "x"),
    "replace": lambda folder: folder_access.replace(folder.parents[1] / "own", folder / "file"),
    "link": lambda folder: folder_access.link(folder / "file", folder.parents[1] / "x"),
    "names": folder_access.names,
    "scan": folder_access.scan,
    "mkdir": lambda folder: folder_access.mkdir(folder / "new", exist_ok=True),
    "rmdir": lambda folder: folder_access.rmdir(folder / "empty"),
    "try_writing": folder_access.try_writing,
    "remove_tree": lambda folder: folder_access.remove_tree(folder / "empty"),
}


def lay_out(root: Path, link: str) -> Path:
    """`root/above/folder`, of which one is a link to a stranger's; returns the folder."""
    theirs = root / "theirs" / "folder"
    (theirs / "empty").mkdir(parents=True)
    (theirs / "file").write_text("theirs")
    (root / "own").write_text("ours")
    if link == "above":
        (root / "above").symlink_to("theirs")
    else:
        (root / "above").mkdir()
        (root / "above" / "folder").symlink_to(theirs)
    return root / "above" / "folder"


def tree(folder: Path) -> set[tuple[str, str]]:
    return {
        (path.relative_to(folder).as_posix(), path.read_text() if path.is_file() else "")
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("link", ["above", "folder"])
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.usefixtures("way")
def test_no_operation_goes_through_a_link(tmp_path: Path, operation: str, link: str) -> None:
    folder = lay_out(tmp_path, link)
    before = tree(tmp_path / "theirs")
    with pytest.raises(NotADirectoryError) as caught:
        OPERATIONS[operation](folder)
    assert str(caught.value.filename).startswith(str(tmp_path))
    assert tree(tmp_path / "theirs") == before


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.usefixtures("way")
def test_every_operation_does_its_work_where_there_is_no_link(
    tmp_path: Path, operation: str
) -> None:
    lay_out(tmp_path, "folder")
    OPERATIONS[operation](tmp_path / "theirs" / "folder")


@pytest.mark.usefixtures("way")
def test_links_pipes_and_folders_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("x")
    (tmp_path / "link").symlink_to("real")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("link", "pipe", "folder"):
        for opened in (folder_access.open_regular, folder_access.append):
            with pytest.raises(OSError, match=name):
                opened(tmp_path / name).close()
    with folder_access.open_regular(tmp_path / "real") as file:
        assert (file.read(), file.name) == (b"x", str(tmp_path / "real"))


@pytest.mark.usefixtures("way")
def test_a_tree_is_removed_with_its_links_but_not_what_they_lead_to(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "file").write_text("theirs")
    (tmp_path / "ours" / "below").mkdir(parents=True)
    for link in ("ours/link", "ours/below/link", "top"):
        (tmp_path / link).symlink_to(theirs)
    folder_access.remove_tree(tmp_path / "ours")
    folder_access.remove_tree(tmp_path / "top")
    assert {path.name for path in tmp_path.iterdir()} == {"theirs"}
    assert (theirs / "file").read_text() == "theirs"


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("path", ["relative", "/tmp/../etc"])
def test_only_plain_absolute_paths_are_taken(path: str) -> None:
    with pytest.raises(OSError, match="not a plain absolute path"):
        folder_access.names(Path(path))


def test_a_folder_that_cannot_be_asked_is_not_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert not folder_access.exists(tmp_path / "nothing")
    with pytest.raises(NotADirectoryError):
        folder_access.exists(tmp_path / "file" / "below")


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("nameless", [True, False])
def test_trying_to_write_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nameless: bool
) -> None:
    if not nameless:
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    folder_access.try_writing(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        folder_access.try_writing(tmp_path / "nothing")


def test_of_the_folders_that_are_kept_open_the_last_used_stay_and_the_others_are_closed(
    tmp_path: Path,
) -> None:
    deep = tmp_path.joinpath(*"abcdefghij")
    deep.mkdir(parents=True)
    with descriptors.kept_open():
        for number in range(3 * descriptors.MAX_KEPT):
            folder = tmp_path / str(number)
            folder_access.mkdir(folder)
            with folder_access.create(folder / "file") as file:
                file.write(b"%d" % number)
            folder_access.rename(folder / "file", deep / str(number))
            kept = descriptors._kept.get()
            assert kept is not None
            assert len(kept) <= descriptors.MAX_KEPT
            assert str(deep) in kept
        every = list(kept.values())
        for path, descriptor in kept.items():
            assert os.path.samestat(os.fstat(descriptor), os.stat(path)), path  # noqa: PTH116
    for number in range(3 * descriptors.MAX_KEPT):
        assert (deep / str(number)).read_bytes() == b"%d" % number
    for descriptor in every:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)
