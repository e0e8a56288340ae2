"""The engine, as a worker uses it: a job's files in, progress and a finished file out.

Imports torch. Only worker processes import this module.
"""

import contextlib
import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from engine.errors import PictureError
from engine.images.picture import Encoding, Picture, read_picture, write_picture
from engine.losses.targets import StyleTargets
from engine.memory.budget import auto_budget, parse_memory
from engine.network.allocator import is_out_of_memory, release
from engine.network.devices import make_reproducible, resolve_devices, workers_that_fill
from engine.network.vgg import VGG19, load_vgg19
from engine.output import output_of
from engine.progression import Progression
from engine.regions.areas import MaskPictures
from engine.settings import SUFFIXES, Settings
from engine.state import State
from engine.stylise import Result, stylise
from hotfolder.atomic_files import whole, write_whole
from hotfolder.errors import WorkerCrash
from hotfolder.folder_access import is_link, opener
from hotfolder.job import Job, now
from hotfolder.workers.checkpoints import Checkpoints, made_of, state_of
from hotfolder.workers.dispatcher import StyleCache
from hotfolder.workers.events import Done, Progress
from hotfolder.workers.record import losses_document, record_of
from hotfolder.workers.worker_process import WorkerOptions

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
        make_reproducible()
        if options.threads is not None:
            torch.set_num_threads(options.threads)
        self.devices = resolve_devices(device if device == "auto" else [device])
        self.device = self.devices[0]
        wanted = options.workers_per_device
        self.workers = workers_that_fill(self.device) if wanted == "auto" else wanted
        self.alive: Callable[[], None] = lambda: None
        self._options = options
        self._interruptible: tuple[Checkpoints, Callable[[], State]] | None = None
        """Of the job at hand, once it has a step to go on from."""
        self._network: tuple[tuple[str, str], VGG19] | None = None
        self._targets = StyleTargets(options.style_cache_megabytes * 1_000_000)

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
        started, began = now(), time.monotonic()
        folder, inputs = Path(job.folder), Path(job.folder) / "inputs"
        content = self._read(inputs / job.content, job.settings.page)
        styles = [self._read(inputs / name) for name in job.styles]
        initial = self._read(inputs / job.init) if job.init else None
        palette = self._read(inputs / job.palette) if job.palette else None
        named: dict[str, tuple[str, ...]]
        named = {"regions": job.regions, "style_regions": job.style_regions}
        named["mask"] = (job.mask,) if job.mask else ()
        masks = {
            key: [(inputs / name, self._read(inputs / name)) for name in names]
            for key, names in named.items()
        }
        vgg = self._loaded(job.settings.weights, job.settings.precision)
        progression = Progression(job.settings.progression) if job.settings.progression else None
        single = (job.content, *job.styles, job.init, job.palette)
        names = [*(name for name in single if name), *job.masks]
        checkpoints = Checkpoints(
            folder,
            made_of(job.settings, [inputs / name for name in names], vgg, opener),
            seconds=self._options.checkpoint_seconds,
        )
        state = checkpoints.latest()
        if state is not None and progression:
            progression.restore(state.extra["progression"])
        budget = parse_memory(self._options.memory) or auto_budget(self.device, self.workers)
        if job.lost > 1 and budget:
            # Linux ends a process that takes too much, and the same plan would meet the same end.
            budget = round(budget * AFTER_LOSS ** (job.lost - 1))
            state = replace(state, plan=None) if state else None
        work = stylise(
            content,
            styles,
            job.settings,
            vgg,
            initial=initial,
            palette=palette,
            masks=MaskPictures(
                next((picture for _, picture in masks["mask"]), None),
                *([picture for _, picture in masks[key]] for key in ("regions", "style_regions")),
            ),
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
                    picture, written = _write_result(step.picture, step.settings, content, folder)
                    extra_outputs = _write_progression(progression, folder) if progression else []
                    read = [(inputs / job.content, content)]
                    read += zip((inputs / name for name in job.styles), styles, strict=True)
                    others = {
                        key: (inputs / name, picture)
                        for key, name, picture in (
                            ("init", job.init, initial),
                            ("palette", job.palette, palette),
                        )
                        if name is not None and picture is not None
                    }
                    record = record_of(
                        read[0], read[1:], job.settings, step, written, started, masks, others
                    )
                    yield Done(job.id, str(picture), record, extra_outputs)
                    return
                self._interruptible = checkpoints, state_of(step, progression)
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
                )

    def _read(self, path: Path, page: int | None = None) -> Picture:
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


def _write_result(
    picture: Picture, settings: Settings, content: Picture, folder: Path
) -> tuple[Path, dict[str, Any]]:
    """Path of the result, and what the record says of how it was written."""
    text = json.dumps(settings.model_dump(), ensure_ascii=False)
    output = output_of(settings, content, picture.size, text)
    try:
        return _written(picture, output.encoding, folder), output.record
    except OSError:
        raise
    except Exception as error:
        # The painting is worth more than what it was to be written as.
        logger.exception("the result cannot be written as %s", output.encoding.format)
        why = f"it could not be written as {output.encoding.format} ({error}): PNG instead"
        plain = {"format": "png", "bits": 16, "profile": "srgb", "metadata": [], "notes": [why]}
        return _written(picture, Encoding(bits=16, text=text), folder), plain


def _written(picture: Picture, encoding: Encoding, folder: Path) -> Path:
    target = folder / f"result{SUFFIXES[encoding.format]}"
    with whole(target) as file:
        write_picture(picture, file, encoding)
    return target


def _write_progression(progression: Progression, folder: Path) -> list[str]:
    """Paths of the strip, the animation and the losses' curve; none if they cannot be written,
    since the painting is there."""
    try:
        files = {folder / name: data for name, data in progression.files().items()}
        for path, data in files.items():
            write_whole(path, data)
    except Exception:
        logger.exception("the progression cannot be written")
        return []
    return [str(path) for path in files]


def _write_preview(picture: Picture, folder: Path) -> Path:
    target = folder / "preview.jpg"
    with whole(target, durable=False) as file:
        write_picture(picture.thumbnail(PREVIEW_SIDE), file, format="jpeg", quality=PREVIEW_QUALITY)
    return target
