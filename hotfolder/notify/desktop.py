"""Desktop notifications, where there is a desktop: `notify-send` (Linux), `osascript` (macOS)."""

import html
import logging
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["command_for", "notify", "summarise"]

log = logging.getLogger(__name__)

SECONDS = 10.0

_SCRIPT = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)
"""Title and text are its arguments, so nothing in a job's name is read as a script."""


def summarise(jobs: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Title and text; several jobs that end at once are one notification."""
    if len(jobs) == 1:
        job = jobs[0]
        return f"Impasto: {job['name']} {job['state']}", str(job.get("result") or job["message"])
    tally = Counter(job["state"] for job in jobs)
    counted = ", ".join(f"{count} {state}" for state, count in tally.items())
    return f"Impasto: {counted}", ", ".join(str(job["name"]) for job in jobs)[:200]


def command_for(title: str, text: str) -> list[str] | None:
    """The command that shows it; None where there is none."""
    if sys.platform == "darwin" and (program := shutil.which("osascript")):
        script = [argument for line in _SCRIPT for argument in ("-e", line)]
        return [program, *script, title, text]
    if program := shutil.which("notify-send"):
        # The text is read as markup.
        return [program, "--app-name=Impasto", "--", title, html.escape(text, quote=False)]
    return None


def notify(jobs: Sequence[Mapping[str, Any]]) -> bool:
    """Show it; whether that worked. A server without a desktop is no error."""
    command = command_for(*summarise(jobs))
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
