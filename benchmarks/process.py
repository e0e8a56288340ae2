"""Measurements in a process of their own: a peak never falls again, and kernels are chosen once."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
"""The project's folder, in which `python -m benchmarks...` finds its modules."""


def measured_apart(module: str, case: Any) -> dict[str, Any]:
    """What `python -m MODULE CASE` prints; both are JSON. Ends the program if that fails."""
    done = subprocess.run(
        [sys.executable, "-m", module, json.dumps(case)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{case}: {done.stderr[-3000:]}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def peak_memory() -> int:
    """Bytes: the most that this process ever held in memory."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
