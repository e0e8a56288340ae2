"""The trial of a batch that has a deadline: its first picture painted small, and in how many steps
the whole ones will be.

The server paints the trial as a job like others, so the pace is that of the machine that will
paint. `python -m hotfolder.cli.batches.trial` computes the steps from what it took, from a JSON
document on its standard input: the engine is not loaded into the process of the batch, which may be
a server.
"""

import contextlib
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from engine.series.members import count_of
from engine.settings import Settings, resolve
from hotfolder.atomic_files import write_whole
from hotfolder.batches.expansion import Item
from hotfolder.folder_access import open_regular
from hotfolder.paths import in_plain_folder, without_links
from plugin.client import Client, ClientError, Request, Ticket

__all__ = ["PICTURE", "Trial", "paint_trial"]

PICTURE = "preview.jpg"
"""What the trial is called, in the batch's output folder."""

PART, LONGEST = 0.25, 60.0
"""Share of a painting's time that the trial gets, and the most seconds."""

SIDE_OF_CONTENT, LEAST_SIDE = 512, 64
"""Pixels of the trial's longest side: with `size: content`, which the batch does not know, and at
least."""

POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Trial:
    """A painting like those of the batch, but smaller."""

    picture: Path
    steps: tuple[int, ...]
    """Evaluations at each scale that the whole painting has time for, coarse to fine."""
    size: tuple[int, int]
    """Pixels of the whole painting."""


def paint_trial(
    client: Client, item: Item, seconds: float, out: Path, check: Callable[[], None]
) -> Trial:
    """Paint `item` smaller, in proportionally less than its `seconds`.

    Raises:
        ClientError: the picture cannot be painted.
        OSError
    """
    seconds /= count_of(item.settings)
    share = min(PART * seconds, LONGEST)
    side = (
        SIDE_OF_CONTENT
        if item.settings.size == "content"
        else max(LEAST_SIDE, round(item.settings.size * math.sqrt(share / seconds)))
    )
    side = side // 16 * 16 if item.settings.tile else side
    update = {
        "size": side,
        "texture_size": None,
        "seconds": max(1.0, round(share, 1)),
        "time_limit": "exceed",
        "scale_steps": None,
        "progression": 0,
        **{"variations": 1, "interpolate": None, "interpolate_strength": None},
        "format": "jpeg",
        "bits": "auto",
    }
    request = Request(
        content=item.content,
        styles=list(item.styles),
        **item.others.of_request(),
        settings=item.own_settings.model_copy(update=update).model_dump(),
        name=f"{item.name}-preview",
    )
    record = _painted(client, client.submit(request), out / PICTURE, check)
    sides = item.settings.texture_sides
    document = {
        "content": record["content"]["size"] if item.content is not None else sides,
        "settings": item.own_settings.model_dump(),
        "seconds": seconds,
        "trial": {key: record[key] for key in ("settings", "seconds")},
    }
    command = [sys.executable, "-m", "hotfolder.cli.batches.trial"]
    found = subprocess.run(
        command, input=json.dumps(document), text=True, capture_output=True, check=True
    )
    answer = json.loads(found.stdout)
    return Trial(out / PICTURE, tuple(answer["steps"]), tuple(answer["size"]))


def _painted(
    client: Client, ticket: Ticket, target: Path, check: Callable[[], None]
) -> dict[str, Any]:
    """The record of the job when it has ended; its picture is moved to `target`."""
    try:
        while not (status := client.status(ticket)).ended:
            check()
            time.sleep(POLL_SECONDS)
    except BaseException:
        with contextlib.suppress(ClientError):
            client.cancel(ticket)
        raise
    result = client.result_of(status)
    with open_regular(in_plain_folder(result.record)) as file:
        record: dict[str, Any] = yaml.safe_load(file.read())
    with open_regular(in_plain_folder(result.picture)) as file:
        write_whole(without_links(target.parent) / target.name, file.read())
    client.discard(ticket)
    return record


def steps_within(
    content: tuple[int, int], settings: Settings, seconds: float, trial: dict[str, Any]
) -> tuple[list[int], tuple[int, int]]:
    """Evaluations at each scale of a painting in so many seconds, and its size, by the settings and
    the seconds of a smaller one."""
    from engine.scheduling.stages import scales_of
    from engine.scheduling.timetable import PREPARATION, Timetable

    def pixels(size: tuple[int, int]) -> int:
        return size[0] * size[1]

    painted = scales_of(content, resolve(trial["settings"]))
    work = sum((steps + PREPARATION) * pixels(size) for size, steps in painted)
    scales = [size for size, _ in scales_of(content, settings)]
    timetable = Timetable(seconds, [pixels(size) for size in scales], trial["seconds"] / work)
    return timetable.steps(0, 0, 0.0), scales[-1]


def main() -> int:
    document = json.load(sys.stdin)
    width, height = document["content"]
    settings = resolve(document["settings"])
    steps, size = steps_within((width, height), settings, document["seconds"], document["trial"])
    json.dump({"steps": steps, "size": size}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
