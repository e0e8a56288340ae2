"""`stylise`: paint one picture here and now, without a hot folder."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotfolder.cli.app import PAINTING, command
from hotfolder.cli.console import clock_time, report
from hotfolder.cli.here import (
    check_output,
    format_of,
    progression_files,
    set_threads,
    write_file,
    write_output,
)
from hotfolder.cli.requests import (
    MemoryOption,
    PresetOption,
    SetOption,
    SizeOption,
    StrengthOption,
    memory_budget,
    settings_layer,
)
from hotfolder.cli.where import OWN_STYLES, find_style, read_config
from hotfolder.errors import InputError

if TYPE_CHECKING:
    from engine.settings import Settings
    from engine.stylise import Result

__all__ = ["stylise"]


@command(
    "stylise",
    PAINTING,
    "impasto stylise cat.jpg night -o painted.png",
    "impasto stylise cat.jpg wave.jpg night -o painted.jpg --size 1024 --set style_weight=3",
    "impasto stylise cat.jpg night -o painted.png --progression 8",
    "impasto stylise cat.jpg wave.jpg -o painted.png --preset gatys --device cuda:0",
    "impasto stylise cat.jpg wave.jpg -o painted.tif --size 8192 --resume",
)
def stylise(
    content: Annotated[Path, typer.Argument(metavar="CONTENT", help="The picture to paint.")],
    styles: Annotated[
        list[str],
        typer.Argument(
            metavar="STYLE", help="Paintings: files, or `night` and `evening`, which come along."
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT", help="The result: .png, .jpg or .tif.")
    ],
    preset: PresetOption = None,
    assignments: SetOption = None,
    size: SizeOption = None,
    strength: StrengthOption = None,
    memory: MemoryOption = None,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda:0, mps, or auto.")] = "auto",
    initial: Annotated[
        Path | None, typer.Option("--init", metavar="FILE", help="A picture to start from.")
    ] = None,
    progression: Annotated[
        int | None,
        typer.Option(
            "--progression",
            metavar="N",
            help="Also write a strip of N stages, an animation and the losses' curve.",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Write checkpoints into OUT.checkpoints, and go on from those of a call before.",
        ),
    ] = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace OUT.")] = False,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", metavar="FILE", help="Take its `settings:` as the base."),
    ] = None,
) -> None:
    """Paint a picture here and now.

    The settings are kept in the result, as text. With --resume a call that was interrupted (by
    Ctrl-C, too) can be made again, and goes on where it was.
    """
    from engine.settings import resolve

    read = read_config(config)
    layer = dict(settings_layer(preset, assignments, size, strength))
    layer["format"] = format_of(output)
    if initial is not None:
        layer |= {"init": "file", "init_file": initial.name}
    if progression is not None:
        layer["progression"] = progression
    settings = resolve(read.settings, layer)
    if not content.is_file():
        raise InputError(f"{content}: no such file.")
    files = [find_style(style, [OWN_STYLES]) for style in styles]
    extra_outputs = progression_files(output) if settings.progression else {}
    for path in (output, *extra_outputs.values()):
        check_output(path, force=force)

    set_threads(read.threads)
    inputs = Inputs(content, files, initial, read.max_megapixels)
    kept = output.with_name(f"{output.name}.checkpoints") if resume else None
    result, extras = _paint(
        inputs, settings, device, kept, read.checkpoint_seconds, memory or read.memory
    )
    for name, data in extras.items():
        write_file(data, extra_outputs[name], force=force)
    write_output(result.picture, output, settings, force=force)
    if kept is not None:
        shutil.rmtree(kept)
    report(
        f"{result.size[0]} x {result.size[1]} px, {result.steps} steps in "
        f"{clock_time(result.seconds)} on {result.device}, loss {result.losses.total:.3g}."
    )
    for path in (output, *extra_outputs.values()):
        typer.echo(path)


@dataclass(frozen=True)
class Inputs:
    """The pictures of a painting, as files."""

    content: Path
    styles: Sequence[Path]
    initial: Path | None
    max_megapixels: float

    @property
    def files(self) -> list[Path]:
        return [self.content, *self.styles, *([self.initial] if self.initial else [])]


def _paint(
    inputs: Inputs,
    settings: "Settings",
    device: str,
    kept: Path | None,
    checkpoint_seconds: float,
    memory: str,
) -> "tuple[Result, dict[str, bytes]]":
    """The result, and the files that show how it came about, by their names.

    `kept` is the folder of the checkpoints, if there are to be any.
    """
    from hotfolder.cli.progress import Point, ProgressView

    name = inputs.content.name
    with ProgressView() as view:
        view.update(name, Point(0.0, "loading"))
        # Slow to import; the bar is there first.
        from engine.images.picture import read_picture
        from engine.network.devices import make_reproducible, resolve_devices
        from engine.network.vgg import load_vgg19
        from engine.progression import Progression
        from engine.stylise import Result, stylise
        from hotfolder.cli.interruption import Keeper

        pictures = [read_picture(p, max_megapixels=inputs.max_megapixels) for p in inputs.files]
        start = pictures.pop() if inputs.initial else None
        make_reproducible()
        where = resolve_devices(device if device == "auto" else [device])[0]
        vgg = load_vgg19(settings.weights, where, settings.precision)
        progression = Progression(settings.progression) if settings.progression else None
        keeper = Keeper(kept, settings, inputs.files, vgg, checkpoint_seconds, progression)
        with keeper.writing_when_interrupted():
            for step in stylise(
                pictures[0],
                pictures[1:],
                settings,
                vgg,
                initial=start,
                preview_seconds=None,
                preview_at=progression.wanted if progression else (),
                resume=keeper.latest(),
                budget=memory_budget(memory, where),
            ):
                if progression:
                    progression.add(step)
                if isinstance(step, Result):
                    return step, progression.files() if progression else {}
                keeper.keep(step)
                view.update(name, Point.of(step))
    raise AssertionError("the engine ended without a result")
