import pytest
from support import FakeClock

from hotfolder.throttle import BURST_SECONDS, SHARE, SteppedWork, Steps, Throttle, in_one_go


def test_work_takes_no_more_than_its_share_of_the_time(clock: FakeClock) -> None:
    throttle = Throttle(clock)
    started, spent, done = clock(), 0.0, 0
    while clock() - started < 100:
        for _ in throttle.take(range(1000)):
            clock.advance(0.003)
            spent, done = spent + 0.003, done + 1
        clock.advance(0.01)
    assert spent <= 1.05 * (clock() - started) / SHARE + BURST_SECONDS
    assert done > 1000


def test_quick_work_is_done_at_once(clock: FakeClock) -> None:
    assert list(Throttle(clock).take(range(10_000))) == list(range(10_000))


def test_one_slow_piece_is_paid_for_before_the_next(clock: FakeClock) -> None:
    throttle = Throttle(clock)
    for _ in throttle.take("ab"):
        clock.advance(3)
    assert not throttle.is_open
    assert list(throttle.take("ab")) == []
    clock.advance(3 * (SHARE - 1))
    assert list(throttle.take("ab")) == ["a", "b"]


def test_work_begins_no_more_often_than_its_interval(clock: FakeClock) -> None:
    throttle = Throttle(clock, share=4, interval=10)
    throttle.ended(started=clock())
    assert (throttle.is_open, throttle.delay) == (False, 10)
    clock.advance(10)
    assert (throttle.is_open, throttle.delay) == (True, 0)
    started = clock()
    clock.advance(3)
    throttle.ended(started)
    assert throttle.delay == 9


def test_work_in_steps_goes_on_at_the_next_turn_where_it_stopped(clock: FakeClock) -> None:
    done: list[int] = []

    def steps() -> Steps[str]:
        for number in range(10):
            clock.advance(0.2)
            done.append(number)
            yield
        return "all"

    work: SteppedWork[str] = SteppedWork(clock, seconds=0.5)
    assert (work.is_running, work.turn()) == (False, None)
    work.begin(steps())
    results = []
    for turn in range(1, 5):
        results.append(work.turn())
        assert len(done) == min(3 * turn, 10)
        clock.advance(60)
    assert results == [None, None, None, "all"]
    assert not work.is_running
    assert work.busy == pytest.approx(2.0)
    assert in_one_go(steps()) == "all"


def test_what_work_in_steps_raises_ends_it(clock: FakeClock) -> None:
    def steps() -> Steps[str]:
        yield
        raise OSError("gone")

    work: SteppedWork[str] = SteppedWork(clock, seconds=0.5)
    work.begin(steps())
    with pytest.raises(OSError, match="gone"):
        work.turn()
    assert not work.is_running
