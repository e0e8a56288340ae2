import pytest

from engine.scheduling.timetable import FEWEST_STEPS, PREPARATION, Timetable, coarse_steps_for

WORK = (1.0, 4.0)
"""Two scales, of which the second has four times the pixels."""


def takes(steps: list[int], pace: float) -> float:
    """Seconds of a painting in these steps, each scale prepared."""
    work = WORK[-len(steps) :]
    return sum(w * (n + PREPARATION) for w, n in zip(work, steps, strict=True)) * pace


@pytest.mark.parametrize("seconds", [5, 10, 40, 160, 3_000])
def test_the_time_is_divided_to_the_last_evaluation(seconds: float) -> None:
    steps = Timetable(seconds, WORK, pace=0.1).steps(0, 0, 0.0)
    assert takes(steps, 0.1) == pytest.approx(seconds, abs=0.3 + 0.02 * seconds)


def test_the_coarse_scale_has_most_steps_in_a_short_painting_and_few_in_a_long_one() -> None:
    short = Timetable(5, WORK, pace=0.1).steps(0, 0, 0.0)
    long = Timetable(100, WORK, pace=0.1).steps(0, 0, 0.0)
    assert short[0] == pytest.approx(2 * short[1], abs=1)
    assert long[0] == 120 < long[1]
    assert coarse_steps_for(5) == 10


def test_what_is_needed_to_write_the_result_is_left() -> None:
    without = Timetable(50, WORK, pace=0.1).steps(1, 0, 0.0)
    assert Timetable(50, WORK, pace=0.1, reserve=4.0).steps(1, 0, 0.0) == [without[0] - 10]


def test_a_slower_machine_than_expected_gets_fewer_steps() -> None:
    """Evaluations at the coarse scale take twice as long as was probed."""
    timetable = Timetable(40, WORK, pace=0.1)
    expected = timetable.steps(0, 0, 0.0)
    for number in (1, 2, 3):
        timetable.measure(0, number, 1 + 0.2 * number)
    assert timetable.pace == pytest.approx(0.2)
    steps = timetable.steps(0, 3, 1.6)
    assert steps[1] < 0.6 * expected[1]
    remaining = (steps[0] - 3) * 0.2 + (steps[1] + PREPARATION) * 0.8
    assert 1.6 + remaining == pytest.approx(40, abs=1)


def test_the_final_scale_ends_with_the_time_whatever_was_planned() -> None:
    timetable = Timetable(20, WORK, pace=0.1)
    timetable.measure(1, 10, 12.0)
    timetable.measure(1, 14, 16.0)  # a second an evaluation
    assert timetable.steps(1, 14, 16.0) == [18]
    timetable.measure(1, 19, 21.0)
    assert timetable.steps(1, 19, 21.0) == [20], "one more: a painting ends with an evaluation"


def test_preparing_a_scale_does_not_count_as_an_evaluation() -> None:
    timetable = Timetable(20, WORK, pace=0.1)
    timetable.measure(0, 1, 9.0)
    assert timetable.pace == 0.1
    timetable.measure(0, 2, 9.3)
    assert timetable.pace == pytest.approx(0.3)


def test_evaluations_in_which_a_gpu_prepares_itself_do_not_count() -> None:
    """Reported every five: a second for the first five, then a hundredth for each."""
    timetable = Timetable(20, WORK, pace=0.1, warm_up=3)
    for number, now in ((1, 4.0), (5, 5.0)):
        timetable.measure(0, number, now)
        assert timetable.pace == 0.1
    timetable.measure(0, 10, 5.05)
    assert timetable.pace == pytest.approx(0.01)
    timetable.measure(1, 1, 7.0)
    timetable.measure(1, 5, 8.0)
    assert timetable.pace == pytest.approx(0.01)


def test_the_shortest_painting_has_a_few_evaluations_at_the_final_scale() -> None:
    timetable = Timetable(1, WORK, pace=0.1, reserve=0.2)
    steps = [coarse_steps_for(FEWEST_STEPS), FEWEST_STEPS]
    assert timetable.least(0.0) == pytest.approx(takes(steps, 0.1) + 0.2)
    assert timetable.least(3.0) == pytest.approx(timetable.least(0.0) + 3.0)
