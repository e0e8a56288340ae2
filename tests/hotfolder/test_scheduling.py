"""Whose turn it is: priority, then folder after folder, then age."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from hotfolder.scheduling import Scheduler, SchedulingKey


def job(text: str) -> SchedulingKey:
    """`a3@7`: the third job of folder a, at priority 7 (5 if unsaid)."""
    name, _, priority = text.partition("@")
    return SchedulingKey(int(priority or 5), name[0], (int(name[1:]),))


def order(turns: Scheduler, *names: str) -> list[str]:
    return turns.order(names, job)


def test_the_older_comes_first() -> None:
    assert order(Scheduler(), "a3", "a1", "a2") == ["a1", "a2", "a3"]


def test_a_higher_priority_comes_before_age() -> None:
    assert order(Scheduler(), "a1", "a2@9", "a3@0", "a4@9") == ["a2@9", "a4@9", "a1", "a3@0"]


def test_folders_take_turns() -> None:
    assert order(Scheduler(), "a1", "a2", "a3", "b4", "b5", "c6") == [
        *("a1", "b4", "c6"),
        *("a2", "b5"),
        "a3",
    ]


def test_the_folder_that_was_served_last_comes_last() -> None:
    turns = Scheduler()
    turns.serve("a")
    assert order(turns, "a1", "a2", "b3", "b4") == ["b3", "a1", "b4", "a2"]


def test_a_newcomer_is_next_however_long_the_others_line_is() -> None:
    turns = Scheduler()
    served = []
    crowd = [f"a{number}" for number in range(50)]
    for _ in range(10):
        served.append(turns.order(crowd, job)[0])
        crowd.remove(served[-1])
        turns.serve("a")
    assert turns.order([*crowd, "b99"], job)[0] == "b99"


def test_priority_goes_before_a_folders_turn() -> None:
    turns = Scheduler()
    turns.serve("a")
    assert order(turns, "a1@6", "b2") == ["a1@6", "b2"]


def test_the_line_is_what_serving_one_by_one_comes_to() -> None:
    names = ["a1", "a2", "b3@7", "c4", "c5@7", "b6", "a7@0"]
    foretold = order(Scheduler(), *names)
    turns, served = Scheduler(), []
    while names:
        served.append(order(turns, *names)[0])
        names.remove(served[-1])
        turns.serve(served[-1][0])
    assert served == foretold


@given(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from("abc"), st.integers(0, 99)), max_size=40)
)
def test_everybody_stands_in_line_once_and_no_folder_twice_while_another_waits(
    jobs: list[tuple[int, str, int]],
) -> None:
    numbered = [SchedulingKey(p, f, (age, i)) for i, (p, f, age) in enumerate(jobs)]
    line = Scheduler().order(numbered, lambda turn: turn)
    assert sorted(line, key=lambda t: t.age) == sorted(numbered, key=lambda t: t.age)
    for at, (one, other) in enumerate(itertools.pairwise(line)):
        assert one.priority >= other.priority
        if one.priority == other.priority and one.folder == other.folder:
            assert one.age < other.age
            waiting = {t.folder for t in line[at + 1 :] if t.priority == one.priority}
            assert waiting == {one.folder}
