"""What virus scanners and indexers do to a folder: `scanner.py HOT SECONDS` opens each file in it
again and again, and keeps it open for so long."""

import contextlib
import os
import sys
import time


def main() -> None:
    root, seconds = sys.argv[1], float(sys.argv[2])
    while True:
        for folder, _, names in os.walk(root):
            for name in names:
                path = f"{folder}/{name}"
                with contextlib.suppress(OSError), open(path, "rb") as file:  # noqa: PTH123
                    file.read(100)
                    time.sleep(seconds)
        time.sleep(0.001)


if __name__ == "__main__":
    main()
