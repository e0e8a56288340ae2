"""Paints in this process, without a hot folder: one picture, or a series of them."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from hotfolder.cli.console import clock_time, report
from hotfolder.cli.local_engine import load_network, memory_budget, process_started, set_threads
from hotfolder.cli.output_files import (
    check_output,
    check_room,
    progression_files,
    write_file,
    write_output,
)
from hotfolder.cli.request.files import InputFiles
from hotfolder.errors import FolderError, InputError
from hotfolder.paths import in_plain_folder

if TYPE_CHECKING:
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
    from hotfolder.workers.pictures import Pictures
    from hotfolder.workers.series import Finished, Pace

__all__ = ["paint_here", "paint_task"]


def paint_task(
    files: InputFiles,
    asked: "Settings",
    settings: "Settings",
    config: "Config",
    device: str,
    output: Path,
) -> None:
    """Paint, unless it is done already: `--task`.

    Args:
        asked: the settings without what OUT's suffix says, by which the work is known.

    Raises:
        TaskTaken: another process paints it now.
    """
    from hotfolder.batches.farm import FarmTask

    task = FarmTask(output, files.work_key(asked))
    with task.taken() as to_paint:
        if to_paint:
            paint_here(files, settings, config, device, output, task=task)
        else:
            report(f"{output} is there already, made of the same: nothing to paint.")
            typer.echo(output)


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
        task: that it is, and which has a folder of its own for that.

    Raises:
        InputError: a task's picture is there, made of something else.
        FolderError: something lies there already, or cannot be written.
        SettingsError: a series that these styles do not make.
    """
    from engine.series.members import members_of
    from hotfolder.cli.progress import Point, ProgressView

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
    for number, target in outputs.items():
        # What a task left beside its picture when it was killed is its own.
        check_output(target, force=force or (task is not None and number > 1))
        for path in progression_files(target).values() if settings.progression else ():
            check_output(path, force=force or task is not None)
    if sheet is not None:
        check_output(sheet, force=force or task is not None)
    set_threads(config.threads)
    name = files.name
    with ProgressView() as view:
        view.update(name, Point(0.0, "loading"))
        # Slow to import; the bar is there first.
        from hotfolder.cli.checkpoints import RunCheckpoints
        from hotfolder.workers.series import Pace, write_sheet

        pictures = files.read(settings, config.max_megapixels)
        check_room(output, pictures.canvas, settings, count=len(members))
        vgg = load_network(settings, device)
        checkpoints = RunCheckpoints(
            checkpoint_folder, settings, files.all, vgg, config.checkpoint_seconds
        )
        run = _Run(files, pictures, vgg, config, checkpoints, view, Pace(len(members)), task)
        with checkpoints.writing_when_interrupted():
            paintings = run.paint(members, outputs, checkpoint_folder, force=force)
    targets = [outputs[member.number] for member in members]
    if task is not None and sheet is not None:
        made = write_sheet(members, [each.picture for each in paintings], in_plain_folder(sheet))
        written = _published(task, targets, paintings, sheet if made else None)
    else:
        written = _placed(targets, paintings, force=force)
        if sheet is not None and write_sheet(members, targets, in_plain_folder(sheet)):
            written.append(sheet)
    for path in written:
        typer.echo(path)
    if task is None and checkpoint_folder is not None:
        shutil.rmtree(checkpoint_folder)


def _placed(targets: Sequence[Path], paintings: "Sequence[Finished]", *, force: bool) -> list[Path]:
    """Give what was gathered its names. Returns all files."""
    written = []
    for target, painting in zip(targets, paintings, strict=True):
        for source in (painting.picture, *painting.beside):
            place = target.with_name(source.name)
            if source != place:
                check_output(place, force=force)
                source.replace(place)
            written.append(place)
    return written


def _published(
    task: "FarmTask", targets: Sequence[Path], paintings: "Sequence[Finished]", sheet: Path | None
) -> list[Path]:
    from hotfolder.batches.farm import TaskPainting

    return task.publish(
        [
            TaskPainting(target, each.picture, each.record, each.beside)
            for target, each in zip(targets, paintings, strict=True)
        ],
        sheet,
    )


def _output_of(member: "Member", output: Path) -> Path:
    return (
        output.with_name(f"{output.stem}.{member.name}{output.suffix}") if member.name else output
    )


@dataclass
class _Run:
    files: InputFiles
    pictures: "Pictures"
    vgg: "VGG19"
    config: "Config"
    checkpoints: "RunCheckpoints"
    view: "ProgressView"
    pace: "Pace"
    task: "FarmTask | None"

    def paint(
        self,
        members: "Sequence[Member]",
        outputs: dict[int, Path],
        checkpoint_folder: Path | None,
        *,
        force: bool,
    ) -> "list[Finished]":
        """All paintings of a series, of which those that are not finished are painted.

        A series that can be gone on with gathers its files beside its checkpoints, and they get
        their names when all are there.
        """
        gathered = self.checkpoints.series if len(members) > 1 else None
        began: float | None = process_started()
        state = self.checkpoints.latest()
        paintings = []
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
                finished = self._write(
                    member, place, result, progression, started, force=force or place != output
                )
                self._report(member, result)
                if gathered is not None:
                    gathered.note(member, finished)
            self.pace.finished(finished.record["seconds"])
            paintings.append(finished)
        return paintings

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
            self.pictures.canvas,
            [picture for _, picture in self.pictures.styles],
            settings,
            self.vgg,
            **self.pictures.arguments(),
            preview_seconds=None,
            preview_at=progression.wanted if progression else (),
            resume=state,
            budget=memory_budget(self.config.memory, str(self.vgg.device)),
            graphs=self.config.cuda_graphs,
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
        *,
        force: bool,
    ) -> "Finished":
        """The picture, and what lies beside it; the record only of a task."""
        from hotfolder.workers.series import Finished

        task = self.task
        beside = progression_files(output) if progression is not None else {}
        record: dict[str, Any] = {"seconds": result.seconds}

        def write_progression() -> None:
            if progression is not None:
                for name, data in progression.files().items():
                    write_file(data, beside[name], force=force or task is not None)

        def write_record(written: dict[str, Any]) -> None:
            from hotfolder.workers.record import record_of

            assert task is not None
            names = [path.name for path in beside.values()]
            made = (self.pictures, member.settings, result, written, started, member.document())
            record.update({**({"progression": names} if names else {}), **record_of(*made)})
            if member.count == 1:
                task.write_record(record)

        if task is not None:
            # The picture comes last: when it is there, the task is done.
            write_progression()
        notes = write_output(
            result.picture,
            output,
            result.settings,
            content=self.pictures.canvas,
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
        return Finished(output, record, list(beside.values()))

    def _report(self, member: "Member", result: "Result") -> None:
        label = f"{member.label[0].upper()}{member.label[1:]}: " if member.count > 1 else ""
        report(
            f"{label}{result.size[0]} x {result.size[1]} px, {result.steps} steps in "
            f"{clock_time(result.seconds)} on {result.device}, loss {result.losses.total:.3g}"
            f"{f', {result.rejected_moves} moves taken back' if result.rejected_moves else ''}."
        )
