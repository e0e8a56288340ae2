"""A webhook: each end of a job as JSON to an address, tried again while there is hope."""

import http.client
import json
import logging
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from engine import __version__

__all__ = ["pauses", "post"]

log = logging.getLogger(__name__)

LONGEST_PAUSE = 300.0

WORTH_ANOTHER_TRY = (408, 425, 429)
"""Besides 5xx: what another moment may change. Other 4xx will say the same again."""


def pauses(attempts: int) -> Iterator[float]:
    """Seconds to wait between attempts: 1, 2, 4, ... at most five minutes."""
    for attempt in range(attempts - 1):
        yield min(LONGEST_PAUSE, 2.0**attempt)


def post(
    url: str,
    document: Mapping[str, Any],
    *,
    seconds: float,
    attempts: int,
    wait: Callable[[float], bool],
) -> bool:
    """Send it; whether it was taken (2xx). What went wrong in the end is logged.

    Args:
        seconds: for one attempt.
        wait: sleeps; False means that there is no more time for this.
    """
    data = json.dumps(document).encode()
    headers = {"Content-Type": "application/json", "User-Agent": f"impasto/{__version__}"}
    left = pauses(attempts)
    while True:
        problem, hopeless = _try(urllib.request.Request(url, data, headers), seconds)
        if problem is None:
            return True
        pause = None if hopeless else next(left, None)
        if pause is None or not wait(pause):
            log.error("[%s] the webhook was not taken: %s", document.get("name"), problem)
            return False
        log.warning("[%s] the webhook: %s; again in %g s", document.get("name"), problem, pause)


def _try(request: urllib.request.Request, seconds: float) -> tuple[str | None, bool]:
    """What went wrong, if anything, and whether it always will."""
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            answer.read(1 << 16)
    except urllib.error.HTTPError as error:
        error.close()
        hopeless = error.code < 500 and error.code not in WORTH_ANOTHER_TRY
        return f"HTTP {error.code} {error.reason}", hopeless
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        return str(reason) or type(error).__name__, False
    return None, False
