from support import FakeClock

from hotfolder.folder_access import Fingerprint
from hotfolder.inbox.stability import StabilityTracker

SMALL = Fingerprint(size=1, mtime_ns=1, inode=1)
GROWN = Fingerprint(size=2, mtime_ns=2, inode=1)
REPLACED = Fingerprint(size=1, mtime_ns=1, inode=2)


def test_a_file_is_settled_after_its_quiet_time(clock: FakeClock) -> None:
    tracker = StabilityTracker(1.0, clock)
    tracker.observe({"a": SMALL})
    assert not tracker.is_settled("a")
    clock.advance(1.0)
    assert tracker.is_settled("a")


def test_growth_starts_the_quiet_time_again(clock: FakeClock) -> None:
    tracker = StabilityTracker(1.0, clock)
    tracker.observe({"a": SMALL})
    clock.advance(0.9)
    tracker.observe({"a": GROWN})
    clock.advance(0.9)
    assert not tracker.is_settled("a")


def test_a_file_renamed_over_another_is_new(clock: FakeClock) -> None:
    tracker = StabilityTracker(1.0, clock)
    tracker.observe({"a": SMALL})
    clock.advance(2)
    tracker.observe({"a": REPLACED})
    assert not tracker.is_settled("a")


def test_a_file_that_went_and_came_back_is_new(clock: FakeClock) -> None:
    tracker = StabilityTracker(1.0, clock)
    tracker.observe({"a": SMALL})
    clock.advance(2)
    tracker.observe({})
    tracker.observe({"a": SMALL})
    assert not tracker.is_settled("a")


def test_the_next_settling_is_that_of_the_first_file_due(clock: FakeClock) -> None:
    tracker = StabilityTracker(1.0, clock)
    assert tracker.next_settling() is None
    tracker.observe({"a": SMALL})
    clock.advance(0.25)
    tracker.observe({"a": SMALL, "b": SMALL})
    assert tracker.next_settling() == 0.75
    clock.advance(5)
    assert tracker.next_settling() is None


# A file on a share that keeps times to 2 s: being written, it looks still in between.
def test_a_time_of_whole_seconds_has_to_last_longer(clock: FakeClock) -> None:
    tracker = StabilityTracker(1.0, clock)
    for mtime in (10, 12, 14):
        tracker.observe({"a": Fingerprint(100, mtime * 1_000_000_000, 1)})
        for _ in range(4):
            clock.advance(0.5)
            assert not tracker.is_settled("a")
    assert tracker.next_settling() == 1.0
    clock.advance(1.0)
    assert tracker.is_settled("a")


def test_a_quiet_time_of_none_asks_for_none_of_any_file(clock: FakeClock) -> None:
    tracker = StabilityTracker(0.0, clock)
    tracker.observe({"a": Fingerprint(100, 10_000_000_000, 1)})
    assert tracker.is_settled("a")


def test_it_tells_whether_anything_has_changed(clock: FakeClock) -> None:
    tracker = StabilityTracker(1.0, clock)
    assert not tracker.observe({})
    assert tracker.observe({"a": Fingerprint(1, 1, 1)})
    assert not tracker.observe({"a": Fingerprint(1, 1, 1)})
    assert tracker.observe({"a": Fingerprint(2, 1, 1)})
    assert tracker.observe({})
