"""Thousands of steps of the machine, and what they came to.

`python -m benchmarks folder --steps 20000 [--seed N]`. The steps of one seed are always the same.
"""

import argparse
import logging
import resource
import sys
import time
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from benchmarks.reliability.folder.harness import Tally
from benchmarks.reliability.folder.machine import FolderMachine
from benchmarks.reliability.folder.reduction import reduced
from benchmarks.report import log_progress, save

__all__ = ["fuzz_folder", "run"]

STEPS_PER_FOLDER = 60
FOLDERS_AT_ONCE = 10
"""Between two lines of progress; each begins with a seed of its own."""


def fuzz_folder(steps: int, chosen: int) -> Tally:
    """At least so many steps, each folder from empty to its end.

    Raises:
        AssertionError: an invariant does not hold; it says which steps lead there.
    """
    tally = Tally()
    first = chosen
    while tally.steps < steps:
        _fuzz(FOLDERS_AT_ONCE, STEPS_PER_FOLDER, chosen, tally)
        log_progress(f"seeds {first} to {chosen}: {tally.steps} steps")
        chosen += 1
    return tally


def _fuzz(folders: int, steps: int, chosen: int, tally: Tally) -> None:
    machine: Any = seed(chosen)(type("FolderMachine", (FolderMachine,), {"tally": tally}))
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=folders,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
                report_multiple_bugs=False,
            ),
        )
    except AssertionError as error:
        fewest, shown = reduced(machine, machine.last.taken)
        lines = [f"{name}({values})" for name, values in fewest]
        raise AssertionError("\n".join([str(shown or error), "by", *lines])) from None


def run(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks folder", description=__doc__)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args(arguments)
    silence_the_log()
    started = time.monotonic()
    tally = fuzz_folder(options.steps, options.seed)
    seconds = time.monotonic() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = {
        "steps": tally.steps,
        "of them steps of the server, and those until rest": tally.server_steps,
        "kills": tally.kills,
        "starts that were refused in words": tally.starts_refused,
        "files put into the folder": tally.files,
        "jobs": tally.jobs,
        **{f"ended {state}": count for state, count in sorted(tally.ends.items())},
        "looks at the files outside": tally.checks_outside,
        "**files lost, outside touched, ends of the server, jobs without an end**": 0,
        "longest step": f"{tally.longest_step:.2f} s",
        "most memory": f"{memory / (1 << 20 if sys.platform == 'darwin' else 1 << 10):.0f} MB",
        "seconds": f"{seconds:.0f}",
    }
    lines = [f"The hot folder as a whole, from seed {options.seed}.", ""]
    lines += [
        "| what | count |",
        "|---|---|",
        *(f"| {key} | {value} |" for key, value in rows.items()),
    ]
    save("folder", "\n".join(lines))


def silence_the_log() -> None:
    """Also after a changed configuration has set its level."""
    log = logging.getLogger("hotfolder")
    log.propagate = False
    log.addHandler(logging.NullHandler())
