"""When a job's client counts as gone: after silence, but for that in which no scan was made."""

import pytest
from support import FakeClock

from hotfolder.folder_access import Fingerprint
from hotfolder.inbox.client_liveness import ClientLiveness
from hotfolder.job_options import JobOwner

HEARTBEAT = JobOwner(heartbeat=True)
HERE = JobOwner(pid=42, host="here")


class Listener:
    """Clients that may be silent for 30 s, and are listened for every 5 s."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.living = {42}
        self.liveness = ClientLiveness(30, clock, host="here", is_alive=self.living.__contains__)

    def listen(self, owner: JobOwner, seconds: float, beat: int | None = None) -> str | None:
        heartbeats = {} if beat is None else {"a": Fingerprint(0, beat, 1)}
        gone = self.liveness.gone({"a": owner}, heartbeats)
        for _ in range(int(seconds / 5)):
            self.clock.advance(5)
            gone = self.liveness.gone({"a": owner}, heartbeats)
        return gone.get("a")


@pytest.fixture
def listener(clock: FakeClock) -> Listener:
    return Listener(clock)


def test_a_client_with_a_heartbeat_is_there(listener: Listener) -> None:
    assert [listener.listen(HEARTBEAT, 30, beat) for beat in (1, 2, 3)] == [None] * 3


def test_a_client_whose_heartbeat_stands_still_is_gone(listener: Listener) -> None:
    assert listener.listen(HEARTBEAT, 30, beat=1) is None
    assert listener.listen(HEARTBEAT, 5, beat=1) == "no heartbeat of its client for 35 s"


def test_a_client_that_never_sent_a_heartbeat_is_gone_as_well(listener: Listener) -> None:
    assert listener.listen(HEARTBEAT, 30) is None
    assert listener.listen(HEARTBEAT, 5) is not None


def test_a_heartbeat_from_the_past_of_another_clock_counts(listener: Listener) -> None:
    listener.listen(HEARTBEAT, 30, beat=1_000)
    assert listener.listen(HEARTBEAT, 30, beat=7) is None


def test_a_heartbeat_that_was_taken_away_is_silence(listener: Listener) -> None:
    listener.listen(HEARTBEAT, 30, beat=1)
    assert listener.listen(HEARTBEAT, 5) is not None


def test_a_dead_process_of_this_host_is_gone_after_the_same_time(listener: Listener) -> None:
    assert listener.listen(HERE, 60) is None
    listener.living.clear()
    assert listener.listen(HERE, 30) is None
    assert listener.listen(HERE, 5) == "its client, process 42, has ended"


@pytest.mark.parametrize("owner", [JobOwner(pid=1, host="elsewhere"), JobOwner(pid=1), JobOwner()])
def test_of_a_process_elsewhere_nothing_is_known(listener: Listener, owner: JobOwner) -> None:
    assert listener.listen(owner, 600) is None


def test_either_sign_of_two_that_were_promised_can_be_missed(listener: Listener) -> None:
    both = JobOwner(pid=42, host="here", heartbeat=True)
    listener.living.clear()
    assert [listener.listen(both, 10, beat) for beat in range(3)] == [None] * 3
    assert listener.listen(both, 5, beat=9) == "its client, process 42, has ended"


def test_silence_that_nobody_could_hear_does_not_count(listener: Listener) -> None:
    listener.listen(HEARTBEAT, 25, beat=1)
    listener.clock.advance(3600)  # the share was away
    assert listener.listen(HEARTBEAT, 30, beat=1) is None
    assert listener.listen(HEARTBEAT, 5, beat=1) is not None


def test_without_an_injected_check_real_processes_are_checked(clock: FakeClock) -> None:
    import os
    import socket
    import subprocess
    import sys

    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    liveness = ClientLiveness(0.0, clock)
    owners = {
        "me": JobOwner(pid=os.getpid(), host=socket.gethostname()),
        "init": JobOwner(pid=1, host=socket.gethostname()),
        "ended": JobOwner(pid=ended.pid, host=socket.gethostname()),
    }
    liveness.gone(owners, {})
    liveness._last_scan = clock() + 1
    clock.advance(1)
    assert list(liveness.gone(owners, {})) == ["ended"]
