"""300 small jobs, batches among them, in three folders, while the server is killed and restarted 20
times, second servers try for its folders, its workers are killed, its file operations fail, links
are put where folders were, and a client reads results all the while. The longer run, with the
engine if you like, is `python -m benchmarks chaos`."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.reliability.chaos.campaign import Plan, wreak

SEED = int(os.environ.get("IMPASTO_CHAOS_SEED", "20261124"))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """In memory, if it can be had: a kill leaves the same there, and it is quicker."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="impasto-", dir=memory) as folder:
        yield Path(folder)


def test_in_chaos_no_job_is_lost_or_doubled(place: Path) -> None:
    summary = wreak(Plan(seed=SEED, jobs=300, kills=20), place)
    print(summary.table())  # noqa: T201  (with its seed; pytest shows it if something is wrong)
    log = (place / "log").read_text(errors="replace")
    assert summary.problems == [], log[-4000:]
    account = summary.account
    assert (account.lost, account.doubled) == (0, 0)
    assert summary.jobs >= 300
    assert account.done + account.failed + account.cancelled == summary.jobs
    assert summary.kills >= 20
    assert summary.worker_kills > 0
    assert summary.rivals > 0
    assert summary.controls > 0
    assert summary.swaps > 0
    assert summary.faults > 0
    assert summary.looks > 100
