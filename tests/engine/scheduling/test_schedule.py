from typing import Any

import pytest

from engine.optimisers.minimise import Losses
from engine.scheduling.pace import Pace
from engine.scheduling.schedule import Schedule
from engine.scheduling.stages import Stage
from engine.scheduling.timetable import Timetable
from engine.settings import resolve

SIZES = [(128, 96), (256, 192)]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def loss(total: float) -> Losses:
    return Losses(0.0, total, 0.0)


def test_without_a_time_the_steps_are_those_of_the_settings() -> None:
    schedule = Schedule(SIZES, [60, 220], resolve({}), Pace(Clock()))
    assert not schedule.is_open
    assert schedule.steps == [60, 220]
    assert schedule.chosen() == {}
    assert schedule.fraction(0, 60) == pytest.approx(60 / (60 + 4 * 220))


def test_the_steps_that_were_painted_are_told_as_settings() -> None:
    clock = Clock()
    timetable = Timetable(30, [1.0, 4.0], pace=0.1)
    schedule = Schedule(SIZES, [60, 220], resolve({"seconds": 30}), Pace(clock), timetable)
    assert schedule.begin(0, resumed=False) == [Stage(schedule.steps[0], 6.0)]
    clock.now = 10.0  # the coarse scale took longer than planned
    stages = schedule.begin(1, resumed=False)
    for number in range(1, 9):
        clock.now += 2.0
        last = schedule.last(1, number, loss(1.0))
    assert last == 10, "two seconds each, the first at 12"
    chosen = schedule.chosen()
    assert chosen["scale_steps"] == [schedule.steps[0], 10]
    assert chosen["boosted_steps"] == (stages[0].steps if len(stages) > 1 else 0)
    assert chosen["seconds"] is None
    assert chosen["plain_steps"] == 0
    assert schedule.reasons == ["time", "time"]
    painted = resolve(chosen)
    again = Schedule(SIZES, chosen["scale_steps"], painted, Pace(clock))
    assert again.begin(1, resumed=False)[0].steps == min(10, stages[0].steps)


@pytest.mark.parametrize(
    "settings",
    [{}, {"settle": 1.0}, {"style_evenness": 0}, {"style_statistic": "covariance"}],
    ids=["evened", "open", "plain throughout", "another statistic"],
)
def test_it_ends_with_the_plain_loss_if_that_is_another_and_the_end_is_known(
    settings: dict[str, Any],
) -> None:
    asked = resolve({"plain_steps": 30} | settings)
    schedule = Schedule(SIZES, [60, 220], asked, Pace(Clock()))
    assert not any(stage.plain for stage in schedule.begin(0, resumed=False))
    last = schedule.begin(1, resumed=False)[-1]
    assert last == Stage(30 if not settings else 220, 6.0, plain=not settings)


@pytest.mark.parametrize(
    ("settings", "seconds", "stages"),
    [
        pytest.param({}, 219.0, [Stage(217, 6.0)], id="too short"),
        pytest.param(
            {}, 222.0, [Stage(140, 6.0), Stage(80, 6.0, plain=True)], id="as long as fine"
        ),
        pytest.param({"style_evenness": 0}, 222.0, [Stage(220, 6.0)], id="plain throughout"),
        pytest.param({"settle": 1.0}, 222.0, [Stage(220, 6.0)], id="until it has settled"),
    ],
)
def test_a_long_painting_by_a_time_ends_with_the_plain_loss(
    settings: dict[str, Any], seconds: float, stages: list[Stage]
) -> None:
    """A second an evaluation, and two to begin with."""
    asked, clock = resolve({"seconds": seconds, "plain_steps": 5} | settings), Clock()
    schedule = Schedule(SIZES[1:], [60], asked, Pace(clock), Timetable(seconds, [1.0], pace=1.0))
    assert schedule.begin(0, resumed=False) == stages
    clock.now = 2.0
    for number in range(1, stages[0].steps + 10):
        clock.now += 1.02
        last = schedule.last(0, number, loss(0.98**number))
    *before, end = stages
    expected = [*before, Stage(last - sum(each.steps for each in before), 6.0, end.plain)]
    chosen = schedule.chosen()
    again = Schedule(SIZES[1:], chosen["scale_steps"], resolve(settings | chosen), Pace(clock))
    assert again.begin(0, resumed=False) == expected
    gone_on = Schedule(SIZES[1:], [60], asked, Pace(clock), Timetable(seconds, [1.0], pace=1.0))
    gone_on.restore(schedule.document(), stages[0].steps + 5)
    assert gone_on.begin(0, resumed=True) == expected


def test_a_scale_ends_when_its_loss_hardly_falls() -> None:
    schedule = Schedule(SIZES, [60, 220], resolve({"settle": 1.0}), Pace(Clock()))
    schedule.begin(0, resumed=False)
    totals = [100.0 * 0.9**n for n in range(30)] + [100.0 * 0.9**30] * 40
    for number, total in enumerate(totals, start=1):
        if (last := schedule.last(0, number, loss(total))) != 60:
            break
    assert number == 41, "ten evaluations after the last that lowered it"
    assert last == schedule.steps[0] == 42
    assert schedule.reasons == ["settled", "steps"]


def test_a_loss_that_falls_slowly_but_steadily_has_not_settled() -> None:
    schedule = Schedule(SIZES, [60, 220], resolve({"settle": 1.0}), Pace(Clock()))
    schedule.begin(1, resumed=False)
    for number in range(1, 220):
        assert schedule.last(1, number, loss(0.998**number)) == 220


def test_a_scale_does_not_settle_before_its_last_stage() -> None:
    """With the content's weight raised nothing moves any more; without, it will."""
    sizes = [(512, 384)]
    schedule = Schedule(sizes, [220], resolve({"settle": 1.0}), Pace(Clock()))
    assert [stage.steps for stage in schedule.begin(0, resumed=False)] == [44, 176]
    ends = [number for number in range(1, 60) if schedule.last(0, number, loss(1.0)) != 220]
    assert ends[0] == 44 + 11, "ten evaluations after the first of the last stage"


def test_steps_that_are_all_boosted_are_made_again_so() -> None:
    settings = resolve({"seconds": 30, "boosted_steps": 1000})
    timetable = Timetable(30, [1.0], pace=0.5)
    schedule = Schedule([(512, 384)], [220], settings, Pace(Clock()), timetable)
    (stage,) = schedule.begin(0, resumed=False)
    assert stage.boost == 6.0
    chosen = schedule.chosen()
    (again,) = Schedule([(512, 384)], chosen["scale_steps"], resolve(chosen), Pace(Clock())).begin(
        0, resumed=False
    )
    assert again == stage


def test_an_interrupted_scale_settles_where_it_would_have() -> None:
    settings = resolve({"settle": 1.0})

    def end(interrupted_at: int) -> int:
        schedule = Schedule(SIZES, [60, 220], settings, Pace(Clock()))
        schedule.begin(0, resumed=False)
        for number in range(1, 61):
            if number == interrupted_at:
                document = schedule.document()
                schedule = Schedule(SIZES, [60, 220], settings, Pace(Clock()))
                schedule.restore(document, number - 2)
                schedule.begin(0, resumed=True)
                schedule.last(0, number - 1, loss(max(0.7**number / 0.7, 0.01)))
            if schedule.last(0, number, loss(max(0.7**number, 0.01))) == number + 1:
                return number
        raise AssertionError

    assert end(20) == end(0)


def test_the_fraction_follows_the_clock_and_is_whole_at_the_end_alone() -> None:
    clock = Clock()
    timetable = Timetable(30, [1.0, 4.0], pace=0.1)
    schedule = Schedule(SIZES, [1, 1], resolve({"seconds": 30}), Pace(clock), timetable)
    clock.now = 15.0
    assert schedule.fraction(0, 3) == pytest.approx(0.5)
    assert schedule.to_go(0.5) == pytest.approx(15.0)
    clock.now = 31.0
    assert schedule.fraction(1, 1) < 1
    assert schedule.fraction(1, schedule.steps[1]) == 1
