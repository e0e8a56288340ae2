"""Finds out whether a folder lies on a network share.

A watch on a share can be set, but then reports this machine's own changes only, not those of other
machines. So shares are scanned regularly instead.
"""

from pathlib import PurePath

import psutil

__all__ = ["NETWORK_FILE_SYSTEMS", "network_file_system"]

NETWORK_FILE_SYSTEMS = frozenset(
    {
        *(
            "cifs",
            "smb3",
            "smbfs",
            "afpfs",
            "webdav",
            "nfs",
            "nfs4",
            "afs",
            "ceph",
            "coda",
            "gfs2",
            "lustre",
            "ocfs2",
        ),
        *("9p", "virtiofs", "vboxsf", "vmhgfs", "prl_fs", "drvfs", "davfs", "ncpfs", "orangefs"),
        *("fuse.sshfs", "fuse.rclone", "fuse.s3fs", "fuse.davfs2", "fuse.glusterfs", "fuse.ceph"),
        *(
            "fuse.vmhgfs-fuse",
            "fuse.smbnetfs",
            "fuse.gvfsd-fuse",
            "fuse.curlftpfs",
            "fuse.grpcfuse",
        ),
        "share",  # of Windows
    }
)
"""Types of file system whose files others may change without an event: network shares and what
virtual machines and containers share with their host."""


def network_file_system(path: PurePath) -> str | None:
    """The type of the network file system that `path` (absolute) lies on; None if it is on none, or
    if this system has no list of mounts."""
    if path.drive.startswith("\\\\"):  # A share of Windows without a drive letter is in no list.
        return "share"
    try:
        mounts = psutil.disk_partitions(all=True)
    except OSError:
        return None
    longest, kind = -1, ""
    for mount in mounts:
        # The last mount of a place covers those before it.
        point = type(path)(mount.mountpoint)
        if path.is_relative_to(point) and len(point.parts) >= longest:
            # Of a network drive Windows tells the file system of the other machine.
            is_remote = "remote" in mount.opts.split(",")
            longest, kind = len(point.parts), "share" if is_remote else mount.fstype
    return kind if kind in NETWORK_FILE_SYSTEMS else None
