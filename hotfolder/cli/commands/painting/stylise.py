"""`stylise`: paint one picture now, without a hot folder."""

from pathlib import Path
from typing import Annotated

import typer

from hotfolder.batches.other_pictures import OtherPictures
from hotfolder.cli.app import command
from hotfolder.cli.options import (
    ConfigOption,
    DeviceOption,
    ForceOption,
    InitialOption,
    InterpolateOption,
    LabelsOption,
    MaskOption,
    MemoryOption,
    OutputOption,
    PaletteOption,
    PresetOption,
    RegionOption,
    ResumeOption,
    SecondsOption,
    SetOption,
    SizeOption,
    StrengthOption,
    StyleLabelsOption,
    StylesArgument,
    TaskOption,
    VariationsOption,
    settings_layer,
)
from hotfolder.cli.output_files import format_of
from hotfolder.cli.paint_here import paint_here, paint_task
from hotfolder.cli.request.files import InputFiles
from hotfolder.cli.request.masks import MaskFiles
from hotfolder.cli.styles import OWN_STYLES, find_style
from hotfolder.cli.where import read_config

__all__ = ["stylise"]


@command(
    "stylise",
    "impasto stylise cat.jpg night -o painted.png",
    "impasto stylise cat.jpg wave.jpg night -o painted.jpg --size 1024 --set style_weight=3",
    "impasto stylise cat.jpg night -o painted.png --progression 8",
    "impasto stylise cat.jpg night -o painted.png --variations 6",
    "impasto stylise cat.jpg night evening -o painted.png --interpolate 5",
    "impasto stylise cat.jpg night -o painted.png --seconds 30",
    "impasto stylise cat.jpg night -o painted.png --set colours=content",
    "impasto stylise cat.jpg night -o painted.png --palette sunset.jpg",
    "impasto stylise cat.jpg night -o painted.png --mask sky.png --set mask_feather=20",
    "impasto stylise cat.jpg -o painted.png --region sky.png=night --region sea.png=watercolour",
    "impasto stylise cat.jpg wave.jpg -o painted.png --preset gatys --device cuda:0",
    "impasto stylise cat.jpg wave.jpg -o painted.tif --size 8192 --resume",
    "impasto stylise cat.jpg night -o painted.png --task",
)
def stylise(
    content: Annotated[Path, typer.Argument(metavar="CONTENT", help="The picture to paint.")],
    output: OutputOption,
    styles: StylesArgument = None,
    preset: PresetOption = None,
    assignments: SetOption = None,
    size: SizeOption = None,
    strength: StrengthOption = None,
    seconds: SecondsOption = None,
    memory: MemoryOption = None,
    device: DeviceOption = "auto",
    initial: InitialOption = None,
    palette: PaletteOption = None,
    mask: MaskOption = None,
    regions: RegionOption = None,
    labels: LabelsOption = None,
    style_labels: StyleLabelsOption = None,
    variations: VariationsOption = None,
    interpolate: InterpolateOption = None,
    progression: Annotated[
        int | None,
        typer.Option(
            "--progression",
            metavar="N",
            help="Also write a strip of N stages, an animation and the losses' curve.",
        ),
    ] = None,
    resume: ResumeOption = False,
    as_task: TaskOption = False,
    force: ForceOption = False,
    config: ConfigOption = None,
) -> None:
    """Paint a picture now, without a hot folder.

    The configuration's `settings:` count; the result carries its settings as text. With --resume,
    a command that was interrupted (by Ctrl-C, too) goes on where it was when it is given again.
    --task is for the queues of others: `impasto batch --list` writes such commands (docs/farm.md).
    """
    from engine.settings import resolve

    read = read_config(config)
    masks = MaskFiles.of(styles, mask, regions, labels, style_labels)
    others = OtherPictures(
        initial,
        find_style(palette, [OWN_STYLES]) if palette is not None else None,
        masks.mask,
        tuple(masks.regions),
        tuple(masks.style_regions),
    )
    layer = {
        **settings_layer(
            preset,
            assignments,
            size,
            strength=strength,
            seconds=seconds,
            progression=progression,
            variations=variations,
            interpolate=interpolate,
        ),
        **others.layer(),
    }
    asked = resolve(read.settings, layer)
    settings = resolve(read.settings, {**layer, "format": format_of(output)})
    if settings.texture:
        raise typer.BadParameter("a texture has no content: `impasto texture STYLE -o OUT`.")
    files = [find_style(style, [OWN_STYLES]) for style in masks.styles]
    inputs = InputFiles(content, files, others)
    read = read.model_copy(update={"memory": memory or read.memory})
    if not as_task:
        paint_here(inputs, settings, read, device, output, resume=resume, force=force)
    elif force:
        raise typer.BadParameter("--task does not go with --force.")
    else:
        paint_task(inputs, asked, settings, read, device, output)
