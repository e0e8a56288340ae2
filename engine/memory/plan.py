"""A plan: how one scale of a painting is computed within a memory budget."""

from dataclasses import dataclass
from typing import Any, Literal

from engine.images.pyramid import Size
from engine.memory.budget import format_bytes
from engine.memory.segments import Layout

__all__ = ["Mode", "Plan"]

Mode = Literal["untiled", "checkpointed", "tiled"]


@dataclass(frozen=True)
class Plan:
    """How one scale is computed, and what that takes."""

    size: Size
    """Width and height of what is painted, its margin included."""
    layout: Layout | None
    """None: the network is computed as a whole."""
    tiles: int
    """Tiles of all segments together; 1 if untiled."""
    history: int
    """Pairs that L-BFGS remembers, which may be fewer than the settings ask for; 0 for Adam."""
    peak: int
    """Bytes that the process (on a GPU: the device) is expected to hold at most."""
    cost: float
    """Multiplications of an evaluation with its gradient, relative to an untiled one's."""

    after_out_of_memory: bool = False
    """It replaces a plan that ran out of memory."""

    @property
    def mode(self) -> Mode:
        if self.layout is None:
            return "untiled"
        return "checkpointed" if all(side is None for side in self.layout.sides) else "tiled"

    def document(self) -> dict[str, Any]:
        """The plan as numbers, text and lists: for records, and for `Planner.from_document`."""
        return {
            "size": list(self.size),
            "mode": self.mode,
            "cuts": list(self.layout.cuts) if self.layout else [],
            "sides": list(self.layout.sides) if self.layout else [],
            "tiles": self.tiles,
            # The key that records and checkpoints on disk have for `Layout.offloaded`.
            "shelved": bool(self.layout and self.layout.offloaded),
            "history": self.history,
            "peak_bytes": self.peak,
            "after_out_of_memory": self.after_out_of_memory,
        }

    def describe(self) -> str:
        """In one line, for people."""
        pieces = {
            "untiled": "untiled",
            "checkpointed": "checkpointed, block by block",
            "tiled": f"{self.tiles} tiles",
        }
        text = f"{self.size[0]} x {self.size[1]} px: {pieces[self.mode]}"
        if self.history:
            text += f", {self.history} L-BFGS pairs"
        if self.layout and self.layout.offloaded:
            text += ", the content's features offloaded"
        return f"{text}, peak {format_bytes(self.peak)}"
