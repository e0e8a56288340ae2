"""The news that open pages get, with a real folder and a loop of their own."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from support_page import write_server, write_status

from hotfolder.page.folder.snapshot import FolderReader, Snapshot
from hotfolder.page.live import BYTES_PER_SECOND, Live
from hotfolder.paths import FolderPaths


def names(snapshot: Snapshot) -> str:
    return "<ul>" + "".join(f"<li>{job.name}</li>\n" for job in snapshot.live) + "</ul>"


def in_a_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await test()

    asyncio.run(bounded())


def test_a_part_is_sent_when_it_has_changed_and_only_then(folder: FolderPaths) -> None:
    write_server(folder)

    async def test() -> None:
        live = Live(FolderReader(folder), {"names": names, "state": lambda s: s.server.state})
        await live.look()
        news = live.stream(["names", "state", "unknown"])
        assert await anext(news) == b"retry: 2000\n\n"
        first = await anext(news)
        assert first == b"event: names\ndata: <ul></ul>\n\nevent: state\ndata: busy\n\n"
        await live.look()
        write_status(folder, "cat", "queued")
        await live.look()
        second = await anext(news)
        assert second == b"event: names\ndata: <ul><li>cat</li>\ndata: </ul>\n\n"

    in_a_loop(test)


def test_a_page_that_is_slow_gets_the_newest_and_nothing_twice(folder: FolderPaths) -> None:
    write_server(folder)

    async def test() -> None:
        live = Live(FolderReader(folder), {"names": names})
        news = live.stream(["names"])
        await anext(news)
        for name in ("cat", "dog", "cow"):
            write_status(folder, name, "queued")
            await live.look()
        assert (await anext(news)).count(b"<li>") == 3
        following = asyncio.ensure_future(anext(news))
        await asyncio.sleep(0.1)
        assert not following.done()
        live.close()
        following.cancel()

    in_a_loop(test)


def test_large_news_are_sent_more_seldom_unless_somebody_has_done_something(
    folder: FolderPaths,
) -> None:
    write_server(folder)
    texts = iter("abcdefgh")

    async def test() -> None:
        live = Live(
            FolderReader(folder), {"large": lambda _: next(texts) * (60 * BYTES_PER_SECOND)}
        )
        news = live.stream(["large"])
        await anext(news)
        await live.look(listing=False)
        assert (await anext(news))[20:21] == b"a"
        following = asyncio.ensure_future(anext(news))
        await live.look(listing=False)
        await asyncio.sleep(0.1)
        assert not following.done()  # 60 MB were sent just now
        await live.look()
        assert (await following)[20:21] == b"c"

    in_a_loop(test)


def test_a_folder_that_is_gone_is_said_and_comes_back(folder: FolderPaths) -> None:
    write_server(folder)
    reader = FolderReader(folder)
    write_status(folder, "cat", "queued")
    assert [job.name for job in reader.refresh(listing=True).live] == ["cat"]
    away = folder.root.rename(folder.root.with_name("away"))
    assert not reader.refresh().is_there
    away.rename(folder.root)
    snapshot = reader.refresh(listing=True)
    assert snapshot.is_there
    assert [job.name for job in snapshot.live] == ["cat"]


def test_thousands_of_ended_jobs_are_read_once(folder: FolderPaths) -> None:
    write_server(folder)
    for number in range(2000):
        write_status(folder, f"cat-{number}", "done", result=f"outbox/cat-{number}.png")
    reader = FolderReader(folder)
    read: list[str] = []
    plain = reader.client.job

    def counted(name: str) -> Any:
        read.append(name)
        return plain(name)

    reader.client.job = counted  # type: ignore[method-assign]
    assert len(reader.refresh(listing=True).ended or {}) == 2000
    assert len(read) == 2000
    read.clear()
    write_status(folder, "dog", "running", id="1")
    snapshot = reader.refresh(listing=True)
    assert [job.name for job in snapshot.live] == ["dog"]
    assert read == ["dog"]
