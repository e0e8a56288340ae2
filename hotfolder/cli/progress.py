"""Progress of paintings on stderr: bars on a terminal, else a plain line now and then."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from hotfolder.cli.console import clock_time, report, stderr_console

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from plugin.client import Client, Ticket

__all__ = ["Point", "ProgressView", "follow"]

LINE_SECONDS = 10.0
"""Time between two plain lines about one painting."""


@dataclass(frozen=True)
class Point:
    """How far a painting is."""

    fraction: float
    detail: str
    """Such as `scale 1 of 2, step 12 of 60`, or why it waits."""
    loss: float | None = None
    eta_seconds: float | None = None

    @classmethod
    def of(cls, state: Any, message: str = "") -> Self:
        """From the engine's progress or a job's status: their fields have the same names."""
        loss = state.losses
        if loss is not None:
            loss = loss["total"] if isinstance(loss, Mapping) else loss.total
        detail = message
        if state.step is not None:
            scale = f"scale {state.scale} of {state.scales}, " if (state.scales or 1) > 1 else ""
            detail = f"{scale}step {state.step} of {state.steps}"
            # The engine's; a status has it in its message.
            if rejected := getattr(state, "rejected_moves", 0):
                detail += f", {rejected} taken back"
        return cls(state.fraction, detail, loss, state.eta_seconds)

    def __str__(self) -> str:
        parts = [f"{self.fraction:.0%}" if self.loss is not None else "", self.detail]
        if self.loss is not None:
            parts.append(f"loss {self.loss:.3g}")
        if self.eta_seconds is not None:
            parts.append(f"{clock_time(self.eta_seconds)} to go")
        return ", ".join(part for part in parts if part)


class ProgressView:
    """A context manager; one bar for each painting that is under way."""

    def __init__(self, *, plain: bool = False) -> None:
        """`plain`: no bars, even on a terminal."""
        self._plain = plain
        self._console = stderr_console()
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._reported: dict[str, tuple[str, float]] = {}

    @property
    def console(self) -> "Console":
        """Prints above the bars."""
        return self._console

    @property
    def live(self) -> bool:
        """Whether there are bars."""
        return self._console.is_terminal and not self._plain

    def __enter__(self) -> Self:
        if self.live:
            self._bars = _bars(self._console)
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def update(self, name: str, point: Point) -> None:
        """Show how far the painting called `name` is."""
        if self._bars is None:
            self._report_now_and_then(name, point)
            return
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=1.0, detail="", loss="", eta="")
        self._bars.update(
            self._tasks[name],
            completed=point.fraction,
            detail=point.detail,
            loss="" if point.loss is None else f"loss {point.loss:.3g}",
            eta="" if point.eta_seconds is None else f"{clock_time(point.eta_seconds)} to go",
        )

    def end(self, name: str) -> None:
        """Take the bar away."""
        self._reported.pop(name, None)
        if self._bars is not None and name in self._tasks:
            self._bars.remove_task(self._tasks.pop(name))

    def _report_now_and_then(self, name: str, point: Point) -> None:
        kind = "painting" if point.loss is not None else point.detail
        last, when = self._reported.get(name, ("", 0.0))
        now = time.monotonic()
        if kind != last or (point.loss is not None and now - when >= LINE_SECONDS):
            self._reported[name] = (kind, now)
            report(f"{name}: {point}")


def follow(client: "Client", ticket: "Ticket", *, grace: float = 10.0) -> None:
    """Show a job's progress until it has ended.

    Args:
        grace: seconds without a server after which it is given up.

    Raises:
        ClientError: no server.
    """
    with ProgressView() as view:
        for status in client.watch(ticket, grace=grace):
            place = f"in the queue, place {status.position}" if status.position else status.message
            view.update(ticket.name, Point.of(status, place))


def _bars(console: "Console") -> "Progress":
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", style="bold", markup=False),
        BarColumn(bar_width=28),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("[dim]{task.fields[detail]}"),
        TextColumn("[cyan]{task.fields[loss]}"),
        TextColumn("[green]{task.fields[eta]}"),
        console=console,
        transient=True,
        refresh_per_second=8,
    )
