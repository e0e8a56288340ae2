"""What a stranger who may write into the inbox cannot do. Sidecars have tests of their own
(test_sidecar.py, test_inbox.py), and so have fuzzed ones (test_fuzz.py)."""

import os
from pathlib import Path
from typing import Any

import pytest
from support import FakeClock, Room, fails

from hotfolder.paths import FolderPaths


def test_files_are_made_with_the_folders_group_and_the_users_umask(
    tmp_path: Path, clock: FakeClock
) -> None:
    """A hot folder that a group shares: the group's members can read and remove what is made."""
    groups = [group for group in os.getgroups() if group != os.getegid()]
    group = 12_345 if os.geteuid() == 0 else next(iter(groups), None)
    if group is None:
        pytest.skip("this user is in one group only")
    root = tmp_path / "hot"
    root.mkdir()
    os.chown(root, -1, group)
    root.chmod(0o2775)
    before = os.umask(0o002)
    try:
        folder = FolderPaths(root)
        folder.create()
        room = Room(folder, clock)
        room.drop_pair("good")
        room.drop_pair("bad", "siez: 3")
        room.step(6)
        room.dispatcher.script = fails
        room.drop_pair("ugly")
        room.step(6)
    finally:
        os.umask(before)
    made = [path for path in root.rglob("*") if path.name != "lock"]
    assert {path.stat().st_gid for path in made} == {group}
    assert len(list(root.rglob("error.txt"))) == 2
    for path in made:
        assert path.stat().st_mode & 0o070 == (0o070 if path.is_dir() else 0o060), path


def test_a_worker_reads_no_link(tmp_path: Path, small_pictures: tuple[Path, Path]) -> None:
    """One may have taken the picture's place between the look and the claim."""
    from engine.errors import PictureError
    from hotfolder.workers.engine_painter import EnginePainter
    from hotfolder.workers.worker_process import WorkerOptions

    (tmp_path / "link.jpg").symlink_to(small_pictures[0])
    painter: Any = EnginePainter.__new__(EnginePainter)
    painter._options = WorkerOptions(max_megapixels=1.0)
    assert painter._read(small_pictures[0], None).size == (96, 64)
    with pytest.raises(PictureError, match="this is a link"):
        painter._read(tmp_path / "link.jpg", None)
