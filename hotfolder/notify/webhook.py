"""The webhook: the status of each job that has ended, by POST as JSON, with retries."""

import contextlib
import http.client
import json
import logging
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from engine import __version__
from hotfolder.backoff import growing_pause
from hotfolder.job_tag import JobTag
from hotfolder.limits import finite

__all__ = ["post"]

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0

RETRIED = (408, 425, 429)
"""Besides 5xx: what may be answered otherwise a moment later. Other answers are final."""

Outcome = tuple[str | None, bool]
"""The problem, if there is one, and whether another attempt would meet it again."""


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
        seconds: for one attempt, from the look-up of the address to the answer's status.
        wait: sleeps; False means that there is no more time for this.
    """
    data = json.dumps(finite(document), allow_nan=False).encode()
    headers = {"Content-Type": "application/json", "User-Agent": f"impasto/{__version__}"}
    tag = JobTag(str(document.get("name")), document.get("id"))
    for attempt in count(1):
        problem, is_final = _Attempt(url, data, headers).within(seconds)
        if problem is None:
            return True
        pause = growing_pause(FIRST_PAUSE, attempt, LONGEST_PAUSE)
        if is_final or attempt == attempts or not wait(pause):
            log.error("%s the webhook was not taken: %s", tag, problem)
            break
        log.warning("%s the webhook: %s; again in %g s", tag, problem, pause)
    return False


class _Attempt:
    """One attempt, in a thread of its own: neither the look-up of a name nor an answer that comes
    a byte at a time has an end that a socket's time-out could set."""

    def __init__(self, url: str, data: bytes, headers: Mapping[str, str]) -> None:
        self._url = url
        self._data = data
        self._headers = dict(headers)
        self._outcome: Outcome | None = None
        self._connections: list[http.client.HTTPConnection] = []

    def within(self, seconds: float) -> Outcome:
        """Send it, and wait for so long."""
        thread = threading.Thread(target=self._run, args=(seconds,), name="webhook", daemon=True)
        thread.start()
        thread.join(seconds)
        if self._outcome is not None:
            return self._outcome
        for connection in self._connections:
            if (sock := connection.sock) is not None:
                with contextlib.suppress(OSError):  # Wakes the thread, which then ends.
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
        return f"no answer within {seconds:g} s", False

    def _run(self, seconds: float) -> None:
        try:
            self._outcome = self._send(seconds)
        except Exception as error:  # Such as a host's name that cannot be one.
            self._outcome = f"{type(error).__name__}: {error}", True

    def _send(self, seconds: float) -> Outcome:
        opener = urllib.request.build_opener(
            _NoRedirect, _HTTPHandler(self._connections), _HTTPSHandler(self._connections)
        )
        request = urllib.request.Request(self._url, self._data, self._headers)
        try:
            opener.open(request, timeout=seconds).close()
        except urllib.error.HTTPError as error:
            error.close()
            problem = f"HTTP {error.code} {error.reason}"
            if 300 <= error.code < 400:
                place = error.headers.get("Location")
                problem += f" to {place}: redirects are not followed, name that address itself"
            return problem, error.code < 500 and error.code not in RETRIED
        except (OSError, http.client.HTTPException) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            return str(reason) or type(error).__name__, False
        return None, False


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET without the job, and its 200 would count as taken."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class _HTTPHandler(urllib.request.HTTPHandler):
    """Notes its connections, so that they can be cut."""

    def __init__(self, connections: list[http.client.HTTPConnection]) -> None:
        super().__init__()
        self._connections = connections

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connect, request)

    def _connect(self, host: str, **options: Any) -> http.client.HTTPConnection:
        self._connections.append(http.client.HTTPConnection(host, **options))
        return self._connections[-1]


class _HTTPSHandler(urllib.request.HTTPSHandler):
    """As `_HTTPHandler`."""

    def __init__(self, connections: list[http.client.HTTPConnection]) -> None:
        super().__init__()
        self._connections = connections

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connect, request)

    def _connect(self, host: str, **options: Any) -> http.client.HTTPConnection:
        self._connections.append(http.client.HTTPSConnection(host, **options))
        return self._connections[-1]
