"""How a batch goes, on stderr: a table on a terminal, else a line for each painting that ends."""

import time
from collections import Counter, deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from hotfolder.batches.client_run import ItemProgress
from hotfolder.cli.console import clock_time, report, stderr_console

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

__all__ = ["BatchView", "counts"]

ENDED_SHOWN = 6
COLOURS = {"done": "green", "failed": "red", "running": "cyan", "skipped": "dim"}


class BatchView:
    """A context manager; gets every item that has changed."""

    def __init__(self, items: Sequence[ItemProgress]) -> None:
        self._items = items
        self._ended: deque[ItemProgress] = deque(maxlen=ENDED_SHOWN)
        self._tally: Counter[str] = Counter()
        self._active: dict[str, ItemProgress] = {}
        self._started: float | None = None
        self._console = stderr_console()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            from rich.live import Live

            self._live = Live(
                console=self._console, get_renderable=self._table, refresh_per_second=4
            )
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def update(self, progress: ItemProgress) -> None:
        name = progress.item.name
        if not progress.ended:
            self._started = self._started or time.monotonic()
            self._active[name] = progress
            return
        self._active.pop(name, None)
        self._tally[progress.state] += 1
        if progress.state != "skipped":
            self._ended.append(progress)
        if self._live is None and progress.state != "skipped":
            report(f"[{sum(self._tally.values())}/{len(self._items)}] {name}: {_outcome(progress)}")

    def note(self, text: str) -> None:
        """A line that stays, above the table if there is one."""
        if self._live is not None:
            self._live.console.print(text, highlight=False, markup=False)
        else:
            report(text)

    def _table(self) -> "RenderableType":
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold dim")
        for heading, right in (("painting", 0), ("state", 0), ("", 1), ("loss", 1), ("to go", 1)):
            table.add_column(heading, justify="right" if right else "left")
        table.add_column("", overflow="ellipsis", no_wrap=True)
        for progress in [*self._ended, *list(self._active.values())[: 2 * ENDED_SHOWN]]:
            state = Text(progress.state, COLOURS.get(progress.state, ""))
            table.add_row(Text(progress.item.name), state, *map(Text, _cells(progress)))
        return Group(Text(self._headline(), style="bold"), table)

    def _headline(self) -> str:
        ended = sum(self._tally.values())
        return ", ".join([f"{ended} of {len(self._items)}", *counts(self._tally), *self._to_go()])

    def _to_go(self) -> list[str]:
        """By the pace so far."""
        painted = self._tally["done"] + self._tally["failed"]
        left = len(self._items) - sum(self._tally.values())
        if not painted or not left or self._started is None:
            return []
        pace = (time.monotonic() - self._started) / painted
        return [f"about {clock_time(pace * left)} to go"]


def counts(tally: "Counter[str]") -> list[str]:
    """`3 done`, `1 failed`; what was done before is called so."""
    words = {"skipped": "done before"}
    order = ("done", "skipped", "failed", "cancelled", "pending")
    return [f"{tally[state]} {words.get(state, state)}" for state in order if tally[state]]


def _cells(progress: ItemProgress) -> list[str]:
    status = progress.status
    if status is None or progress.ended:
        return ["", "", "", _outcome(progress) if progress.ended else ""]
    loss = status.losses.get("total") if status.losses else None
    return [
        f"{status.fraction:.0%}" if status.state == "running" else "",
        "" if loss is None else f"{loss:.3g}",
        "" if status.eta_seconds is None else clock_time(status.eta_seconds),
        status.message,
    ]


def _outcome(progress: ItemProgress) -> str:
    if progress.place is None:
        return f"{progress.state}{': ' if progress.reason else ''}{progress.reason}"
    seconds = progress.status.seconds if progress.status else None
    return progress.place + ("" if seconds is None else f" in {clock_time(seconds)}")
