from support import FakeClock

from hotfolder.throttle import BURST_SECONDS, SHARE, Throttle


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
