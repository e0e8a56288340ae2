"""The webhook: the status of each job that has ended, by POST as JSON, with retries."""

import http.client
import json
import logging
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from engine import __version__
from hotfolder.backoff import growing_pause
from hotfolder.job_tag import JobTag

__all__ = ["post"]

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0

RETRIED = (408, 425, 429)
"""Besides 5xx: what may be answered otherwise a moment later. Other 4xx are final."""


def post(
    url: str,
    document: Mapping[str, Any],
    *,
    seconds: float,
    attempts: int,
    wait: Callable[[float], bool],
) -> bool:
    """Send it; whether it was taken (2xx). The last problem is logged.

    Args:
        seconds: for one attempt.
        wait: sleeps; False means that there is no more time for this.
    """
    data = json.dumps(document).encode()
    headers = {"Content-Type": "application/json", "User-Agent": f"impasto/{__version__}"}
    tag = JobTag(str(document.get("name")), document.get("id"))
    for attempt in count(1):
        problem, is_final = _try(urllib.request.Request(url, data, headers), seconds)
        if problem is None:
            return True
        pause = growing_pause(FIRST_PAUSE, attempt, LONGEST_PAUSE)
        if is_final or attempt == attempts or not wait(pause):
            log.error("%s the webhook was not taken: %s", tag, problem)
            break
        log.warning("%s the webhook: %s; again in %g s", tag, problem, pause)
    return False


def _try(request: urllib.request.Request, seconds: float) -> tuple[str | None, bool]:
    """The problem, if there is one, and whether another attempt would meet it again."""
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            answer.read(1 << 16)
    except urllib.error.HTTPError as error:
        error.close()
        is_final = error.code < 500 and error.code not in RETRIED
        return f"HTTP {error.code} {error.reason}", is_final
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        return str(reason) or type(error).__name__, False
    return None, False
