from support import FakeClock

from hotfolder.throttle import AT_ONCE_SECONDS, SHARE, Throttle


def test_work_takes_no_more_than_its_share_of_the_time(clock: FakeClock) -> None:
    allowance = Throttle(clock)
    started, spent, done = clock(), 0.0, 0
    while clock() - started < 100:
        for _ in allowance.take(range(1000)):
            clock.advance(0.003)
            spent, done = spent + 0.003, done + 1
        clock.advance(0.01)
    assert spent <= 1.05 * (clock() - started) / SHARE + AT_ONCE_SECONDS
    assert done > 1000


def test_quick_work_is_done_at_once(clock: FakeClock) -> None:
    assert list(Throttle(clock).take(range(10_000))) == list(range(10_000))


def test_one_slow_piece_is_paid_for_before_the_next(clock: FakeClock) -> None:
    allowance = Throttle(clock)
    for _ in allowance.take("ab"):
        clock.advance(3)
    assert not allowance.left
    assert list(allowance.take("ab")) == []
    clock.advance(3 * (SHARE - 1))
    assert list(allowance.take("ab")) == ["a", "b"]
