"""Hooks: a command of the administrator's, run for each job that has ended.

It is an argument list, so that no shell reads what strangers called their files; environment
variables say what job it is. Only the configuration can name a hook, never a sidecar.
"""

import json
import logging
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from hotfolder.job_tag import JobTag
from hotfolder.platforms import system

__all__ = ["environment_of", "run_hook"]

log = logging.getLogger(__name__)

OUTPUT_SHOWN = 2000


def environment_of(job: Mapping[str, Any], root: Path) -> dict[str, str]:
    """`IMPASTO_JOB_NAME` and so on: the job's status, paths made absolute, null as an empty text.

    Args:
        job: `status/NAME.json`'s document.
        root: the hot folder.
    """
    facts: dict[str, Any] = {
        key: job.get(key)
        for key in ("id", "name", "source", "state", "message", "error", "seconds")
    }
    for key in ("result", "record", "folder"):
        facts[key] = root / job[key] if job.get(key) else None
    facts["client"] = json.dumps(job.get("client") or {})
    facts["hot_folder"] = root
    return {
        f"IMPASTO_JOB_{key.upper()}": "" if fact is None else str(fact).replace("\0", "")
        for key, fact in facts.items()
    }


def run_hook(
    command: Sequence[str], job: Mapping[str, Any], root: Path, *, seconds: float
) -> int | None:
    """Run it to its end, at most `seconds` long, then it and its children are killed. What it has
    left running in the background when it ends by itself goes on.

    Returns its exit status; None if it could not be started or was killed. Problems are logged,
    with the end of its output.
    """
    tag = JobTag(str(job.get("name")), job.get("id"))
    # A file: a pipe that nobody reads would block a command that prints much.
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                list(command),
                cwd=root,
                env=os.environ | environment_of(job, root),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                creationflags=system.background_flags,
            )
        except (OSError, ValueError) as error:
            log.error("%s the hook %s cannot be started: %s", tag, command[0], error)
            return None
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            log.error("%s the hook %s ran longer than %g s; killed", tag, command[0], seconds)
            system.end_tree(process)
            process.wait()
            return None
        if status:
            log.error(
                "%s the hook %s ended with %d%s", tag, command[0], status, _last_output(output)
            )
        return status


def _last_output(output: IO[bytes]) -> str:
    output.seek(0, os.SEEK_END)
    output.seek(max(0, output.tell() - OUTPUT_SHOWN))
    text = " ".join(output.read().decode(errors="replace").split())
    return f": {text}" if text else ""
