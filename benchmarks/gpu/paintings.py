"""Whole paintings: the time of one, and of two at once on the same device."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.pictures.pairs import CONTENT, STYLE
from benchmarks.process import measured_apart
from engine.images.picture import read_picture
from engine.network.vgg import load_vgg19
from engine.settings import resolve
from engine.stylise import Result, stylise

__all__ = ["COLUMNS", "rows"]

COLUMNS = ("size", "at once", "steps", "seconds of the process", "seconds of painting", "an hour")

SHARE, SHARE_ON_CPU = 0.2, 0.01
"""Of the steps of `standard`, where two paint at once; on a CPU always."""


def rows(
    device: str, sizes: Sequence[int], time_is_left: Callable[[], bool]
) -> Iterator[Sequence[object]]:
    whole = [size for size in sizes if size in (512, 1024)] or sizes[:1]
    for side in whole:
        if not time_is_left():
            yield (side, 1, "no time left")
            continue
        yield _row(side, device, at_once=1, share=SHARE_ON_CPU if device == "cpu" else 1.0)
    for side, at_once in [(whole[0], 1), (whole[0], 2)]:
        if not time_is_left():
            yield (side, at_once, "no time left")
            continue
        yield _row(side, device, at_once, SHARE_ON_CPU if device == "cpu" else SHARE)


def _row(side: int, device: str, at_once: int, share: float) -> Sequence[object]:
    case = {"size": side, "device": device, "share": share}
    started = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        found = list(pool.map(lambda _: measured_apart(__name__, case), range(at_once)))
    seconds = time.perf_counter() - started
    painting = max(each["seconds"] for each in found)
    hourly = f"{3600 * at_once / painting:.0f}"
    return (side, at_once, found[0]["steps"], f"{seconds:.1f}", f"{painting:.1f}", hourly)


def measure(case: dict[str, Any]) -> dict[str, Any]:
    settings = resolve({"size": case["size"]})
    settings = settings.model_copy(
        update={
            name: max(2, round(case["share"] * getattr(settings, name)))
            for name in ("steps", "coarse_steps")
        }
    )
    vgg = load_vgg19("caffe", case["device"], "auto")
    content, style = read_picture(CONTENT).resized(512, 340), read_picture(STYLE)
    *_, result = stylise(content, [style], settings, vgg, preview_seconds=None)
    assert isinstance(result, Result)
    return {"seconds": result.seconds, "steps": result.steps}


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))
