"""Checkpoints: where a painting stands, in its job's folder, so that nothing is lost half-way.

    spool/JOB/checkpoint-7.pt      the state: tensors and numbers, no code
    spool/JOB/checkpoint-7.json    written last: what it is a state of, and the other's SHA-256

At most two are kept, so that there is one while the next is written. One that is damaged, or of
another painting, is passed over in words: what is painted is never a mixture. Imports torch.
"""

import hashlib
import logging
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import torch

import engine
from engine.images.reading.files import Opener
from engine.network.devices import describe_hardware
from engine.network.vgg import VGG19
from engine.progression import Progression
from engine.settings import Settings
from engine.state import STATE_VERSION, State, load_state, save_state
from engine.stylise import Progress
from hotfolder.atomic_files import read_json, whole, write_json
from hotfolder.folder_access import lstat, names, open_regular, unlink
from hotfolder.throttle import Throttle

__all__ = ["Checkpoints", "made_of", "sha256_of", "state_of"]

log = logging.getLogger(__name__)

SHARE = 25
"""Writing takes at most one part in so many of the time: a costly checkpoint is written more
seldom."""

RESERVE = 1_000_000_000
"""Bytes left free on the disk: what is wanted there more than a checkpoint is the result."""


class Checkpoints:
    """Those of one painting, in `folder`. Any thread may call; one writes at a time."""

    def __init__(
        self,
        folder: Path,
        made_of: Mapping[str, Any],
        *,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            made_of: plain values, such as `made_of` gives. Only a state of the very same is gone
                on from.
            seconds: least time between two checkpoints; 0 for none now and then.
        """
        self._folder = folder
        self._made_of = {**made_of, "state": STATE_VERSION}
        self._seconds = seconds
        self._clock = clock
        self._throttle = Throttle(clock, SHARE, seconds)
        self._throttle.ended(started=clock())
        self._writing = threading.Lock()

    def latest(self) -> State | None:
        """The newest that is whole and of this painting."""
        for number in reversed(self._numbers()):
            try:
                state = self._read(number)
            except Exception as error:  # A damaged file raises almost anything.
                log.warning("%s is not used: %s", self._facts(number).stem, error)
                self._discard(number)
                continue
            log.info("goes on from %s", self._facts(number).stem)
            return state
        return None

    def keep(self, state: Callable[[], State]) -> None:
        """Write a checkpoint if it is time for one."""
        if self._seconds and self._throttle.is_open:
            self.write(state)

    def write(self, state: Callable[[], State]) -> None:
        """Write a checkpoint now. That it cannot be written is no reason not to paint on."""
        with self._writing:
            started = self._clock()
            try:
                self._write(state())
            except (OSError, RuntimeError) as error:
                # torch puts words of its own before those of a full disk.
                log.warning("a checkpoint could not be written: %s", error.__context__ or error)
            self._throttle.ended(started)

    def remove(self) -> None:
        """Remove all."""
        for number in self._numbers():
            self._discard(number)

    def _write(self, state: State) -> None:
        numbers = self._numbers()
        size = state.nbytes
        room = shutil.disk_usage(self._folder).free
        room += sum(lstat(self._data(number)).st_size for number in numbers[:-1])
        if room < size + RESERVE:
            log.warning("no checkpoint: it takes %d MB, and the disk is nearly full", size / 1e6)
            return
        for number in numbers[:-1]:
            self._discard(number)
        number = (numbers or [0])[-1] + 1
        with whole(self._data(number)) as file:
            hashing = _Hashing(file)
            save_state(state, hashing)  # type: ignore[arg-type]
        facts = {"sha256": hashing.sha256.hexdigest(), "made_of": self._made_of}
        write_json(self._facts(number), facts)

    def _read(self, number: int) -> State:
        """
        Raises:
            ValueError: of another painting, or damaged.
            Exception: damaged.
        """
        facts = read_json(self._facts(number))
        other = sorted(_differences(facts["made_of"], self._made_of))
        if other:
            raise ValueError(f"it was made with another {', '.join(other)}")
        with open_regular(self._data(number)) as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != facts["sha256"]:
                raise ValueError("it is damaged")
            file.seek(0)
            return load_state(file)

    def _numbers(self) -> list[int]:
        """Ascending. What a killed worker left without its facts is removed."""
        found: dict[int, set[str]] = {}
        for name in names(self._folder):
            if named := re.fullmatch(r"checkpoint-(\d+)\.(pt|json)", name):
                found.setdefault(int(named[1]), set()).add(named[2])
        for number in [number for number, kinds in found.items() if kinds != {"pt", "json"}]:
            self._discard(number)
            del found[number]
        return sorted(found)

    def _discard(self, number: int) -> None:
        unlink(self._facts(number), missing_ok=True)
        unlink(self._data(number), missing_ok=True)

    def _facts(self, number: int) -> Path:
        return self._folder / f"checkpoint-{number}.json"

    def _data(self, number: int) -> Path:
        return self._folder / f"checkpoint-{number}.pt"


def made_of(
    settings: Settings, inputs: Sequence[Path], vgg: VGG19, opener: Opener | None = None
) -> dict[str, Any]:
    """Everything that a painting's pixels depend on, to the last bit."""
    return {
        "settings": settings.model_dump(),
        "inputs": [sha256_of(path, opener) for path in inputs],
        "weights": vgg.weights.sha256,
        "precision": vgg.precision,
        "hardware": describe_hardware(vgg.device),
        "threads": torch.get_num_threads(),
        "versions": {"impasto": engine.__version__, "torch": torch.__version__},
    }


def state_of(
    step: Progress, progression: Progression | None, member: int = 1
) -> Callable[[], State]:
    """Where the painting stands, and what is remembered of how it came about.

    Args:
        member: which of the paintings of a series it is, from 1.
    """

    def state() -> State:
        extra = {"progression": progression.state()} if progression else {}
        return replace(step.state(), extra={**extra, "member": member})

    return state


def sha256_of(path: Path, opener: Opener | None = None) -> str:
    with open(path, "rb", opener=opener) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Hashing:
    """A file that is only written to, and the hash of what was."""

    def __init__(self, file: IO[bytes]) -> None:
        self.sha256 = hashlib.sha256()
        self._file = file

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


def _differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Dotted keys that differ."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in one.keys() | other.keys():
            below = f"{path}.{key}" if path else str(key)
            yield from _differences(one.get(key), other.get(key), below)
    elif one != other:
        yield path
