"""Small copies of pictures: a cache outside the hot folder, filled by one child process."""

import asyncio
import contextlib
import errno
import hashlib
import json
import os
import stat
import sys
from pathlib import Path

import anyio.to_thread
from platformdirs import user_cache_path

from hotfolder import folder_access
from hotfolder.paths import without_links
from hotfolder.platforms import system
from hotfolder.workers.worker_process import child_environment

__all__ = ["SIDES", "Thumbnails"]

SIDES = {"small": 400, "large": 1600}
"""Pixels of the longest side."""

SECONDS = 20.0
"""A picture that takes longer has no thumbnail."""

IDLE_SECONDS = 60.0
"""The child is ended when nobody has wanted a thumbnail for so long."""

MAX_WAITING = 400
"""Requests for thumbnails that are still to be made. More are refused, not kept."""

MAX_REFUSED = 5000
"""Pictures that are known to have none."""


class Thumbnails:
    """The thumbnails of one hot folder. Used in one event loop."""

    def __init__(self, root: Path, command: list[str] | None = None) -> None:
        """`command` starts the child."""
        key = hashlib.sha256(str(root).encode("utf-8", "surrogateescape")).hexdigest()[:16]
        cache = user_cache_path("impasto", appauthor=False)
        self.cache = without_links(cache) / "page" / key
        self._command = command or [
            *(sys.executable, "-P", "-m", "hotfolder.page.pictures.thumbnail_process")
        ]
        self._process: asyncio.subprocess.Process | None = None
        self._one_at_a_time = asyncio.Lock()
        self._waiting = 0
        self._refused: dict[str, str] = {}
        self._used = 0.0

    async def of(self, picture: Path, side: int) -> Path | None:
        """The thumbnail's file; None if there is none to be had.

        Raises:
            OSError: the picture is not there, or no plain file.
        """
        facts = await anyio.to_thread.run_sync(folder_access.lstat, picture)
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(picture))
        text = f"{picture}\0{facts.st_mtime_ns}\0{facts.st_size}\0{facts.st_ino}\0{side}"
        key = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
        target = self.cache / f"{key}.webp"
        if folder_access.is_file(target):
            return target
        if key in self._refused or self._waiting >= MAX_WAITING:
            return None
        self._waiting += 1
        try:
            async with self._one_at_a_time:
                if not folder_access.is_file(target) and not await self._make(
                    picture, target, side, key
                ):
                    return None
        finally:
            self._waiting -= 1
        return target

    async def _make(self, picture: Path, target: Path, side: int, key: str) -> bool:
        self.cache.mkdir(parents=True, exist_ok=True)
        self._used = asyncio.get_running_loop().time()
        order = {"path": str(picture), "target": str(target), "side": side}
        try:
            async with asyncio.timeout(SECONDS):
                process = await self._started()
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(json.dumps(order).encode() + b"\n")
                await process.stdin.drain()
                answer = json.loads(await process.stdout.readline())
        except (TimeoutError, OSError, ValueError) as error:
            await self.close()
            answer = f"the decoder was ended: {type(error).__name__}"
        except asyncio.CancelledError:
            await self.close()  # Its answer would be taken for that of the next one.
            raise
        if answer:
            if len(self._refused) >= MAX_REFUSED:
                self._refused.clear()
            self._refused[key] = str(answer)
        return not answer

    async def end_when_idle(self) -> None:
        """End the child if nobody needs it; to be called now and then."""
        idle = asyncio.get_running_loop().time() - self._used
        if self._process is not None and not self._waiting and idle > IDLE_SECONDS:
            await self.close()

    async def close(self) -> None:
        """End the child."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=child_environment() | one_thread,
                start_new_session=os.name != "nt",
                creationflags=system.background_flags,
            )
        return self._process
