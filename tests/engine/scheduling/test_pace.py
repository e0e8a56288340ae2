from engine.scheduling.pace import Pace


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_time_to_go_follows_the_pace_since_the_first_report_not_the_preparation() -> None:
    clock = Clock()
    pace = Pace(clock)
    clock.now += 50  # preparation
    assert pace.to_go(0.1) is None
    clock.now += 10
    assert pace.to_go(0.2) == 80
    clock.now += 40
    assert pace.to_go(1.0) == 0
    assert pace.seconds == 100


def test_no_progress_gives_no_estimate() -> None:
    pace = Pace(Clock())
    assert pace.to_go(0.5) is None
    assert pace.to_go(0.5) is None
