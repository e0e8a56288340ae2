"""Jobs that are lost or take too long, and are tried again."""

import itertools
from typing import Any

import pytest
from support import FakeClock, Room, is_lost, paints, starts_only

from hotfolder.server.execution import RunTimer


def test_a_lost_job_is_tried_again_and_then_fails(room: Room) -> None:
    room.settings["retry"] = {"lost": 2, "backoff": 0.0}
    room.dispatcher.script = is_lost
    room.drop_pair("cat")
    room.drop_pair("dog")
    room.step(12)
    assert [job.lost for job in room.dispatcher.submitted if job.name == "cat"] == [0, 1, 2]
    assert "3 workers that worked on it died" in room.error("cat")
    assert room.status("dog")["state"] == "failed"


def test_a_job_lost_once_is_done_at_the_second_attempt(room: Room) -> None:
    room.dispatcher.script = is_lost
    room.drop_pair("cat")
    room.step(2)
    room.dispatcher.script = paints
    room.step(4)
    assert (room.status("cat")["state"], room.status("cat")["attempt"]) == ("done", 2)


def test_the_pauses_after_each_loss_grow_and_the_rest_goes_on(room: Room) -> None:
    room.settings["retry"] = {"lost": 3, "backoff": 10.0}
    room.dispatcher.script = lambda job: (is_lost if job.name == "bad" else paints)(job)
    room.drop_pair("bad")
    room.step(2)
    for number in range(3):
        room.drop_pair(f"good{number}")
    message = room.status("bad")["message"]
    assert message.endswith(
        "its worker was lost; attempt 2 after a pause of 10 s (the worker was ended by SIGKILL)"
    )
    begun: list[float] = []
    while room.status("bad")["state"] != "failed":
        room.step(seconds=1.0)
        attempts = [job.name for job in room.dispatcher.submitted].count("bad")
        begun += [room.clock.now] * (attempts - 1 - len(begun))
    assert [later - earlier for earlier, later in itertools.pairwise(begun)] == [20.0, 40.0]
    assert {room.status(f"good{number}")["state"] for number in range(3)} == {"done"}
    assert "4 workers that worked on it died" in room.error("bad")


def test_a_job_that_rests_stands_behind_those_that_are_ready(room: Room) -> None:
    room.settings["retry"] = {"backoff": 100.0}
    room.dispatcher.script = lambda job: (is_lost if job.name == "bad" else starts_only)(job)
    room.drop_pair("bad", "priority: 9")
    room.step(2)
    for name in ("runs", "waits"):
        room.drop_pair(name)
    room.step(3)
    assert (room.status("waits")["position"], room.status("bad")["position"]) == (1, 2)
    room.drop("bad.cancel", "")
    room.step(3)
    assert room.status("bad")["state"] == "cancelled"


@pytest.mark.parametrize("where", ["sidecar", "config"])
def test_a_job_that_runs_for_too_long_fails_in_words(room: Room, where: str) -> None:
    room.dispatcher.script = starts_only
    room.settings["max_minutes"] = 1.0 if where == "config" else 0.5
    room.drop_pair("long", "max_minutes: 1" if where == "sidecar" else None)
    room.step(3)
    room.step(25)
    assert room.status("long")["state"] == "running"
    room.step(7)
    assert room.status("long")["state"] == "failed"
    assert room.error("long").startswith(
        "Impasto could not paint long.\n\nStopped after 1 minutes of running, which is its limit "
        "(max_minutes), at step 3 of 10, scale 1 of 2."
    )
    assert (room.folder.failed / "long" / "long.content.jpg").exists()


def test_waiting_uses_up_no_time_and_all_attempts_count(room: Room) -> None:
    room.dispatcher.script = starts_only
    room.settings["max_minutes"] = 1.0
    room.dispatcher.capacity = 0
    room.drop_pair("cat")
    room.step(60)
    room.dispatcher.capacity = 1
    room.step(20)
    assert room.status("cat")["state"] == "running"
    room.daemon._shut_down()
    room.restart(starts_only)
    room.step(9)
    assert room.status("cat")["state"] == "running"
    room.step(5)
    assert room.status("cat")["state"] == "failed"


def test_a_job_that_is_done_in_the_moment_of_its_limit_is_done(room: Room) -> None:
    def late(job: Any) -> Any:
        yield next(iter(paints(job)))

    room.dispatcher.script = late
    room.settings["max_minutes"] = 0.1
    room.drop_pair("cat")
    room.step(3)
    (job,) = room.dispatcher.submitted
    room.dispatcher._events.extend(list(paints(job))[1:])
    room.step(5)
    assert room.status("cat")["state"] == "done"


def test_a_run_timer_adds_up_attempts_and_not_the_pauses_between_them(clock: FakeClock) -> None:
    timer = RunTimer(clock)
    timer.start("a")
    clock.advance(3.0)
    timer.start("a")  # said twice
    clock.advance(1.0)
    assert timer.seconds("a") == 4.0
    timer.stop("a")
    clock.advance(100.0)
    assert timer.seconds("a") == 0.0
    timer.start("a", before=4.0)
    clock.advance(2.0)
    assert timer.seconds("a") == 6.0
