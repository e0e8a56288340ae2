"""What differs between Linux, macOS and Windows, each in one module behind the same interface.

`system` is the platform that this process runs on, chosen here once: nothing else in the hot folder
asks which it is. Knows files, processes and service managers; nothing of jobs.
"""

import sys

from hotfolder.platforms.platform import DiskRoom, Platform

if sys.platform == "win32":
    from hotfolder.platforms.windows import Windows as Here
elif sys.platform == "darwin":
    from hotfolder.platforms.macos import MacOS as Here
else:
    from hotfolder.platforms.posix import Posix as Here

__all__ = ["DiskRoom", "Platform", "system"]

system: Platform = Here()
