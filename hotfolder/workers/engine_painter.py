"""The engine, as a worker uses it: a job's files in, progress and a finished file out.

Imports torch. Only worker processes import this module.
"""

import contextlib
import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import EngineError, PictureError
from engine.images.picture import Encoding, Picture, read_picture, write_picture
from engine.losses.targets import StyleTargets
from engine.memory.budget import auto_budget, parse_memory, total_memory
from engine.network.allocator import is_out_of_memory, release
from engine.network.devices import (
    prepare_process,
    resolve_devices,
    set_worker_threads,
    workers_that_fill,
)
from engine.network.vgg import VGG19, load_vgg19
from engine.output import output_of
from engine.progression import Progression
from engine.series.members import Member, members_of
from engine.settings import SUFFIXES, Settings, resolve
from engine.speed import seconds_a_pixel
from engine.state import State
from engine.stylise import Result, stylise
from hotfolder.atomic_files import whole, write_json, write_whole
from hotfolder.errors import WorkerCrash
from hotfolder.folder_access import is_link, opener
from hotfolder.job import Job, now
from hotfolder.workers.checkpoints import Checkpoints, made_of, state_of
from hotfolder.workers.dispatcher import StyleCache
from hotfolder.workers.events import Done, Progress
from hotfolder.workers.pictures import Pictures
from hotfolder.workers.record import losses_document, record_of
from hotfolder.workers.series import Finished, Pace, SeriesFiles, write_sheet
from hotfolder.workers.worker_process import WorkerOptions
from plugin.client.protocol import RECORD_SUFFIX

__all__ = ["EnginePainter"]

logger = logging.getLogger(__name__)

PREVIEW_SIDE = 512
PREVIEW_QUALITY = 85

AFTER_LOSS = 0.7
"""Of its memory, what a job is planned with after a second worker has died over it; and so on."""


class EnginePainter:
    """Paints on one device; keeps the network and what it knows of styles between jobs."""

    def __init__(self, device: str, options: WorkerOptions) -> None:
        """`device` may be `auto`: then the first of `devices`.

        Raises:
            DeviceError: no such device.
        """
        prepare_process()
        self.devices = resolve_devices(device if device == "auto" else [device])
        self.device = self.devices[0]
        wanted = options.workers_per_device
        if wanted is None:
            wanted = "auto" if options.many and self.device == "cpu" else 1
        if wanted == "auto":
            wanted = workers_that_fill(self.device, options.threads, total_memory())
        self.workers = wanted
        set_worker_threads(self.device, self.workers, options.threads)
        self.alive: Callable[[], None] = lambda: None
        self._options = options
        self._interruptible: tuple[Checkpoints, Callable[[], State]] | None = None
        """Of the job at hand, once it has a step to go on from."""
        self._network: tuple[tuple[str, str], VGG19] | None = None
        self._targets = StyleTargets(options.style_cache_megabytes * 1_000_000)
        if self.device.startswith("cuda"):
            self.warm_up()

    def warm_up(self) -> None:
        """Paint something in a few steps. The first painting of a process on CUDA takes seconds
        longer than the next, and so does each at a size that it has not seen."""
        settings = resolve({"size": 512, "steps": 6, "coarse_steps": 6})
        try:
            vgg = self._loaded(settings.weights, settings.precision)
            noise = np.random.default_rng(0).integers(0, 256, (384, 512, 3), np.uint8)
            painting = stylise(
                Picture(noise),
                [Picture(noise)],
                settings,
                vgg,
                budget=self._budget(),
                graphs=self._options.cuda_graphs,
            )
            for _ in painting:
                pass
            seconds_a_pixel(vgg)
        except (EngineError, MemoryError, RuntimeError) as error:
            logger.warning("%s could not be warmed up: %s", self.device, error)
        release()

    @property
    def style_cache(self) -> StyleCache:
        return StyleCache(self._targets.hits, self._targets.misses, self._targets.bytes)

    def paint(self, job: Job) -> Iterator[Progress | Done]:
        """Progress after progress, then Done.

        A job that was interrupted goes on from its last checkpoint.

        Raises:
            EngineError: the job's fault, in words.
            MemoryError: too large for the device.
            WorkerCrash: the device is in a state that no further job would survive.
        """
        try:
            yield from self._paint(job)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                if "CUDA error" in str(error):
                    raise WorkerCrash(str(error)) from error
                raise
            self._network = None
            self._targets.clear()
            release()
            raise MemoryError(str(error)) from None
        finally:
            self._interruptible = None

    def checkpoint(self) -> None:
        """Write a checkpoint of the job into its folder. May be called from any thread, in
        the middle of a step, too."""
        if (interruptible := self._interruptible) is not None:
            checkpoints, state = interruptible
            checkpoints.write(state)

    def _paint(self, job: Job) -> Iterator[Progress | Done]:
        began = time.monotonic()
        folder = Path(job.folder)
        pictures = self._pictures(job)
        vgg = self._loaded(job.settings.weights, job.settings.precision)
        made = made_of(job.settings, pictures.paths, vgg, opener)
        checkpoints = Checkpoints(folder, made, seconds=self._options.checkpoint_seconds)
        state = checkpoints.latest()
        members = members_of(job.settings, len(pictures.styles))
        series, pace = SeriesFiles(folder, made), Pace(len(members))
        paintings = []
        for member in members:
            finished = series.finished(member) if len(members) > 1 else None
            if finished is None:
                at_hand = state if state and state.extra.get("member", 1) == member.number else None
                painted = self._paint_member(
                    job, member, pictures, vgg, checkpoints, at_hand, began
                )
                if at_hand is not None:
                    state = at_hand = None  # It holds the whole memory of the optimiser as it was.
                for event in painted:
                    if isinstance(event, Finished):
                        finished = event
                    else:
                        yield _in_series(event, pace)
                assert finished is not None
                if len(members) > 1:
                    series.note(member, finished)
                began = time.monotonic()
            paintings.append(finished)
            pace.finished(finished.record["seconds"])
        yield _done(job, members, paintings, folder)

    def _paint_member(
        self,
        job: Job,
        member: Member,
        pictures: Pictures,
        vgg: VGG19,
        checkpoints: Checkpoints,
        state: State | None,
        began: float,
    ) -> Iterator[Progress | Finished]:
        """One painting of a job: progress after progress, then what is finished.

        Args:
            state: what it is gone on from.
            began: `time.monotonic()` from which its `seconds` are counted.
        """
        started, folder, settings = now(), Path(job.folder), member.settings
        progression = Progression(settings.progression) if settings.progression else None
        if state is not None and progression:
            progression.restore(state.extra["progression"])
        budget = self._budget()
        if job.lost > 1 and budget:
            # Linux ends a process that takes too much, and the same plan would meet the same end.
            budget = round(budget * AFTER_LOSS ** (job.lost - 1))
            state = replace(state, plan=None) if state else None
        work = stylise(
            pictures.canvas,
            [picture for _, picture in pictures.styles],
            settings,
            vgg,
            **pictures.arguments(),
            preview_seconds=self._options.preview_seconds,
            preview_at=progression.wanted if progression else (),
            targets=self._targets,
            resume=state,
            budget=budget,
            started=began,
            graphs=self._options.cuda_graphs,
        )
        del state  # It holds the whole memory of the optimiser as it was.
        # Closing at once gives the memory back when a job is cancelled.
        with contextlib.closing(work):  # type: ignore[type-var]
            for step in work:
                if progression:
                    progression.add(step)
                if isinstance(step, Result):
                    self._interruptible = None
                    prefix = f"{member.name}." if member.name else ""
                    picture, written = _write_result(
                        step.picture,
                        step.settings,
                        pictures.canvas,
                        folder / (member.name or "result"),
                    )
                    beside = _write_progression(progression, folder, prefix) if progression else []
                    record = record_of(
                        pictures, settings, step, written, started, member.document()
                    )
                    yield Finished(picture, record, beside)
                    return
                self._interruptible = checkpoints, state_of(step, progression, member.number)
                checkpoints.keep(self._interruptible[1])
                preview = None
                if step.preview is not None:
                    preview = str(_write_preview(step.preview, folder))
                yield Progress(
                    job_id=job.id,
                    scale=step.scale,
                    scales=step.scales,
                    step=step.step,
                    steps=step.steps,
                    fraction=step.fraction,
                    losses=losses_document(step.losses),
                    seconds=step.seconds,
                    eta_seconds=step.eta_seconds,
                    preview=preview,
                    rejected_moves=step.rejected_moves,
                    painting=member.number,
                    paintings=member.count,
                )

    def _budget(self) -> int:
        return parse_memory(self._options.memory) or auto_budget(self.device, self.workers)

    def _pictures(self, job: Job) -> Pictures:
        inputs = Path(job.folder) / "inputs"

        def paths(*names: str | None) -> list[Path]:
            return [inputs / name for name in names if name]

        others = {
            "init_file": paths(job.init),
            "palette": paths(job.palette),
            "mask": paths(job.mask),
            "regions": paths(*job.regions),
            "style_regions": paths(*job.style_regions),
        }
        content = inputs / job.content if job.content else None
        return Pictures.read(content, paths(*job.styles), others, job.settings, self._read)

    def _read(self, path: Path, page: int | None) -> Picture:
        if is_link(path):  # put in a plain file's place in the moment of the claim
            raise PictureError(f"{path}: this is a link. Put the picture itself there.")
        limit = self._options.max_megapixels
        return read_picture(path, max_megapixels=limit, opener=opener, page=page)

    def _loaded(self, weights: str, precision: str) -> VGG19:
        if self._network is None or self._network[0] != (weights, precision):
            self._network = None  # Two networks at once would be one too many for a small GPU.
            vgg = load_vgg19(weights, self.device, precision)
            vgg.on_layer = lambda: self.alive()
            self._network = ((weights, precision), vgg)
        return self._network[1]


def _in_series(progress: Progress, pace: Pace) -> Progress:
    fraction, seconds, eta = pace.of(progress.fraction, progress.seconds, progress.eta_seconds)
    return replace(progress, fraction=fraction, seconds=seconds, eta_seconds=eta)


def _done(job: Job, members: Sequence[Member], paintings: Sequence[Finished], folder: Path) -> Done:
    """The end of a job: the first painting is its result, all else lies beside it."""
    first, beside = paintings[0], list(paintings[0].beside)
    for member, painting in zip(members[1:], paintings[1:], strict=True):
        record = folder / f"{member.name}{RECORD_SUFFIX}"
        write_json(record, painting.record)
        beside += [record, *painting.beside, painting.picture]
    if len(members) > 1:
        pictures = [painting.picture for painting in paintings]
        sheet = folder / members[0].sheet
        beside += [sheet] if write_sheet(members, pictures, sheet) else []
    return Done(job.id, str(first.picture), first.record, [str(path) for path in beside])


def _write_result(
    picture: Picture, settings: Settings, content: Picture, stem: Path
) -> tuple[Path, dict[str, Any]]:
    """Path of the result, `stem` with a suffix, and what the record says of how it was written."""
    text = json.dumps(settings.model_dump(), ensure_ascii=False)
    output = output_of(settings, content, picture.size, text)
    try:
        return _written(picture, output.encoding, stem), output.record
    except OSError:
        raise
    except Exception as error:
        # The painting is worth more than what it was to be written as.
        logger.exception("the result cannot be written as %s", output.encoding.format)
        why = f"it could not be written as {output.encoding.format} ({error}): PNG instead"
        plain = {"format": "png", "bits": 16, "profile": "srgb", "metadata": [], "notes": [why]}
        return _written(picture, Encoding(bits=16, text=text), stem), plain


def _written(picture: Picture, encoding: Encoding, stem: Path) -> Path:
    target = stem.with_name(stem.name + SUFFIXES[encoding.format])
    with whole(target) as file:
        write_picture(picture, file, encoding)
    return target


def _write_progression(progression: Progression, folder: Path, prefix: str) -> list[Path]:
    """Paths of the strip, the animation and the losses' curve; none if they cannot be written,
    since the painting is there."""
    try:
        files = {folder / (prefix + name): data for name, data in progression.files().items()}
        for path, data in files.items():
            write_whole(path, data)
    except Exception:
        logger.exception("the progression cannot be written")
        return []
    return list(files)


def _write_preview(picture: Picture, folder: Path) -> Path:
    target = folder / "preview.jpg"
    with whole(target, durable=False) as file:
        write_picture(picture.thumbnail(PREVIEW_SIDE), file, format="jpeg", quality=PREVIEW_QUALITY)
    return target
