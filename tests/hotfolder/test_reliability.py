"""`failure_modes.md` against the tests, and those of its failures that have no other home."""

import re
from pathlib import Path

import pytest
from support import FakeClock, Room, paints, starts_only

from hotfolder.spool import spool
from plugin.client.protocol import MAX_NAME_BYTES, portable_name

TESTS = Path(__file__).parents[1]
PAGE = Path(__file__).with_name("failure_modes.md")


def rows() -> list[list[str]]:
    lines = [line for line in PAGE.read_text().splitlines() if re.match(r"\| \d+ \|", line)]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_page_lists_all_failures_and_every_test_that_it_names_exists() -> None:
    table = rows()
    assert [int(row[0]) for row in table] == list(range(1, 26))
    defined = {
        name
        for path in TESTS.rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)
    }
    assert set(re.findall(r"`(test_\w+)`", PAGE.read_text())) <= defined
    assert all("`test_" in row[3] for row in table)


# Failure mode 11.
def test_what_is_dropped_again_while_the_job_runs_is_another_job(room: Room) -> None:
    room.dispatcher.script = starts_only
    room.drop_pair("cat")
    room.step(3)
    (job,) = room.dispatcher.submitted
    room.drop("cat.content.jpg", "another picture")
    room.step(3)
    assert (Path(job.folder) / "inputs" / "cat.content.jpg").read_bytes() == b"picture"
    assert room.status("cat")["state"] == "running"
    assert (room.folder.inbox / "cat.content.jpg").read_text() == "another picture"


# Failure mode 24.
@pytest.mark.parametrize(
    "name",
    [
        "-rf",
        "a b",
        "it's",
        '"quoted"',
        "<script>alert(1)</script>".replace("/", "_"),
        "[bold]$(reboot)`id`;&|",
        "..",
        "...a",
        "%s%n{0}",
        "🎨",
        "CON",
        "x" * MAX_NAME_BYTES,
        "名" * (MAX_NAME_BYTES // 3),
    ],
)
def test_names_of_every_kind_come_to_their_end(room: Room, name: str) -> None:
    if name.startswith("."):
        room.drop_pair(name)
        room.step(4)
        assert not room.dispatcher.submitted  # hidden, so never looked at
        return
    room.drop_pair(name)
    room.step(4)
    called = portable_name(name)
    assert room.status(called)["state"] == "done"
    assert (room.folder.outbox / f"{called}.png").exists()
    assert room.record(called)["name"] == called
    assert not any(room.folder.inbox.iterdir())
    everywhere = [path for path in room.folder.root.parent.rglob("*") if path.is_file()]
    assert all(path.is_relative_to(room.folder.root) for path in everywhere)


# Failure mode 25.
def test_a_clock_that_is_set_back_keeps_the_order_of_jobs(
    room: Room, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.dispatcher.script = starts_only
    real, years = spool.datetime, iter((2030, 2001, 1999))

    class Jumping(spool.datetime):  # type: ignore[misc,valid-type]
        @classmethod
        def now(cls, zone: object = None) -> object:  # type: ignore[override]
            return real.now(zone).replace(year=next(years, 1999))  # type: ignore[arg-type]

    monkeypatch.setattr(spool, "datetime", Jumping)
    for name in ("first", "second", "third"):
        room.drop_pair(name)
        room.step(3)
    ids = [room.status(name)["id"] for name in ("first", "second", "third")]
    assert ids == sorted(ids)
    monkeypatch.undo()
    room.restart(paints)
    room.step(8)
    assert [job.name for job in room.dispatcher.submitted] == ["first", "second", "third"]


def test_inputs_deleted_while_they_wait_are_dropped_quietly(room: Room) -> None:
    room.drop("cat.content.jpg")
    room.drop("dog.yaml", "content: dog.jpg\nstyles: cup.jpg")
    room.step(3)
    assert room.status("cat")["state"] == room.status("dog")["state"] == "waiting"
    for path in room.folder.inbox.iterdir():
        path.unlink()
    room.step(3)
    assert room.tree() == set()
    assert {path.name for path in room.folder.status.iterdir()} == {"server.json"}
