"""How long jobs have run, all their attempts together. Pure, clock injected."""

from collections.abc import Callable

__all__ = ["RunTimer"]


class RunTimer:
    """Runs for the jobs that run. A job that waits for its next attempt uses up no time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since: dict[str, float] = {}

    def start(self, job_id: str, before: float = 0.0) -> None:
        """An attempt begins; earlier ones took `before` seconds. A second start changes nothing."""
        self._since.setdefault(job_id, self._clock() - before)

    def seconds(self, job_id: str) -> float:
        """Running time so far; 0 for a job that does not run."""
        return self._clock() - self._since.get(job_id, self._clock())

    def stop(self, job_id: str) -> float:
        """The attempt is over; returns the running time so far."""
        seconds = self.seconds(job_id)
        self._since.pop(job_id, None)
        return seconds
