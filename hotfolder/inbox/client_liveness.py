"""Which jobs nobody waits for any more. Pure: clock, host and the check of processes injected.

A client shows that it lives by touching its heartbeat file (from any machine), or by being a
process of the server's own host. What counts is when the server last saw a change, so clocks may
differ.
"""

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psutil

from hotfolder.folder_access import Fingerprint
from hotfolder.job_options import JobOwner

__all__ = ["ClientLiveness"]


@dataclass
class _LastSign:
    """When one client last gave a sign of life, in each of the two ways."""

    heartbeat: Fingerprint | None
    heartbeat_at: float
    alive_at: float


class ClientLiveness:
    """Remembers since when each job's client has given no sign of life."""

    def __init__(
        self,
        timeout: float,
        clock: Callable[[], float],
        *,
        host: str | None = None,
        is_alive: Callable[[int], bool] | None = None,
    ) -> None:
        """
        Args:
            timeout: seconds without a sign after which a client is gone.
            is_alive: whether there is such a process. A number can be given again; then its job
                just goes on.
        """
        self._timeout = timeout
        self._clock = clock
        self._host = host or socket.gethostname()
        self._is_alive = is_alive or psutil.pid_exists
        self._signs: dict[str, _LastSign] = {}
        self._last_scan = clock()

    @property
    def seconds_between_scans(self) -> float | None:
        """How often to scan at least, so that no silence is missed; None: no client counts."""
        return self._timeout / 4 if self._signs else None

    def gone(
        self, owners: Mapping[str, JobOwner], heartbeats: Mapping[str, Fingerprint]
    ) -> Mapping[str, str]:
        """Take in one scan; returns whose client is gone, and how one knows.

        Args:
            owners: by the name under which a job was dropped.
            heartbeats: the heartbeat files that are there, by the same name.
        """
        now = self._clock()
        if now - self._last_scan > self._timeout / 2:
            # The share was away, or this process stopped: signs may have come unseen.
            self._signs.clear()
        self._last_scan = now
        before, self._signs = self._signs, {}
        gone = {}
        for name, owner in owners.items():
            sign = before.get(name) or _LastSign(None, now, now)
            heartbeat = heartbeats.get(name)
            if heartbeat is not None and heartbeat != sign.heartbeat:
                sign.heartbeat, sign.heartbeat_at = heartbeat, now
            if owner.pid is None or owner.host != self._host or self._is_alive(owner.pid):
                sign.alive_at = now
            self._signs[name] = sign
            if owner.heartbeat and now - sign.heartbeat_at > self._timeout:
                gone[name] = f"no heartbeat of its client for {now - sign.heartbeat_at:.0f} s"
            elif now - sign.alive_at > self._timeout:
                gone[name] = f"its client, process {owner.pid}, has ended"
        return gone
