"""`texture`: paint a style alone, at any size, seamless if asked."""

from typing import Annotated

import typer

from hotfolder.batches.other_pictures import OtherPictures
from hotfolder.cli.app import command
from hotfolder.cli.options import (
    ConfigOption,
    DeviceOption,
    ForceOption,
    InterpolateOption,
    MemoryOption,
    OutputOption,
    PaletteOption,
    PresetOption,
    ResumeOption,
    SecondsOption,
    SetOption,
    TaskOption,
    TileOption,
    VariationsOption,
)
from hotfolder.cli.output_files import format_of
from hotfolder.cli.paint_here import paint_here, paint_task
from hotfolder.cli.request.files import InputFiles
from hotfolder.cli.request.subject import asked_of
from hotfolder.cli.styles import OWN_STYLES, find_style
from hotfolder.cli.where import read_config

__all__ = ["texture"]


@command(
    "texture",
    "impasto texture night -o night.png",
    "impasto texture mosaic -o floor.png --size 1024 --tile",
    "impasto texture wave.jpg -o banner.png --size 1536x512 --variations 4",
)
def texture(
    styles: Annotated[
        list[str],
        typer.Argument(
            metavar="STYLE...",
            help="Paintings: files, or names in the style library, such as `night`.",
        ),
    ],
    output: OutputOption,
    size: Annotated[
        str | None,
        typer.Option("--size", metavar="PIXELS|WxH", help="A square's side, or width x height."),
    ] = None,
    tile: TileOption = False,
    preset: PresetOption = None,
    assignments: SetOption = None,
    seconds: SecondsOption = None,
    variations: VariationsOption = None,
    interpolate: InterpolateOption = None,
    palette: PaletteOption = None,
    memory: MemoryOption = None,
    device: DeviceOption = "auto",
    resume: ResumeOption = False,
    as_task: TaskOption = False,
    force: ForceOption = False,
    config: ConfigOption = None,
) -> None:
    """Paint a style alone: no content, any size, seamless with --tile.

    In a sidecar without a content these are `texture: true`, `texture_size: [W, H]` and
    `tile: true`; `impasto submit --texture` hands it to a server.
    """
    from engine.settings import resolve

    read = read_config(config)
    others = OtherPictures(
        palette=find_style(palette, [OWN_STYLES]) if palette is not None else None
    )
    layer = {
        **asked_of(
            preset,
            assignments,
            size,
            texture=True,
            tile=tile,
            seconds=seconds,
            variations=variations,
            interpolate=interpolate,
        ),
        **others.layer(),
    }
    asked = resolve(read.settings, layer)
    settings = resolve(read.settings, {**layer, "format": format_of(output)})
    files = InputFiles(None, [find_style(style, [OWN_STYLES]) for style in styles], others)
    read = read.model_copy(update={"memory": memory or read.memory})
    if not as_task:
        paint_here(files, settings, read, device, output, resume=resume, force=force)
    elif force:
        raise typer.BadParameter("--task does not go with --force.")
    else:
        paint_task(files, asked, settings, read, device, output)
