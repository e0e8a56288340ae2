"""Files that belong to no job: in the heartbeat, in the log, and in what a run says at its end."""

import logging

import pytest
from support import FakeClock, Room

from hotfolder.outbox.strays import StrayLog, listed


def test_a_list_that_is_cut_says_how_many_more_there_are(room: Room) -> None:
    for number in range(25):
        room.drop(f"a{number:02}.heic")
    room.step(2)
    strays = room.status("server")["strays"]
    assert len(strays) == 20
    assert strays[:2] == [f"a0{number}.heic (a picture that no job names)" for number in range(2)]
    assert strays[-1] == "and 6 more"
    assert listed(["a", "b"], 2) == ["a", "b"]
    assert listed(["a", "b", "c"], 2) == ["a", "and 2 more"]


def test_each_stray_is_named_once_in_the_log_when_it_has_been_one_for_a_while(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    room.drop("cat.jpg")
    room.step(2)
    (room.folder.styles / "wave.jpg").write_bytes(b"x")
    room.drop("cat.yaml", "content: cat.jpg\nstyles: wave.jpg")
    room.drop("IMG_1.CR2")
    room.step(5, seconds=30)
    assert room.status("cat")["state"] == "done"
    told = [line for line in caplog.messages if "part of no job" in line]
    assert len(told) == 1
    assert told[0].startswith("in the inbox, but part of no job: IMG_1.CR2 (a camera's raw file")


def test_a_stray_whose_reason_changes_is_not_named_again_and_one_that_comes_back_is(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    strays = StrayLog(clock)
    for number in (1, 2, 3):
        strays.note([] if number == 3 else [f"oil/ ({number}; preset (1).yaml is near)"], 0.0)
    strays.note(["oil/ (4)"], 0.0)
    told = [line.partition(": ")[2] for line in caplog.messages]
    assert told == ["oil/ (1; preset (1).yaml is near)", "oil/ (4)"]


def test_of_a_crowd_of_strays_each_line_of_the_log_has_some(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    StrayLog(clock).note([f"{number} (why)" for number in range(2000)], 0.0)
    assert len(caplog.messages) == 50
    assert all(line.count("(why)") == 20 for line in caplog.messages[:-1])
    assert caplog.messages[-1].endswith("998 (why), and 1001 more")


def test_a_run_to_the_end_names_what_is_left_in_log_and_summary(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    room.drop_pair("cat")
    room.drop("notes.txt")
    room.settings["settle_seconds"] = 0
    summary = room.run_once()
    assert (summary.done, list(summary.strays)) == (
        1,
        ["notes.txt (neither a picture nor a sidecar)"],
    )
    assert sum("part of no job: notes.txt" in line for line in caplog.messages) == 1
