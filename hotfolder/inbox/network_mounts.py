"""Which file systems tell of changes that other machines make. Reads Linux's list of mounts.

A watch on a network share is set without complaint and then hears of this machine's own changes
only: what another one drops there comes in silence. So shares are looked at regularly instead.
"""

import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["NETWORK_FILE_SYSTEMS", "network_file_system"]

MOUNTS = Path("/proc/self/mounts")

NETWORK_FILE_SYSTEMS = frozenset(
    {
        *("cifs", "smb3", "smbfs", "nfs", "nfs4", "afs", "ceph", "coda", "gfs2", "lustre", "ocfs2"),
        *("9p", "virtiofs", "vboxsf", "vmhgfs", "prl_fs", "drvfs", "davfs", "ncpfs", "orangefs"),
        *("fuse.sshfs", "fuse.rclone", "fuse.s3fs", "fuse.davfs2", "fuse.glusterfs", "fuse.ceph"),
        *(
            "fuse.vmhgfs-fuse",
            "fuse.smbnetfs",
            "fuse.gvfsd-fuse",
            "fuse.curlftpfs",
            "fuse.grpcfuse",
        ),
    }
)
"""Types of file system whose files others may change unheard: network shares and what virtual
machines and containers share with their host."""


def network_file_system(path: Path, mounts: Path = MOUNTS) -> str | None:
    """The type of the network file system that `path` (absolute) lies on; None if it is on none, or
    if this system has no list of mounts."""
    found, kind = -1, ""
    for point, mounted in _mounts(mounts):
        # The last mount of a place covers those before it.
        if path.is_relative_to(point) and len(point.parts) >= found:
            found, kind = len(point.parts), mounted
    return kind if kind in NETWORK_FILE_SYSTEMS else None


def _mounts(mounts: Path) -> Iterator[tuple[Path, str]]:
    """Mount points and types, in the order in which they were mounted."""
    try:
        text = mounts.read_text(errors="surrogateescape")
    except OSError:
        return
    for line in text.splitlines():
        fields = line.split(" ")
        if len(fields) > 2:
            # Blanks and the like are written as octal numbers: \040.
            point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields[1])
            yield Path(point), fields[2]
