"""Desktop notifications, where there is a desktop: `notify-send` (Linux), `osascript` (macOS)."""

import logging
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hotfolder.platforms import system

__all__ = ["notify", "summarise"]

log = logging.getLogger(__name__)

SECONDS = 10.0


def summarise(jobs: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Title and text; several jobs that end at once are one notification."""
    if len(jobs) == 1:
        job = jobs[0]
        return f"Impasto: {job['name']} {job['state']}", str(job.get("result") or job["message"])
    tally = Counter(job["state"] for job in jobs)
    counted = ", ".join(f"{count} {state}" for state, count in tally.items())
    return f"Impasto: {counted}", ", ".join(str(job["name"]) for job in jobs)[:200]


def notify(jobs: Sequence[Mapping[str, Any]]) -> bool:
    """Show it; whether that worked. A server without a desktop is no error."""
    command = system.notification(*summarise(jobs))
    if command is None:
        log.debug("no desktop notification: neither notify-send nor osascript is here")
        return False
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        log.debug("no desktop notification: %s", error)
        return False
    if done.returncode:
        log.debug("no desktop notification: %s", done.stderr.decode(errors="replace").strip())
    return done.returncode == 0
