"""Planned and measured memory of the device, and a painting that runs out of it."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product

import numpy as np

from benchmarks.process import measured_apart
from engine.memory.budget import format_bytes

__all__ = ["COLUMNS", "rows"]

COLUMNS = ("size", "precision", "plan", "planned", "held at most", "difference", "note")

MODES = ("untiled", "checkpointed", "tiled")


def rows(
    device: str, sizes: Sequence[int], time_is_left: Callable[[], bool]
) -> Iterator[Sequence[object]]:
    if time_is_left():
        yield _short(sizes[min(2, len(sizes) - 1)], device)
    # What a small picture takes is the libraries', and a large one may not fit untiled.
    for side, precision, mode in product(sizes[1:4], ("bfloat16", "float32"), MODES):
        if not time_is_left():
            yield (side, precision, mode, "no time left")
            continue
        case = {"size": side, "precision": precision, "mode": mode, "device": device, "steps": 3}
        try:
            found = measured_apart("benchmarks.memory.prediction", case)
        except SystemExit as error:
            last = str(error).strip().splitlines()[-1]
            yield (side, precision, mode, "-", "-", "-", last[:120])
            continue
        planned, held = found["predicted"], found["measured"]
        difference = f"{planned / held - 1:+.0%}"
        yield (side, precision, mode, format_bytes(planned), format_bytes(held), difference, "")


def _short(side: int, device: str) -> Sequence[object]:
    found = measured_apart("benchmarks.gpu.shortage", {"size": side, "device": device})
    away = np.sqrt(found["mean_square"])
    words = (
        f"ran out at step {found['step']}, went on {found['plan']}; the picture differs from the "
        f"undisturbed one by {away:.4f} rms"
    )
    return (side, found["precision"], found["plan"], "", "", "", words)
