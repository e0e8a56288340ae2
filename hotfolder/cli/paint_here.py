"""Paints in this process, without a hot folder: one picture, or a series of them."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from hotfolder.batches.other_pictures import OtherPictures
from hotfolder.cli.console import clock_time, report
from hotfolder.cli.input_files import check_files
from hotfolder.cli.local_engine import load_network, memory_budget, process_started, set_threads
from hotfolder.cli.output_files import (
    check_output,
    check_room,
    progression_files,
    write_file,
    write_output,
)
from hotfolder.errors import FolderError, InputError
from hotfolder.paths import in_plain_folder

if TYPE_CHECKING:
    from engine.images.picture import Picture
    from engine.network.vgg import VGG19
    from engine.progression import Progression
    from engine.series.members import Member
    from engine.settings import Settings
    from engine.state import State
    from engine.stylise import Result
    from hotfolder.batches.farm import FarmTask
    from hotfolder.cli.checkpoints import RunCheckpoints
    from hotfolder.cli.progress import ProgressView
    from hotfolder.config.model import Config
    from hotfolder.workers.series import Pace

__all__ = ["InputFiles", "paint_here"]


_SINGLE = (("init", "init_file"), ("palette", "palette"))
"""Of a record, the keys of pictures of which there is one, and the settings that name them."""

Files = Sequence[tuple[Path, "Picture"]]


@dataclass(frozen=True)
class InputFiles:
    """What is painted, and what of.

    Raises:
        InputError: one of them is no file.
    """

    content: Path | None
    """None: a texture is painted."""
    styles: Sequence[Path]
    others: OtherPictures = OtherPictures()  # noqa: RUF009

    def __post_init__(self) -> None:
        check_files(self.all)

    @property
    def name(self) -> str:
        """What is painted, as the progress calls it."""
        return self.content.name if self.content is not None else "texture"

    @property
    def all(self) -> list[Path]:
        content = [self.content] if self.content is not None else []
        return [*content, *self.styles, *self.others]

    def work_key(self, settings: "Settings") -> str:
        """The same for every command that paints the same (`finished_work.work_key`)."""
        from engine import __version__
        from hotfolder.batches.finished_work import sha256_of_file, work_key

        assert self.content is not None
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

    def read(self, page: int | None, max_megapixels: float) -> "dict[str, Files]":
        """What is in them: of `content`, `styles`, and the settings that name the others."""
        from engine.images.picture import read_picture

        content = (
            read_picture(self.content, max_megapixels=max_megapixels, page=page)
            if self.content is not None
            else None
        )
        named = {"styles": tuple(self.styles), **self.others.by_key()}
        others: dict[str, Files] = {
            key: [
                (path.absolute(), read_picture(path, max_megapixels=max_megapixels))
                for path in paths
            ]
            for key, paths in named.items()
        }
        if self.content is None or content is None:
            return others
        return {"content": [(self.content.absolute(), content)], **others}


def paint_here(
    files: InputFiles,
    settings: "Settings",
    config: "Config",
    device: str,
    output: Path,
    *,
    resume: bool = False,
    force: bool = False,
    task: "FarmTask | None" = None,
) -> None:
    """Paint, and write `output` and what belongs beside it.

    Args:
        resume: keep what is finished, and where the painting at hand stands, in OUT.checkpoints
            until all is done.
        task: of which it is the one painting, and which has a folder of its own for that.

    Raises:
        InputError: a task's picture is there, made of something else.
        FolderError: something lies there already, or cannot be written.
        SettingsError: a series that these styles do not make.
    """
    from engine.series.members import members_of
    from hotfolder.cli.progress import Point, ProgressView

    if files.others.palette is not None and not settings.takes_palette:
        report(f"Note: {files.others.palette} is not used: the settings ask for other colours.")
    beside = output.with_name(f"{output.name}.checkpoints") if resume else None
    checkpoint_folder = task.folder if task is not None else beside
    members = members_of(settings, len(files.styles))
    outputs = {member.number: _output_of(member, output) for member in members}
    sheet = output.with_name(f"{output.stem}.{members[0].sheet}") if len(members) > 1 else None
    if task is not None and output.exists():
        raise InputError(
            f"{output} is there already, made of other pictures, with other settings or by another "
            "version. Nothing was painted: take it away, or name another OUT."
        )
    for target in outputs.values():
        # What a task left beside its picture when it was killed is its own.
        check_output(target, force=force)
        for path in progression_files(target).values() if settings.progression else ():
            check_output(path, force=force or task is not None)
    if sheet is not None:
        check_output(sheet, force=force)
    set_threads(config.threads)
    name = files.name
    with ProgressView() as view:
        view.update(name, Point(0.0, "loading"))
        # Slow to import; the bar is there first.
        from hotfolder.cli.checkpoints import RunCheckpoints
        from hotfolder.workers.series import Pace

        pictures = _Pictures(files, config, settings)
        check_room(output, pictures.content, settings, count=len(members))
        vgg = load_network(settings, device)
        checkpoints = RunCheckpoints(
            checkpoint_folder, settings, files.all, vgg, config.checkpoint_seconds
        )
        run = _Run(files, pictures, vgg, config, checkpoints, view, Pace(len(members)))
        with checkpoints.writing_when_interrupted():
            written = run.paint(members, outputs, checkpoint_folder, task, force=force)
    if sheet is not None:
        from hotfolder.workers.series import write_sheet

        if write_sheet(members, list(outputs.values()), in_plain_folder(sheet)):
            written.append(sheet)
    for path in written:
        typer.echo(path)
    if task is None and checkpoint_folder is not None:
        shutil.rmtree(checkpoint_folder)


def _output_of(member: "Member", output: Path) -> Path:
    return (
        output.with_name(f"{output.stem}.{member.name}{output.suffix}") if member.name else output
    )


class _Pictures:
    """The files, read; of a texture the blank picture in the content's place."""

    def __init__(self, files: InputFiles, config: "Config", settings: "Settings") -> None:
        from engine.regions.areas import MaskPictures
        from engine.texture.canvas import texture_canvas

        self.files = files.read(settings.page, config.max_megapixels)
        of = {key: [picture for _, picture in read] for key, read in self.files.items()}
        content = of.get("content")
        self.content = content[0] if content else texture_canvas(settings)
        self.styles = of["styles"]
        self.initial, self.palette, mask = (
            next(iter(of.get(key, ())), None) for key in ("init_file", "palette", "mask")
        )
        self.masks = MaskPictures(mask, of.get("regions", ()), of.get("style_regions", ()))


@dataclass
class _Run:
    files: InputFiles
    pictures: _Pictures
    vgg: "VGG19"
    config: "Config"
    checkpoints: "RunCheckpoints"
    view: "ProgressView"
    pace: "Pace"

    def paint(
        self,
        members: "Sequence[Member]",
        outputs: dict[int, Path],
        checkpoint_folder: Path | None,
        task: "FarmTask | None",
        *,
        force: bool,
    ) -> list[Path]:
        """Each painting of a series that is not finished. Returns the files that were written.

        A series that can be gone on with gathers its files beside its checkpoints, and they get
        their names when all are there.
        """
        from hotfolder.workers.series import Finished

        gathered = self.checkpoints.series if len(members) > 1 else None
        began: float | None = process_started()
        state = self.checkpoints.latest()
        written: list[tuple[Path, Path]] = []
        for member in members:
            output = outputs[member.number]
            place = output
            if gathered is not None and checkpoint_folder is not None:
                place = checkpoint_folder / output.name
            finished = gathered.finished(member) if gathered is not None else None
            if finished is None:
                at_hand = state if state and state.extra.get("member", 1) == member.number else None
                result, progression, started = self._paint(member, at_hand, began)
                began = None
                if at_hand is not None:
                    state = at_hand = None  # It holds the whole memory of the optimiser as it was.
                beside = self._write(
                    member,
                    place,
                    result,
                    progression,
                    started,
                    task,
                    force=force or place != output,
                )
                self._report(member, result)
                finished = Finished(place, {"seconds": result.seconds}, beside)
                if gathered is not None:
                    gathered.note(member, finished)
            self.pace.finished(finished.record["seconds"])
            written += [
                (path, output.with_name(path.name)) for path in (finished.picture, *finished.beside)
            ]
        for source, target in written:
            if source != target:
                check_output(target, force=force)
                source.replace(target)
        return [target for _, target in written]

    def _paint(
        self, member: "Member", state: "State | None", began: float | None
    ) -> "tuple[Result, Progression | None, str]":
        """The result, the record of how it came about, and when it was started."""
        from engine.progression import Progression
        from engine.stylise import Result, stylise
        from hotfolder.cli.progress import Point
        from hotfolder.job import now

        settings, started = member.settings, now()
        progression = Progression(settings.progression) if settings.progression else None
        if state is not None and progression:
            progression.restore(state.extra["progression"])
        which = f"painting {member.number} of {member.count}, " if member.count > 1 else ""
        work = stylise(
            self.pictures.content,
            self.pictures.styles,
            settings,
            self.vgg,
            initial=self.pictures.initial,
            palette=self.pictures.palette,
            masks=self.pictures.masks,
            preview_seconds=None,
            preview_at=progression.wanted if progression else (),
            resume=state,
            budget=memory_budget(self.config.memory, str(self.vgg.device)),
            started=began,
        )
        del state  # It holds the whole memory of the optimiser as it was.
        for step in work:
            if progression:
                progression.add(step)
            if isinstance(step, Result):
                return step, progression, started
            self.checkpoints.keep(step, progression, member.number)
            point = Point.of(step)
            fraction, _, eta = self.pace.of(step.fraction, step.seconds, step.eta_seconds)
            point = replace(point, fraction=fraction, detail=which + point.detail, eta_seconds=eta)
            self.view.update(self.files.name, point)
        raise AssertionError("the engine ended without a result")

    def _write(
        self,
        member: "Member",
        output: Path,
        result: "Result",
        progression: "Progression | None",
        started: str,
        task: "FarmTask | None",
        *,
        force: bool,
    ) -> list[Path]:
        """The picture, and what lies beside it; returns the latter."""
        beside = progression_files(output) if progression is not None else {}

        def write_progression() -> None:
            if progression is not None:
                for name, data in progression.files().items():
                    write_file(data, beside[name], force=force or task is not None)

        def write_record(written: dict[str, Any]) -> None:
            from hotfolder.workers.record import record_of

            assert task is not None
            read = self.pictures.files
            extra = {"progression": [path.name for path in beside.values()]} if beside else {}
            record = record_of(
                read["content"][0],
                list(read["styles"]),
                member.settings,
                result,
                written,
                started,
                {key: read[key] for key in ("mask", "regions", "style_regions") if key in read},
                {key: read[named][0] for key, named in _SINGLE if named in read},
            )
            task.write_record(extra | record)

        if task is not None:
            # The picture comes last: when it is there, the task is done.
            write_progression()
        notes = write_output(
            result.picture,
            output,
            result.settings,
            content=self.pictures.content,
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
        return list(beside.values())

    def _report(self, member: "Member", result: "Result") -> None:
        label = f"{member.label[0].upper()}{member.label[1:]}: " if member.count > 1 else ""
        report(
            f"{label}{result.size[0]} x {result.size[1]} px, {result.steps} steps in "
            f"{clock_time(result.seconds)} on {result.device}, loss {result.losses.total:.3g}"
            f"{f', {result.rejected_moves} moves taken back' if result.rejected_moves else ''}."
        )
