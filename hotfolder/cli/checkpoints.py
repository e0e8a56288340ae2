"""`stylise --resume`: checkpoints of a painting without a server. Imports torch."""

import signal
import threading
from _thread import interrupt_main
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from engine.network.vgg import VGG19
from engine.progression import Progression
from engine.settings import Settings
from engine.state import State
from engine.stylise import Progress
from hotfolder.cli.console import report
from hotfolder.paths import in_plain_folder
from hotfolder.platforms import system
from hotfolder.workers.checkpoints import Checkpoints, made_of, state_of
from hotfolder.workers.series import SeriesFiles

__all__ = ["RunCheckpoints"]


class RunCheckpoints:
    """Writes checkpoints into `folder`, at intervals and at a signal. None: writes none."""

    def __init__(
        self,
        folder: Path | None,
        settings: Settings,
        inputs: Sequence[Path],
        vgg: VGG19,
        seconds: float,
    ) -> None:
        self._checkpoints: Checkpoints | None = None
        self._state: Callable[[], State] | None = None
        self.series: SeriesFiles | None = None
        """The paintings of a series that are finished."""
        if folder is not None:
            folder = in_plain_folder(folder)
            folder.mkdir(exist_ok=True)
            made = made_of(settings, inputs, vgg)
            self._checkpoints = Checkpoints(folder, made, seconds=seconds)
            self.series = SeriesFiles(folder, made)

    def latest(self) -> State | None:
        """Where the painting stood when it was interrupted."""
        state = self._checkpoints.latest() if self._checkpoints else None
        if state is not None:
            number = state.extra.get("member", 1)
            which = f"painting {number}, " if number > 1 else ""
            report(
                f"Goes on where it was interrupted: {which}scale {state.scale + 1}, "
                f"step {state.done + 1}."
            )
        return state

    def keep(self, step: Progress, progression: Progression | None, member: int) -> None:
        """Take note of a step, and write a checkpoint if it is time.

        Args:
            progression: of that painting.
            member: its number in its series.
        """
        if self._checkpoints is not None:
            self._state = state_of(step, progression, member)
            self._checkpoints.keep(self._state)

    @contextmanager
    def writing_when_interrupted(self) -> Iterator[None]:
        """Ctrl-C and SIGTERM write a checkpoint, and only then interrupt what is being computed.

        In a thread of its own, since the one that the signal interrupts may be moving the picture.
        """
        if self._checkpoints is None or threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in system.stop_signals}

        def write() -> None:
            if self._checkpoints is not None and self._state is not None:
                self._checkpoints.write(self._state)
                report("The same command goes on from here.")
            interrupt_main()

        def interrupted(*_: object) -> None:
            # The second Ctrl-C does not wait.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            threading.Thread(target=write, daemon=True).start()

        for number in system.stop_signals:
            signal.signal(number, interrupted)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
