"""What changes in the folder, told to every open page: each part is rendered once for all of them.

The folder is read by a thread, more often while somebody watches. A page that is slow gets the
newest of each part, and nothing twice.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from functools import partial

import anyio.to_thread

from hotfolder.page.folder.snapshot import FolderReader, Snapshot

__all__ = ["Live"]

log = logging.getLogger(__name__)

WATCHED_SECONDS = 0.5
UNWATCHED_SECONDS = 3.0
"""Between two looks at the folder."""

LOOK_SHARE = 60
"""The next look waits for so many times as long as the last one took, up to `UNWATCHED_SECONDS`:
what a thousand jobs change costs the server's machine little."""

BYTES_PER_SECOND = 300_000
EVENTS_PER_SECOND = 40
"""What the news of one part may take, of all pages together: the larger it is, and the more pages
are open, the more seldom it is sent."""

SILENCE_SECONDS = 15.0
"""After which an empty comment shows proxies, and us, that the stream lives."""

RETRY_MILLISECONDS = 2000
"""After which a browser connects again."""

Render = Callable[[Snapshot], str]


class Live:
    """Watches one folder for all open pages."""

    def __init__(self, reader: FolderReader, parts: Mapping[str, Render]) -> None:
        """`parts`: what makes the HTML of each part of a page."""
        self._reader = reader
        self._parts = parts
        self._html: dict[str, str] = {}
        self._versions = dict.fromkeys(parts, 0)
        self._due = dict.fromkeys(parts, 0.0)
        """When each part may be sent again."""
        self._watchers: set[_Watcher] = set()
        self._look_now = asyncio.Event()
        self._closed = False

    async def run(self) -> None:
        """Look at the folder, again and again."""
        clock = asyncio.get_running_loop().time
        while not self._closed:
            began = clock()
            try:
                await self.look(listing=False)
            except Exception:  # The next look may find the folder in order again.
                log.exception("the folder cannot be shown")
            pause = min(UNWATCHED_SECONDS, max(WATCHED_SECONDS, LOOK_SHARE * (clock() - began)))
            if not self._watchers:
                pause = UNWATCHED_SECONDS
            try:
                async with asyncio.timeout(pause):
                    await self._look_now.wait()
            except TimeoutError:
                pass
            self._look_now.clear()

    async def look(self, *, listing: bool = True) -> None:
        """Look now; with `listing` at all statuses, since somebody has just done something."""
        newest = await anyio.to_thread.run_sync(partial(self._rendered, listing=listing))
        now = asyncio.get_running_loop().time()
        for part, html in newest.items():
            if html != self._html.get(part) and (listing or now >= self._due[part]):
                self._html[part] = html
                self._versions[part] += 1
                cost = max(len(html) / BYTES_PER_SECOND, 1 / EVENTS_PER_SECOND)
                self._due[part] = now + cost * len(self._watchers)
        for watcher in self._watchers:
            watcher.changed.set()

    def close(self) -> None:
        """End all streams."""
        self._closed = True
        self._look_now.set()
        for watcher in self._watchers:
            watcher.changed.set()

    async def stream(self, parts: Collection[str]) -> AsyncIterator[bytes]:
        """Server-sent events: `event: PART`, and its HTML. The present one first."""
        watcher = _Watcher()
        self._watchers.add(watcher)
        self._look_now.set()
        seen = dict.fromkeys((part for part in parts if part in self._parts), -1)
        try:
            yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
            while not self._closed:
                watcher.changed.clear()
                news = [
                    part
                    for part, version in seen.items()
                    if self._versions[part] != version and part in self._html
                ]
                if news:
                    seen |= {part: self._versions[part] for part in news}
                    yield b"".join(_event(part, self._html[part]) for part in news)
                try:
                    async with asyncio.timeout(SILENCE_SECONDS):
                        await watcher.changed.wait()
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            self._watchers.discard(watcher)

    def _rendered(self, *, listing: bool) -> dict[str, str]:
        """The HTML of each part as it is now; in a thread."""
        snapshot = self._reader.refresh(listing=listing)
        return {part: render(snapshot) for part, render in self._parts.items()}


class _Watcher:
    def __init__(self) -> None:
        self.changed = asyncio.Event()


def _event(name: str, html: str) -> bytes:
    lines = "".join(f"data: {line}\n" for line in html.splitlines() if line.strip())
    return f"event: {name}\n{lines}\n".encode()
