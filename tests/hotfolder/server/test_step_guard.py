"""What goes wrong in one part of a step, or in one folder, ends neither the others nor the server,
and no step takes so long that the server seems dead."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support import FakeClock, FakeDispatcher, Room, fails
from test_server import Workers, drop, folders, server_of, workers

from hotfolder.config.model import Config
from hotfolder.config.reload import ConfigWatch
from hotfolder.errors import DispatchError, FolderError
from hotfolder.paths import FolderPaths
from hotfolder.server.folder_server import FolderServer
from hotfolder.server.server import Server
from hotfolder.server.step_guard import LONGEST_PAUSE
from hotfolder.spool.spool import Spool
from hotfolder.workers.events import Event

__all__ = ["folders", "workers"]

Until = Callable[..., None]


class Failing:
    """Takes the place of a function and raises, while it is told to."""

    def __init__(self, real: Callable[..., Any]) -> None:
        self.real = real
        self.error: Exception | None = None
        self.calls = 0

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        self.calls += 1
        if self.error is not None:
            raise self.error
        return self.real(*arguments, **keywords)


PARTS = {
    "the inbox": "_scan",
    "the batches": "_step_batches",
    "old files": "_clean",
    "the configuration": "_apply_changed_config",
    "the status of jobs": "_report_jobs",
}


@pytest.mark.parametrize(("what", "part"), PARTS.items(), ids=PARTS.values())
def test_a_part_of_a_step_that_fails_ends_none_of_the_others(
    room: Room,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    what: str,
    part: str,
) -> None:
    failing = Failing(getattr(FolderServer, part))
    monkeypatch.setattr(FolderServer, part, lambda daemon: failing(daemon))
    room.dispatcher.capacity = 0
    room.drop_pair("cat")
    room.step(2)
    room.dispatcher.capacity = 1
    failing.error = RecursionError("too deep")
    room.step(4)
    assert (room.folder.outbox / "cat.png").exists()
    server = room.status("server")
    assert f"{what}: RecursionError: too deep; it is tried again" in server["problem"]
    assert server["state"] in ("idle", "busy")
    assert caplog.text.count("RecursionError: too deep") == 1  # one traceback
    failing.error = None
    room.step(1, seconds=LONGEST_PAUSE)
    room.step(1)
    assert room.status("server")["problem"] is None


def test_what_fails_is_tried_again_less_and_less_often(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = Failing(lambda _: None)
    failing.error = ValueError("no")
    monkeypatch.setattr(FolderServer, "_clean", lambda daemon: failing(daemon))
    for _ in range(600):
        room.step(1, seconds=1.0)
    assert 10 <= failing.calls <= 20


def test_without_workers_nothing_goes_on(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any) -> Iterator[Event]:
        raise DispatchError("no device")

    monkeypatch.setattr(room.dispatcher, "poll", none)
    with pytest.raises(DispatchError, match="no device"):
        room.step()


def test_a_run_that_is_to_end_ends_by_what_is_unforeseen(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = Failing(lambda: None)
    failing.error = RecursionError("too deep")
    monkeypatch.setattr(FolderServer, "_scan", lambda _: failing())
    with pytest.raises(RecursionError):
        room.run_once()


def test_one_folder_that_fails_leaves_the_others_and_comes_back(
    folders: list[FolderPaths],
    workers: Workers,
    until: Until,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    one, two = folders
    real = FolderServer.step
    broken = [True]

    def step(server: FolderServer) -> None:
        if broken[0] and server._folder.root == one.root:
            raise FolderError("one: it cannot be written to")
        real(server)

    monkeypatch.setattr(FolderServer, "step", step)
    with server_of(folders, workers) as server:
        drop(two, "dog")
        until((two.outbox / "dog.png").exists, 60)
        assert "one: failed, and is begun anew: one: it cannot be written to" in (
            server._status_line()
        )
        drop(one, "cat")
        broken[0] = False
        until((one.outbox / "cat.png").exists, 60)
        server.check()
    assert caplog.text.count("cannot be served") == 1


def test_the_only_folder_keeps_trying_after_what_is_unforeseen(
    folders: list[FolderPaths], workers: Workers, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Spool.restore
    broken = [True]

    def restore(spool: Spool) -> Any:
        if broken[0]:
            raise RecursionError("too deep")
        return real(spool)

    monkeypatch.setattr(Spool, "restore", restore)
    with server_of(folders[:1], workers) as server:
        drop(folders[0], "cat")
        time.sleep(0.5)
        server.check()
        assert not workers.closed
        broken[0] = False
        until((folders[0].outbox / "cat.png").exists, 60)


def test_claims_that_take_long_are_spread_over_turns(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of pictures that are copied from a slow share."""
    real = Spool.claim

    def slow(spool: Spool, *arguments: Any) -> Any:
        room.clock.advance(0.4)
        return real(spool, *arguments)

    monkeypatch.setattr(Spool, "claim", slow)
    room.dispatcher = FakeDispatcher(capacity=0)
    names = [f"job{number:02}" for number in range(20)]
    for name in names[:15]:
        room.drop_pair(name)
    for name in names[15:]:
        room.drop_pair(name, "siez: 3")
    longest = 0.0
    for _ in range(60):
        room.clock.advance(0.25)
        began = room.clock.now
        room.daemon.step()
        longest = max(longest, room.clock.now - began)
    assert longest < 2.0
    assert [room.status(name)["state"] for name in names] == ["queued"] * 15 + ["failed"] * 5
    assert all(room.status(name)["id"] for name in names)


def test_ends_that_take_long_are_spread_over_turns(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hotfolder.outbox.publisher import Publisher

    real = Publisher.publish

    def slow(publisher: Publisher, entry: Any) -> None:
        room.clock.advance(0.4)
        real(publisher, entry)

    monkeypatch.setattr(Publisher, "publish", slow)
    room.dispatcher = FakeDispatcher(fails, capacity=20)
    for number in range(20):
        room.drop_pair(f"job{number:02}")
    longest = 0.0
    for _ in range(40):
        room.clock.advance(0.25)
        began = room.clock.now
        room.daemon.step()
        longest = max(longest, room.clock.now - began)
    assert longest < 2.0
    assert {room.status(f"job{number:02}")["state"] for number in range(20)} == {"failed"}


def test_the_watchdog_is_fed_between_the_parts_of_a_step(
    folder: FolderPaths, clock: FakeClock
) -> None:
    fed: list[float] = []
    config = ConfigWatch(Config.model_validate({"watch": {"polling": True}}))
    server = FolderServer(
        config, folder, FakeDispatcher(), alive=lambda: fed.append(clock.now), clock=clock
    )
    server._start()
    server.step()
    assert len(fed) >= 8


def test_the_watchdog_is_fed_after_each_folder(
    folders: list[FolderPaths], workers: Workers, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    counts = {"folders": 0, "fed": 0}
    real_step, real_alive = FolderServer.step, Server._alive

    def step(server: FolderServer) -> None:
        counts["folders"] += 1
        real_step(server)

    def alive(server: Server) -> None:
        counts["fed"] += 1
        real_alive(server)

    monkeypatch.setattr(FolderServer, "step", step)
    monkeypatch.setattr(Server, "_alive", alive)
    with server_of(folders, workers):
        until(lambda: counts["folders"] > 6)
    assert counts["fed"] >= counts["folders"]
