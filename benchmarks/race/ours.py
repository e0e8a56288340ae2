"""The command `impasto stylise`, as it is, with its pictures kept on the way.

`python -m benchmarks.race.ours FOLDER EVERY CONTENT STYLE -o OUT [OPTIONS OF stylise]` runs the
command in this process and writes the picture after every EVERY evaluations at the final scale to
FOLDER, with seconds since the start of the process. Taking the picture off the canvas is counted
against us, writing the file is not.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import engine.stylise
from benchmarks.race.recorder import Recorder
from hotfolder.cli.main import main

FOLDER, EVERY, *ARGUMENTS = sys.argv[1:]
recorder: Recorder | None = None
painted_by = engine.stylise.stylise


def recorded(*arguments: Any, **options: Any) -> Iterator[Any]:
    global recorder
    steps: Iterator[Any] = painted_by(*arguments, **options | {"preview_seconds": 0.0})
    for step in steps:
        preview = getattr(step, "preview", None)
        if preview is not None and step.scale == step.scales:
            recorder = recorder or Recorder(Path(FOLDER), int(EVERY), step.steps)
            if recorder.wants(step.step):
                recorder.keep(step.step, preview)
        yield step


engine.stylise.stylise = recorded
status = main(["stylise", *ARGUMENTS])
if recorder is not None:
    recorder.save()
sys.exit(status)
