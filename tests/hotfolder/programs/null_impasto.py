"""The program `impasto` with a painter that does nothing: command line, lock and files are real.
NULL_PAUSE is how many seconds a painting takes; NULL_JOURNAL gets a line when one begins and
when it ends."""

import os
import sys
import time
from pathlib import Path
from typing import Any

from hotfolder.batches.farm import FarmTask
from hotfolder.cli import paint_here
from hotfolder.cli.main import main


def paint(*arguments: Any, task: FarmTask, **_: Any) -> None:
    output = task.output
    _note("begins", output)
    time.sleep(float(os.environ["NULL_PAUSE"]))
    if (output.parent / f"{output.stem}.broken").exists():
        raise OSError(5, "Input/output error", str(output))
    task.write_record({"by": os.getpid()})
    part = output.with_suffix(".part")
    part.write_text(f"painted by {os.getpid()}")
    _note("ends", output)
    part.rename(output)


def _note(what: str, output: Path) -> None:
    line = f"{what} {output.name} {os.getpid()}\n"
    with open(os.environ["NULL_JOURNAL"], "a") as journal:  # noqa: PTH123
        journal.write(line)


if __name__ == "__main__":
    paint_here.paint_here = paint
    sys.exit(main())
