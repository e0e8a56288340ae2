"""The status of a claimed batch: `status/NAME.json`."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from hotfolder.batches.store import Batch
from hotfolder.spool.control_files import on_hold
from plugin.client.protocol import JobState, JobStatus

__all__ = ["status_of_batch", "status_of_half_claimed"]

MAX_REASONS = 100
"""Paintings of a batch that failed, whose reasons its status has."""


def status_of_batch(
    batch: Batch,
    *,
    held: bool = False,
    trouble: str = "",
    priority: int | None = None,
    published: Mapping[str, Any] | None = None,
) -> JobStatus:
    """
    Args:
        held: whether somebody holds it.
        trouble: why it cannot go on now, in words.
        priority: that of its priority file.
        published: at its end, where its files are.
    """
    plan = batch.plan
    tally = Counter(end["state"] for end in batch.ends.values())
    counted = ", ".join(f"{count} {state}" for state, count in sorted(tally.items()))
    ended = len(batch.ends) == len(plan.items)
    message = f"batch: {counted or 'nothing'} of {len(plan.items)}"
    state = JobState.RUNNING
    if published and batch.cancelled:
        state = JobState.CANCELLED
    elif published:
        state = JobState.FAILED if tally["failed"] + tally["cancelled"] else JobState.DONE
    elif held and not batch.is_complete:
        state, message = JobState.HELD, f"held: {on_hold(plan.name)}; {message}"
    elif batch.cancelled:
        message += "; it is being cancelled"
    if trouble and not published:
        message += f"; {trouble}"
    reasons = [
        f"{plan.items[number].name}: {end.get('reason')}"
        for number, end in sorted(batch.ends.items())
        if end["state"] == "failed"
    ]
    more = [f"and {len(reasons) - MAX_REASONS} more"] if len(reasons) > MAX_REASONS else []
    return JobStatus(
        name=plan.name,
        source=plan.source,
        state=state,
        message=message,
        priority=plan.options.priority if priority is None else priority,
        fraction=round(len(batch.ends) / len(plan.items), 4),
        error="\n".join([*reasons[:MAX_REASONS], *more]) if ended and reasons else None,
        client=plan.client,
        dropped=plan.dropped,
        **(published or {}),
    )


def status_of_half_claimed(name: str, reason: str) -> JobStatus:
    """Of a batch whose files could be taken out of the inbox in part only."""
    message = "taken out of the inbox in part"
    if reason:
        message += f" ({reason})"
    return JobStatus(name, JobState.WAITING, f"{message}; it is tried again", source=name)
