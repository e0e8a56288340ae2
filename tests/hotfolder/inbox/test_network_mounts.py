from pathlib import Path, PurePosixPath, PureWindowsPath
from types import SimpleNamespace

import psutil
import pytest

from hotfolder.inbox.network_mounts import network_file_system

MOUNTS = """\
/dev/sda1 / ext4 rw,relatime 0 0
//nas/art /mnt/art cifs rw,vers=3.1.1 0 0
me@studio:/ /mnt/the\\040studio fuse.sshfs rw 0 0
/dev/sdb1 /mnt/art/local ext4 rw 0 0
host /mnt/covered 9p rw 0 0
/dev/sdc1 /mnt/covered xfs rw 0 0
broken line
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/home/me/hot", None),
        ("/mnt/art/hot/inbox", "cifs"),
        ("/mnt/the studio/hot", "fuse.sshfs"),
        pytest.param("/mnt/art/local/hot", None, id="the_nearest_mount_counts"),
        pytest.param("/mnt/covered/hot", None, id="the_last_mount_of_a_place_counts"),
        pytest.param("/mnt/artistic", None, id="a_longer_name_is_another_place"),
    ],
)
def test_a_network_share_is_known_by_its_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, expected: str | None
) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "mounts").write_text(MOUNTS)
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    assert network_file_system(Path(path)) == expected


def test_a_system_without_a_list_of_mounts_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path / "there is none"))
    assert network_file_system(tmp_path) is None


def test_this_machines_own_list_is_understood() -> None:
    assert network_file_system(Path("/proc/self/mounts")) is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (r"C:\Users\me\hot", None),
        (r"z:\hot", "share"),
        (r"\\nas\art\hot", "share"),
        pytest.param(r"E:\hot", None, id="a_drive_that_nobody_lists"),
    ],
)
def test_a_network_drive_of_windows_is_known_by_its_options(
    monkeypatch: pytest.MonkeyPatch, path: str, expected: str | None
) -> None:
    drives = [
        SimpleNamespace(mountpoint="C:\\", fstype="NTFS", opts="rw,fixed"),
        SimpleNamespace(mountpoint="Z:\\", fstype="NTFS", opts="rw,remote"),
    ]
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: drives)
    assert network_file_system(PureWindowsPath(path)) == expected


@pytest.mark.parametrize("kind", ["smbfs", "afpfs", "webdav", "nfs"])
def test_a_network_volume_of_macos_is_known_by_its_type(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    volumes = [
        SimpleNamespace(mountpoint="/", fstype="apfs", opts="rw,local"),
        SimpleNamespace(mountpoint="/Volumes/art", fstype=kind, opts="rw,nosuid"),
    ]
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: volumes)
    assert network_file_system(PurePosixPath("/Volumes/art/hot")) == kind
    assert network_file_system(PurePosixPath("/Users/me/hot")) is None
