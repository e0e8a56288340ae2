"""`stylise`: paint one picture now, without a hot folder."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hotfolder.batches.other_pictures import OtherPictures
from hotfolder.cli.app import command
from hotfolder.cli.console import clock_time, report
from hotfolder.cli.input_files import check_files
from hotfolder.cli.local_engine import load_network, memory_budget, process_started, set_threads
from hotfolder.cli.options import (
    ConfigOption,
    ContentArgument,
    DeviceOption,
    ForceOption,
    InitialOption,
    LabelsOption,
    MaskFiles,
    MaskOption,
    MemoryOption,
    PaletteOption,
    PresetOption,
    RegionOption,
    SecondsOption,
    SetOption,
    SizeOption,
    StrengthOption,
    StyleLabelsOption,
    StylesArgument,
    settings_layer,
)
from hotfolder.cli.output_files import (
    check_output,
    check_room,
    format_of,
    progression_files,
    write_file,
    write_output,
)
from hotfolder.cli.styles import OWN_STYLES, find_style
from hotfolder.cli.where import read_config
from hotfolder.errors import FolderError, InputError

if TYPE_CHECKING:
    from engine.images.picture import Picture
    from engine.progression import Progression
    from engine.settings import Settings
    from engine.stylise import Result
    from hotfolder.batches.farm import FarmTask
    from hotfolder.config.model import Config

__all__ = ["stylise"]

_SINGLE = (("init", "init_file"), ("palette", "palette"))
"""Of a record, the keys of pictures of which there is one, and the settings that name them."""


@command(
    "stylise",
    "impasto stylise cat.jpg night -o painted.png",
    "impasto stylise cat.jpg wave.jpg night -o painted.jpg --size 1024 --set style_weight=3",
    "impasto stylise cat.jpg night -o painted.png --progression 8",
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
    content: ContentArgument,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="OUT", help="The result: .png, .jpg, .tif, .webp or .avif."
        ),
    ],
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
            help="Write checkpoints into OUT.checkpoints, and go on from those that are there.",
        ),
    ] = False,
    as_task: Annotated[
        bool,
        typer.Option(
            "--task",
            help="Painted once, however often it is started: --resume, a record, and a lock.",
        ),
    ] = False,
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
    layer = {**settings_layer(preset, assignments, size, strength, seconds), **others.layer()}
    if progression is not None:
        layer["progression"] = progression
    asked = resolve(read.settings, layer)
    settings = resolve(read.settings, {**layer, "format": format_of(output)})
    files = [find_style(style, [OWN_STYLES]) for style in masks.styles]
    inputs = _Inputs(content, files, others)
    check_files(inputs.all)
    if palette is not None and not asked.takes_palette:
        report(f"Note: {palette} is not used: the settings ask for other colours.")
    read = read.model_copy(update={"memory": memory or read.memory})
    if not as_task:
        folder = output.with_name(f"{output.name}.checkpoints") if resume else None
        _run(inputs, settings, read, device, folder, output, force=force)
        if folder is not None:
            shutil.rmtree(folder)
        return
    from hotfolder.batches.farm import FarmTask

    if force:
        raise typer.BadParameter("--task does not go with --force.")
    task = FarmTask(output, inputs.work_key(asked))
    with task.taken() as to_paint:
        if to_paint:
            _run(inputs, settings, read, device, task.folder, output, task=task)
        else:
            report(f"{output} is there already, made of the same: nothing to paint.")
            typer.echo(output)


def _run(
    files: "_Inputs",
    settings: "Settings",
    config: "Config",
    device: str,
    checkpoint_folder: Path | None,
    output: Path,
    *,
    force: bool = False,
    task: "FarmTask | None" = None,
) -> None:
    from hotfolder.job import now

    extra_outputs = progression_files(output) if settings.progression else {}
    if task is not None and output.exists():
        raise InputError(
            f"{output} is there already, made of other pictures, with other settings or by another "
            "version. Nothing was painted: take it away, or name another OUT."
        )
    for path in (output, *extra_outputs.values()):
        # What a task left beside its picture when it was killed is its own.
        check_output(path, force=force or (task is not None and path != output))
    started = now()
    set_threads(config.threads)
    result, read, shown = _paint(files, settings, config, device, checkpoint_folder, output)

    def write_record(written: dict[str, Any]) -> None:
        from hotfolder.workers.record import record_of

        assert task is not None
        extra = {"progression": [path.name for path in extra_outputs.values()]} if shown else {}
        record = record_of(
            read["content"][0],
            read["styles"],
            settings,
            result,
            written,
            started,
            {key: read[key] for key in ("mask", "regions", "style_regions") if key in read},
            {key: read[named][0] for key, named in _SINGLE if named in read},
        )
        task.write_record(extra | record)

    def write_progression() -> None:
        if shown is not None:
            for name, data in shown.files().items():
                write_file(data, extra_outputs[name], force=force or task is not None)

    if task is not None:
        # The picture comes last: when it is there, the task is done.
        write_progression()
    notes = write_output(
        result.picture,
        output,
        result.settings,
        content=read["content"][0][1],
        force=force,
        planned=write_record if task else None,
    )
    if task is None:
        try:
            write_progression()
        except Exception as error:
            raise FolderError(f"{error} The painting is in {output}.") from error
    for note in (*result.notes, *notes):
        report(f"Note: {note}.")
    report(
        f"{result.size[0]} x {result.size[1]} px, {result.steps} steps in "
        f"{clock_time(result.seconds)} on {result.device}, loss {result.losses.total:.3g}"
        f"{f', {result.rejected_moves} moves taken back' if result.rejected_moves else ''}."
    )
    for path in (output, *extra_outputs.values()):
        typer.echo(path)


@dataclass(frozen=True)
class _Inputs:
    content: Path
    styles: Sequence[Path]
    others: OtherPictures

    @property
    def all(self) -> list[Path]:
        return [self.content, *self.styles, *self.others]

    def work_key(self, settings: "Settings") -> str:
        """The same for every command that paints the same (`finished_work.work_key`)."""
        from engine import __version__
        from hotfolder.batches.finished_work import sha256_of_file, work_key

        return work_key(
            sha256_of_file(self.content),
            [sha256_of_file(style) for style in self.styles],
            settings.model_dump(),
            __version__,
            {
                key: [sha256_of_file(each) for each in paths]
                for key, paths in self.others.by_key().items()
            },
        )

    def read(
        self, page: int | None, max_megapixels: float
    ) -> "dict[str, list[tuple[Path, Picture]]]":
        """What is in them: of `content`, `styles`, and the settings that name the others."""
        from engine.images.picture import read_picture

        content = read_picture(self.content, max_megapixels=max_megapixels, page=page)
        others = {"styles": self.styles, **self.others.by_key()}
        return {"content": [(self.content.absolute(), content)]} | {
            key: [
                (path.absolute(), read_picture(path, max_megapixels=max_megapixels))
                for path in paths
            ]
            for key, paths in others.items()
        }


def _paint(
    files: _Inputs,
    settings: "Settings",
    config: "Config",
    device: str,
    checkpoint_folder: Path | None,
    output: Path,
) -> "tuple[Result, dict[str, list[tuple[Path, Picture]]], Progression | None]":
    """The result, the pictures as `_Inputs.read` has them, and how the result came about."""
    from hotfolder.cli.progress import Point, ProgressView

    name = files.content.name
    with ProgressView() as view:
        view.update(name, Point(0.0, "loading"))
        # Slow to import; the bar is there first.
        from engine.progression import Progression
        from engine.regions.areas import MaskPictures
        from engine.stylise import Result, stylise
        from hotfolder.cli.checkpoints import RunCheckpoints

        read = files.read(settings.page, config.max_megapixels)
        of = {key: [picture for _, picture in pictures] for key, pictures in read.items()}
        (content,) = of["content"]
        initial, palette, mask = (
            next(iter(of.get(key, ())), None) for key in ("init_file", "palette", "mask")
        )
        check_room(output, content, settings)
        vgg = load_network(settings, device)
        progression = Progression(settings.progression) if settings.progression else None
        checkpoints = RunCheckpoints(
            checkpoint_folder, settings, files.all, vgg, config.checkpoint_seconds, progression
        )
        with checkpoints.writing_when_interrupted():
            for step in stylise(
                content,
                of["styles"],
                settings,
                vgg,
                initial=initial,
                palette=palette,
                masks=MaskPictures(mask, of.get("regions", ()), of.get("style_regions", ())),
                preview_seconds=None,
                preview_at=progression.wanted if progression else (),
                resume=checkpoints.latest(),
                budget=memory_budget(config.memory, str(vgg.device)),
                started=process_started(),
            ):
                if progression:
                    progression.add(step)
                if isinstance(step, Result):
                    return step, read, progression
                checkpoints.keep(step)
                view.update(name, Point.of(step))
    raise AssertionError("the engine ended without a result")
