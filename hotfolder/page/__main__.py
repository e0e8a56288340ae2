"""`python -m hotfolder.page HOT HOST:PORT`: the page as a child process of `impasto watch --page`,
which ends when its standard input does."""

import os
import signal
import sys

from hotfolder.config.page_address import parse_page_address
from hotfolder.errors import HotFolderError
from hotfolder.page.serving import serve_page
from hotfolder.paths import FolderPaths

__all__: list[str] = []

NICENESS = 5
"""Painting comes first."""


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()


def main() -> int:
    root, address = sys.argv[1:]
    if sys.platform != "win32":
        os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        serve_page(FolderPaths(root), parse_page_address(address), say=_say, with_parent=True)
    except HotFolderError as error:
        _say(str(error))
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
