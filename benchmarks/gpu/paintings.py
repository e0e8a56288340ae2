"""Whole paintings: the first of a process, the next ones, and those of several processes at once on
the same device."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.pictures.pairs import CONTENT, STYLE
from benchmarks.process import measured_apart
from engine.images.picture import read_picture
from engine.network.devices import prepare_process
from engine.network.vgg import load_vgg19
from engine.settings import resolve
from engine.stylise import Result, stylise

__all__ = ["COLUMNS", "rows"]

COLUMNS = (
    *("size", "at once", "steps", "seconds of the process", "seconds of the first painting"),
    *("seconds of the next", "an hour, all together"),
)

STEPS_ON_CPU = 2

AT_ONCE = (2, 4)
"""Processes that paint at the same time."""

SECONDS, SECONDS_ON_CPU = 8.0, 0.0
"""Paintings begin anew for so long after the first, and at least once."""


def rows(
    device: str, sizes: Sequence[int], time_is_left: Callable[[], bool]
) -> Iterator[Sequence[object]]:
    whole = [size for size in sizes if size in (512, 1024)] or sizes[:1]
    for side, at_once in [*((size, 1) for size in whole), *((whole[0], n) for n in AT_ONCE)]:
        yield (_row(side, device, at_once) if time_is_left() else (side, at_once, "no time left"))


def _row(side: int, device: str, at_once: int) -> Sequence[object]:
    case = {"size": side, "device": device}
    started = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        found = list(pool.map(lambda _: measured_apart(__name__, case), range(at_once)))
    seconds = time.perf_counter() - started
    first, following = (max(each[key] for each in found) for key in ("first", "following"))
    hourly = sum(3600 / each["following"] for each in found)
    times = [f"{each:.2f}" for each in (seconds, first, following)]
    return (side, at_once, found[0]["steps"], *times, f"{hourly:.0f}")


def measure(case: dict[str, Any]) -> dict[str, Any]:
    """Seconds of the process's first painting, and on average of those after it."""
    prepare_process()
    on_cpu = case["device"] == "cpu"
    settings = resolve({"size": case["size"]})
    if on_cpu:
        settings = settings.model_copy(update={"steps": STEPS_ON_CPU, "coarse_steps": STEPS_ON_CPU})
    vgg = load_vgg19("caffe", case["device"], "auto")
    content, style = read_picture(CONTENT).resized(512, 340), read_picture(STYLE)

    def painted() -> Result:
        *_, result = stylise(content, [style], settings, vgg, preview_seconds=None)
        assert isinstance(result, Result)
        return result

    first, count, started = painted(), 0, time.perf_counter()
    until = started + (SECONDS_ON_CPU if on_cpu else SECONDS)
    while not count or time.perf_counter() < until:
        painted()
        count += 1
    following = (time.perf_counter() - started) / count
    return {"first": first.seconds, "following": following, "steps": first.steps}


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))
