from support import FakeClock

from hotfolder.backoff import Backoff, growing_pause


def test_what_was_refused_waits_and_is_then_forgotten(clock: FakeClock) -> None:
    backoff = Backoff(clock, 5.0)
    assert not backoff.is_delayed("a")
    backoff.delay("a")
    backoff.delay("b", 60.0)
    clock.advance(4.9)
    assert backoff.is_delayed("a")
    clock.advance(0.1)
    assert not backoff.is_delayed("a")
    assert backoff.is_delayed("b")
    clock.advance(55.0)
    assert not backoff.is_delayed("b")


def test_pauses_double_up_to_an_hour() -> None:
    assert [growing_pause(5.0, times) for times in (1, 2, 3, 4)] == [5.0, 10.0, 20.0, 40.0]
    assert growing_pause(5.0, 100_000) == 3600.0
    assert growing_pause(0.0, 7) == 0.0
