"""The engine on one device, in a few minutes: right numbers, the time of a step, memory, sharing.

`python -m benchmarks gpu` takes the first CUDA device (else Apple's, else the CPU, at sizes that it
paints in seconds) and needs nothing but the project. The parts come in the order of what they are
worth; a row for which no time is left says so. Each part is written down when it ends, and one that
fails says why and costs no other.
"""

import argparse
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.gpu import correctness, memory, paintings, steps
from benchmarks.machine import provenance
from benchmarks.report import log_progress, save
from engine.network.devices import describe_device, resolve_devices

__all__ = ["run"]

MINUTES = 8.0


@dataclass(frozen=True)
class Part:
    """A table of the report: a row comes as soon as it is measured."""

    name: str
    about: str
    columns: Sequence[str]
    rows: Callable[[str, Sequence[int], Callable[[], bool]], Iterator[Sequence[object]]]
    """Given the device, the longest sides in pixels, and whether time is left."""


PARTS = (
    Part(
        "correctness",
        "The objective, its gradient and a short descent beside the CPU's in float32, relative.",
        correctness.COLUMNS,
        correctness.rows,
    ),
    Part(
        "steps",
        "A step of `standard`, on a GPU with L-BFGS's memory half full. The limit is the time of "
        "its arithmetic at what this device reaches in a large matrix product of the same type.",
        steps.COLUMNS,
        steps.rows,
    ),
    Part(
        "memory",
        "The most that the device held (on a CPU: the process), beside the plan; and a painting "
        "that runs out of memory.",
        memory.COLUMNS,
        memory.rows,
    ),
    Part(
        "paintings",
        "Whole paintings of `standard`: the first of a process, and those after it; and several "
        "processes at once.",
        paintings.COLUMNS,
        paintings.rows,
    ),
)


def run(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks gpu",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--device", default="auto", help="cuda:0, mps, cpu")
    parser.add_argument("--sizes", type=int, nargs="+", help="longest sides, in pixels")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of all parts together")
    names = [part.name for part in PARTS]
    parser.add_argument("--only", nargs="+", default=names, choices=names, metavar="PART")
    options = parser.parse_args(arguments)
    device = resolve_devices(options.device)[0]
    sizes = options.sizes or ([48, 96] if device == "cpu" else [256, 512, 1024, 2048, 4096])
    until = time.monotonic() + 60 * options.minutes
    lines = [f"On {describe_device(device)}. {provenance(device)}"]
    for part in PARTS:
        if part.name not in options.only:
            continue
        log_progress(f"{part.name}: {until - time.monotonic():.0f} s are left")
        lines += ["", f"## {part.name.capitalize()}", "", part.about, ""]
        lines += [f"| {' | '.join(part.columns)} |", "|---" * len(part.columns) + "|"]
        try:
            for row in part.rows(device, sizes, lambda: time.monotonic() < until):
                lines.append(f"| {' | '.join(map(str, row))} |")
                log_progress(lines[-1])
        except Exception as error:
            lines += ["", f"**Failed**: {type(error).__name__}: {str(error)[:300]}"]
            log_progress(traceback.format_exc())
        save("gpu", "\n".join(lines))
