"""`plan`: what a painting would take, before anything is painted."""

from pathlib import Path
from typing import Annotated

import typer

from hotfolder.cli.app import PAINTING, command
from hotfolder.cli.console import clock_time, report
from hotfolder.cli.here import set_threads
from hotfolder.cli.requests import (
    MemoryOption,
    PresetOption,
    SetOption,
    SizeOption,
    memory_budget,
    settings_layer,
)
from hotfolder.cli.where import read_config
from hotfolder.errors import InputError

__all__ = ["plan"]


@command(
    "plan",
    PAINTING,
    "impasto plan cat.jpg --size 8192",
    "impasto plan cat.jpg --size 4096 --memory 3GB",
    "impasto plan cat.jpg --preset gatys --device cuda:0",
)
def plan(
    content: Annotated[Path, typer.Argument(metavar="CONTENT", help="The picture to paint.")],
    preset: PresetOption = None,
    assignments: SetOption = None,
    size: SizeOption = None,
    memory: MemoryOption = None,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda:0, mps, or auto.")] = "auto",
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", metavar="FILE", help="Take its `settings:` as the base."),
    ] = None,
) -> None:
    """Say how a picture would be painted: in how many tiles, in how much memory, how long.

    Nothing is painted. The time is an estimate from a probe of a second.
    """
    from engine.settings import resolve

    read = read_config(config)
    settings = resolve(read.settings, settings_layer(preset, assignments, size))
    if not content.is_file():
        raise InputError(f"{content}: no such file.")
    set_threads(read.threads)

    from engine.estimate import plan_painting, seconds_a_pixel
    from engine.images.picture import read_picture
    from engine.memory.budget import format_bytes
    from engine.network.devices import resolve_devices
    from engine.network.vgg import load_vgg19

    where = resolve_devices(device if device == "auto" else [device])[0]
    picture = read_picture(content, max_megapixels=read.max_megapixels)
    vgg = load_vgg19(settings.weights, where, settings.precision)
    budget = memory_budget(memory or read.memory, where)
    scales = plan_painting(picture.size, settings, vgg, budget)
    a_pixel = seconds_a_pixel(vgg)
    rows = [("SIZE", "STEPS", "MODE", "TILES", "PAIRS", "PEAK MEMORY", "TIME")]
    for scale in scales:
        planned = scale.plan
        rows.append(
            (
                f"{scale.size[0]} x {scale.size[1]}",
                str(scale.steps),
                planned.mode,
                str(planned.tiles),
                str(planned.history or "-"),
                format_bytes(planned.peak),
                clock_time(scale.seconds(a_pixel)),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, widths, strict=True)
        typer.echo("  ".join(cell.ljust(width) for cell, width in cells).rstrip())
    total = sum(scale.seconds(a_pixel) for scale in scales)
    peak = max(scale.plan.peak for scale in scales)
    limit = "no limit" if budget is None else f"a budget of {format_bytes(budget)}"
    report(
        f"About {clock_time(total)} on {where} ({vgg.precision}), at most {format_bytes(peak)} of "
        f"memory; {limit}."
    )
