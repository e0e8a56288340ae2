"""The time that a batch has, divided over its pictures: `within`, `finish_by`."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support import Room, starts_only

from engine.errors import Problem
from engine.settings import resolve
from hotfolder.batches.client_run import BatchRun
from hotfolder.batches.deadline import Deadline, deadline_of, parse_duration, parse_finish
from hotfolder.batches.expansion import expand
from hotfolder.batches.finished_work import FinishedWork
from plugin.client import Client

NOW = datetime(2026, 11, 26, 22, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6h", 21600),
        ("90m", 5400),
        ("1h30m", 5400),
        ("45 min", 2700),
        ("2d", 172800),
        ("1.5h", 5400),
    ],
)
def test_a_time_is_written_as_people_write_it(text: str, seconds: int) -> None:
    assert parse_duration(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["6", "", "h", "6 hours", "0h", "-1h", "9999d", "1h x"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_duration(text)


def test_a_time_of_day_is_the_next_one() -> None:
    assert parse_finish("08:00", NOW) == datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
    assert parse_finish("23:30", NOW) == datetime(2026, 11, 26, 23, 30, tzinfo=UTC)
    assert parse_finish("2026-12-24 08:00", NOW) == datetime(2026, 12, 24, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize("text", ["25:00", "8", "tomorrow", "2026-11-26 21:00", "2030-01-01"])
def test_what_is_no_moment_to_come_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_finish(text, NOW)


def test_both_at_once_are_refused() -> None:
    problems: list[Problem] = []
    deadline_of({"within": "6h", "finish_by": "08:00"}, NOW, problems)
    assert [problem.key for problem in problems] == ["finish_by"]


def test_the_time_is_shared_by_the_pictures_and_the_workers() -> None:
    deadline = Deadline(NOW + timedelta(hours=1))
    assert deadline.seconds(100, 1, NOW) == 36
    assert deadline.seconds(100, 4, NOW) == 144
    assert deadline.seconds(2, 4, NOW) == 3600, "the other two have nothing to paint"
    assert deadline.seconds(100, 1, NOW + timedelta(hours=2)) == 1, "late: the shortest there is"


def test_the_paintings_of_one_job_share_its_time() -> None:
    deadline = Deadline(NOW + timedelta(hours=1))
    several = deadline.applied(resolve({"variations": 4}), 2, 1, NOW)
    assert several.seconds == 3600 / 2 / 4
    assert deadline.applied(resolve({"interpolate": 16}), 3600, 1, NOW).seconds == 1.0


def test_what_is_asked_of_single_pictures_gives_way() -> None:
    settings = resolve({"scale_steps": [10, 10]})
    applied = Deadline(NOW + timedelta(hours=1)).applied(settings, 100, 1, NOW)
    assert (applied.seconds, applied.scale_steps, applied.time_limit) == (36, None, "exceed")
    assert resolve(applied.model_dump()) == applied


def seconds_of(room: Room) -> list[float]:
    return [job.settings.seconds or 0.0 for job in room.dispatcher.submitted]


BATCH = "contents: '*.jpg'\nstyles: night.jpg\nwithin: 1h\n"


def test_each_picture_of_a_batch_file_gets_its_share(room: Room) -> None:
    (room.folder.styles / "night.jpg").write_bytes(b"night")
    for number in range(6):
        room.drop(f"cat{number}.jpg", f"{number}")
    room.drop("trip.batch.yaml", BATCH)
    for _ in range(30):
        room.step()
    shares = seconds_of(room)
    assert len(shares) == 6
    assert shares[0] == pytest.approx(600, abs=5)
    assert shares == sorted(shares), (
        "nothing takes any time here, so the last have all that is left"
    )
    assert shares[-1] > 1500


def test_a_batch_keeps_its_deadline_over_a_restart(room: Room) -> None:
    (room.folder.styles / "night.jpg").write_bytes(b"night")
    for number in range(4):
        room.drop(f"cat{number}.jpg", f"{number}")
    room.drop("trip.batch.yaml", BATCH)
    room.dispatcher.script = starts_only
    for _ in range(4):
        room.step()
    assert seconds_of(room) == pytest.approx([900], abs=5)
    room.restart()
    for _ in range(30):
        room.step()
    assert len(seconds_of(room)) == 4
    assert max(seconds_of(room)) > 1500


def test_a_batch_file_with_no_such_time_is_refused_by_line(room: Room) -> None:
    room.drop("cat.jpg")
    room.drop("trip.batch.yaml", BATCH.replace("1h", "soon"))
    for _ in range(4):
        room.step()
    message = room.status("trip")["message"]
    assert "line 3" in message
    assert "within: 'soon'; expected a time with its unit" in message


def test_the_command_shares_the_time_and_knows_the_work_again(room: Room, tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.jpg" for name in ("cat", "dog", "fox", "night")]
    for file in files:
        file.write_bytes(file.name.encode())
    items = list(expand(files[:3], [(files[3],)], {"1": resolve({"size": 64})}))
    out = tmp_path / "out"
    out.mkdir()
    room.daemon.step()

    def run() -> BatchRun:
        return BatchRun(
            Client(room.folder.root),
            items,
            FinishedWork(out, "0.1.0"),
            deadline=Deadline(datetime.now().astimezone() + timedelta(hours=1)),
            sleep=lambda _: room.step(),
        )

    list(run().steps())
    shares = seconds_of(room)
    assert shares[0] == pytest.approx(1200, abs=10)
    assert shares == sorted(shares)
