"""The rules: what the stranger does, and when the server works meanwhile.

After each deed of the stranger the server takes a step, unless `hurry` lets him do several first.
`meanwhile` puts off his next deed into the middle of a step, before its n-th file operation.
"""

import errno
import functools
import os
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from benchmarks.reliability.folder.daemon import Incident, Killed
from benchmarks.reliability.folder.dispatcher import LIVES
from benchmarks.reliability.folder.ending import Ending
from benchmarks.reliability.folder.harness import FolderHarness, Tally
from benchmarks.reliability.folder.stranger import LINKS, LITTER, LITTER_NAMES, PLACES, Stranger
from benchmarks.reliability.folder.texts import (
    BATCHES,
    CONFIGURATIONS,
    FOLDERS,
    NAMES,
    ORDINARY,
    PRESETS,
    SIDECARS,
    TIMES,
    VALID,
    paths,
)
from plugin.client.protocol import ControlFile

__all__ = ["FolderMachine", "Taken"]

picks = st.integers(0, 60)
"""Which of what is there."""

operations = st.integers(1, 150)
"""File operations of one step of the server."""

Taken = tuple[str, dict[str, Any]]
"""A step: the rule's name and the values chosen."""

DEED_SECONDS = 0.8
"""Between two deeds of the stranger. A file settles in 1 s."""

ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS)


def noted_rule(**values: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Any]:
    """A rule. What it does is noted, so that it can be done again without hypothesis."""

    def decorate(function: Callable[..., None]) -> Any:
        @rule(**values)  # type: ignore[call-overload, untyped-decorator]
        @functools.wraps(function)
        def noted(self: "FolderMachine", **chosen: Any) -> None:
            self.tally.steps += 1
            self.taken.append((function.__name__, chosen))
            function(self, **chosen)

        return noted

    return decorate


class FolderMachine(RuleBasedStateMachine):
    """A stranger and a server at one hot folder."""

    tally = Tally()
    """Of all machines of a run."""
    last: "FolderMachine"
    """The one that was made last."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[Taken] = []
        """The steps so far."""
        type(self).last = self
        self._elsewhere: str | None = None
        self._incidents: list[Incident] = []
        self._put_off_to: int | None = None
        self._put_off: list[_Once] = []
        self._hurry = 0

    @functools.cached_property
    def harness(self) -> FolderHarness:
        return FolderHarness(self.tally, self._elsewhere)

    @property
    def stranger(self) -> Stranger:
        return self.harness.stranger

    @initialize(place=st.sampled_from((None, None, None, "inbox", "outbox", "done")))
    def begin(self, place: str | None) -> None:
        """One of the folders may lie on another file system."""
        self.taken.append(("begin", {"place": place}))
        self._elsewhere = place

    def teardown(self) -> None:
        with self.harness:
            self._work(1, 2.0)
            Ending(self.harness).reach()

    # --- the server --------------------------------------------------------------------------

    @noted_rule(
        times=st.sampled_from((1, 1, 1, 2, 5, 20)), seconds=st.sampled_from((0.0, 2.0, 30.0))
    )
    def step(self, times: int, seconds: float) -> None:
        self._work(times, seconds)

    @noted_rule()
    def clean(self) -> None:
        """Long enough for the next cleaning."""
        self._work(1, 4000.0)

    @noted_rule()
    def stop(self) -> None:
        self.harness.stop()

    @noted_rule()
    def kill(self) -> None:
        self.harness.kill()

    @noted_rule(at=operations)
    def kill_at(self, at: int) -> None:
        """Before its n-th file operation from now."""

        def die() -> None:
            raise Killed

        self._incidents.append(Incident(at, die, until=10**9))
        self._work(1, 2.0)

    @noted_rule(number=st.sampled_from(ERRORS), at=operations, more=st.sampled_from((0, 0, 5, 100)))
    def fail_at(self, number: int, at: int, more: int) -> None:
        """Its n-th file operation fails, and those that follow."""

        def fail() -> None:
            raise OSError(number, os.strerror(number), "injected")

        self._incidents.append(Incident(at, fail, until=at + more))
        self._work(1, 2.0)

    @noted_rule(life=st.sampled_from(LIVES))
    def workers(self, life: str) -> None:
        """What becomes of the jobs that are painted from now on."""
        self.harness.daemon.life = life

    @noted_rule(text=st.sampled_from(CONFIGURATIONS))
    def configure(self, text: str) -> None:
        self.harness.config_file.write_text(text)

    @noted_rule(at=operations)
    def meanwhile(self, at: int) -> None:
        self._put_off_to = at

    @noted_rule(deeds=st.integers(2, 12))
    def hurry(self, deeds: int) -> None:
        """So many deeds before the server's next step."""
        self._hurry = deeds

    # --- the stranger, in the inbox ----------------------------------------------------------

    @noted_rule(folder=st.sampled_from(FOLDERS), name=st.sampled_from(NAMES))
    def drop_pair(self, folder: str, name: str) -> None:
        def drop() -> None:
            for kind in (".content.jpg", ".style.png"):
                self.stranger.write(f"{folder}/{name}{kind}".lstrip("/"), b"a picture")

        self._do(drop)

    @noted_rule(name=st.sampled_from(ORDINARY), text=st.sampled_from(VALID))
    def drop_job(self, name: str, text: bytes) -> None:
        """One with a sidecar, which is painted if nothing comes between."""

        def drop() -> None:
            self.stranger.write(f"{name}.yaml", text)
            for other in ORDINARY:
                self.stranger.write(f"{other}.jpg", b"a picture")
            for kind in (".content.jpg", ".style.png"):
                self.stranger.write(f"{name}{kind}", b"a picture")

        self._do(drop)

    @noted_rule(path=paths, over=st.booleans())
    def write(self, path: str, over: bool) -> None:
        self._do(lambda: self.stranger.write(path, b"a picture", over=over))

    @noted_rule(
        folder=st.sampled_from(FOLDERS),
        name=st.sampled_from(NAMES),
        text=st.sampled_from(SIDECARS),
    )
    def write_sidecar(self, folder: str, name: str, text: bytes) -> None:
        self._do(lambda: self.stranger.write(f"{folder}/{name}.yaml".lstrip("/"), text))

    @noted_rule(
        folder=st.sampled_from(FOLDERS),
        text=st.sampled_from(PRESETS),
        pictures=st.integers(0, 3),
    )
    def write_preset(self, folder: str, text: bytes, pictures: int) -> None:
        def write() -> None:
            self.stranger.write(f"{folder}/preset.yaml".lstrip("/"), text)
            for name in ("cat", "dog", "\u96e8" * 60)[:pictures]:
                self.stranger.write(f"{folder}/{name}.jpg".lstrip("/"), b"a picture")

        self._do(write)

    @noted_rule(
        name=st.sampled_from(NAMES), text=st.sampled_from(BATCHES), pictures=st.integers(0, 3)
    )
    def write_batch(self, name: str, text: bytes, pictures: int) -> None:
        def write() -> None:
            for picture in ("cat", "dog", "\u96e8" * 60)[:pictures]:
                self.stranger.write(f"{picture}.jpg", b"a picture")
            self.stranger.write(f"{name}.batch.yaml", text)

        self._do(write)

    @noted_rule(
        folder=st.sampled_from(FOLDERS),
        text=st.sampled_from((*SIDECARS, *BATCHES)),
        kind=st.sampled_from((".yaml", ".batch.yaml")),
        count=st.sampled_from((12, 12, 12, 60)),
    )
    def write_crowd(self, folder: str, text: bytes, kind: str, count: int) -> None:
        """Many of the same kind at once."""

        def write() -> None:
            for number in range(count):
                self.stranger.write(f"{folder}/crowd{number}{kind}".lstrip("/"), text)

        self._do(write)

    @noted_rule(
        folder=st.sampled_from(FOLDERS),
        name=st.sampled_from((*NAMES, "album-cat", "cat-cat-wave")),
        control=st.sampled_from([control.suffix for control in ControlFile]),
        form=st.sampled_from(("empty", "empty", "digit", "garbage", "folder", "link", "pipe")),
    )
    def control(self, folder: str, name: str, control: str, form: str) -> None:
        self._do(lambda: self.stranger.control(f"{folder}/{name}{control}".lstrip("/"), form))

    @noted_rule(path=paths, to=st.sampled_from(LINKS), pick=picks)
    def link(self, path: str, to: str, pick: int) -> None:
        self._do(lambda: self.stranger.link(path, to, pick))

    @noted_rule(path=paths)
    def make_pipe(self, path: str) -> None:
        self._do(lambda: self.stranger.pipe(path))

    @noted_rule(path=paths)
    def make_folder(self, path: str) -> None:
        self._do(lambda: self.stranger.make_folder(path))

    @noted_rule(pick=picks, path=paths)
    def rename(self, pick: int, path: str) -> None:
        self._do(lambda: self.stranger.rename(pick, path))

    # --- the stranger, anywhere --------------------------------------------------------------

    @noted_rule(pick=picks)
    def remove(self, pick: int) -> None:
        self._do(lambda: self.stranger.remove(pick))

    @noted_rule(pick=picks, mode=st.sampled_from((0o000, 0o400, 0o500, 0o200, 0o755)))
    def change_mode(self, pick: int, mode: int) -> None:
        self._do(lambda: self.stranger.change_mode(pick, mode))

    @noted_rule(pick=picks, seconds=st.sampled_from(TIMES))
    def change_time(self, pick: int, seconds: int) -> None:
        self._do(lambda: self.stranger.change_time(pick, seconds))

    @noted_rule(pick=picks, to=st.sampled_from(("album", "archive")))
    def swap_for_link(self, pick: int, to: str) -> None:
        self._do(lambda: self.stranger.swap_for_link(pick, to))

    @noted_rule(path=paths)
    def grow(self, path: str) -> None:
        """A file that does not come to rest from now on."""
        self.harness.growing = path

    @noted_rule()
    def swap_back(self) -> None:
        self._do(self.stranger.swap_back)

    @noted_rule(
        place=st.sampled_from(PLACES),
        name=st.sampled_from(LITTER_NAMES),
        form=st.sampled_from(LITTER),
    )
    def litter(self, place: str, name: str, form: str) -> None:
        self._do(lambda: self.stranger.litter(place, name, form))

    @noted_rule(
        pick=picks, data=st.sampled_from((b"", b"{}", b"[]", b"\xff", b"1e999", b"[" * 2000))
    )
    def damage(self, pick: int, data: bytes) -> None:
        self._do(lambda: self.stranger.damage(pick, data))

    @noted_rule(name=st.sampled_from(("inbox", "outbox", "done", "status", ".impasto/spool")))
    def take_place_away(self, name: str) -> None:
        self._do(lambda: self.stranger.take_place_away(name))

    @noted_rule()
    def bring_places_back(self) -> None:
        self._do(self.stranger.bring_places_back)

    @noted_rule(reason=st.sampled_from((b"", b"lunch\n", b"\x1b[2J" * 100)))
    def pause(self, reason: bytes) -> None:
        self._do(lambda: self.stranger.pause(reason))

    @noted_rule()
    def resume(self) -> None:
        self._do(self.stranger.resume)

    # --- how ---------------------------------------------------------------------------------

    def _do(self, deed: Callable[[], Any]) -> None:
        if self._put_off_to is None:
            self.harness.act(deed)
        else:
            self._put_off.append(_Once(lambda: self.harness.act(deed)))
            self._incidents.append(Incident(self._put_off_to, self._put_off[-1]))
            self._put_off_to = None
            return
        self._hurry = max(0, self._hurry - 1)
        if self._hurry == 0:
            self._work(1, DEED_SECONDS)

    def _work(self, times: int, seconds: float) -> None:
        incidents, self._incidents = tuple(self._incidents), []
        for _ in range(times):
            self.harness.step(seconds, incidents)
            incidents = ()
            for deed in self._put_off:  # If the step had fewer operations.
                deed()
            self._put_off = []


class _Once:
    """Does something the first time that it is called."""

    def __init__(self, deed: Callable[[], None]) -> None:
        self._deed: Callable[[], None] | None = deed

    def __call__(self) -> None:
        deed, self._deed = self._deed, None
        if deed is not None:
            deed()
