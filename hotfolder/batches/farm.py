"""A batch as independent command lines, which any queue can run: Slurm, a render farm, xargs.

    OUT/cat-night.result.yaml, OUT/cat-night.png    the record, with the key of the work, and then
                                                    the picture: the marker that it is done
    OUT/cat-night.png.checkpoints/                  while it is not: `lock`, checkpoints, an error
    OUT/.impasto-farm/                              the settings and styles that the lines name

Each line is `impasto stylise ... --task`, and `FarmTask` is what that option adds: a painting that
is there is not painted again, and no two processes paint one at once. docs/farm.md is for users.
"""

import contextlib
import os
import shlex
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from filelock import lock_descriptor

from engine.settings import PICTURES, SUFFIXES, Settings
from hotfolder.atomic_files import whole, write_whole
from hotfolder.batches.expansion import Item
from hotfolder.batches.finished_work import FinishedWork, work_of
from hotfolder.batches.other_pictures import OtherPictures
from hotfolder.batches.results.summary import Ends
from hotfolder.errors import InputError, TaskTaken
from hotfolder.file_names import FreeNames
from hotfolder.job import now
from hotfolder.outbox.result_name import result_name
from hotfolder.paths import in_plain_folder
from plugin.client.protocol import RECORD_SUFFIX

__all__ = ["FarmTask", "TaskPainting", "ends_of", "task_lines"]

FARM_FOLDER = ".impasto-farm"
"""Below the output folder."""

CHECKPOINTS, ERROR, LOCK = ".checkpoints", "error.txt", "lock"

MAX_ERROR = 2000
"""Characters of an error that is read back."""


@dataclass(frozen=True)
class TaskPainting:
    """One painting of a series, finished."""

    target: Path
    """What its picture is to be."""
    picture: Path
    record: Mapping[str, Any]
    beside: Sequence[Path]


class FarmTask:
    """One painting of a farm, or one series, by the file that it is to be."""

    def __init__(self, output: Path, work: str) -> None:
        """`work` is the key of the work (`finished_work.work_key`)."""
        self.output = output
        self.folder = output.with_name(output.name + CHECKPOINTS)
        self._work = work

    @property
    def is_done(self) -> bool:
        return self.output.exists() and work_of(_record_of(self.output)) == self._work

    @contextlib.contextmanager
    def taken(self) -> Iterator[bool]:
        """Hold the task for this process; whether it is to be painted. The lock is the kernel's, so
        a killed task leaves none behind; what an error says is kept for `ends_of`.

        Raises:
            TaskTaken: another process has it.
        """
        folder = in_plain_folder(self.folder)
        if self.is_done:
            yield False
            self._clear()
            return
        folder.mkdir(exist_ok=True)
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not _locked(descriptor):
                raise TaskTaken(f"{self.output}: another task paints it now.")
            # It may have been finished, and its folder removed, before the lock was ours.
            if not (done := self.is_done):
                (folder / ERROR).unlink(missing_ok=True)
            try:
                yield not done
            except Exception as error:
                write_whole(folder / ERROR, f"{error or type(error).__name__}\n".encode())
                raise
        finally:
            os.close(descriptor)
        self._clear()

    def write_record(self, record: Mapping[str, Any], of: Path | None = None) -> None:
        """To be called before the picture is written: it is done when both are there.

        Args:
            of: another painting of its series, by the file that it is to be.
        """
        output = of or self.output
        document = {"name": self.output.stem, "picture": output.name, **record}
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
        work = f"work: {self._work}\n" if of is None else ""
        write_whole(in_plain_folder(_record_of(output)), f"{work}{text}".encode())

    def publish(self, paintings: Sequence["TaskPainting"], sheet: Path | None) -> list[Path]:
        """A series that lies in the task's folder: copies of all its files under their names, the
        first picture last. A task that is killed meanwhile publishes all of it again.

        Args:
            sheet: that of the series, which is there already.

        Returns:
            The pictures and what lies beside them.
        """
        first, *others = paintings
        files: list[Path] = []
        for painting in others:
            beside = [self._published(path, painting.target) for path in painting.beside]
            self.write_record(painting.record, painting.target)
            files += [_record_of(painting.target), *beside]
            files.append(self._published(painting.picture, painting.target, painting.target.name))
        files += [sheet] if sheet is not None else []
        beside = [self._published(path, first.target) for path in first.beside]
        series = {**first.record["series"], "files": [path.name for path in files]}
        self.write_record({**first.record, "series": series})
        return [self._published(first.picture, first.target, first.target.name), *beside, *files]

    def _published(self, source: Path, target: Path, name: str | None = None) -> Path:
        copy = target.with_name(name or source.name)
        with whole(in_plain_folder(copy)) as file, source.open("rb") as original:
            shutil.copyfileobj(original, file)
        return copy

    def _clear(self) -> None:
        if self.is_done:
            shutil.rmtree(self.folder, ignore_errors=True)


def task_lines(
    items: Sequence[Item],
    finished: FinishedWork,
    *,
    options: Mapping[str, Any],
    name: str | None = None,
    own_styles: Path | None = None,
) -> Iterator[str]:
    """A line for each item that is not done, in the shell's language; what the lines name is
    written. The same items get the same lines as long as they are not done.

    Args:
        options: the keys of `config.yaml` that hold on every machine, besides `settings`.
        name: the pattern of the results' names; else they are called as their items.
        own_styles: the folder of styles that other machines may have elsewhere: they are copied.

    Raises:
        InputError: a file whose name breaks the line.
        OSError
    """
    out = finished.out.absolute()
    place = out / FARM_FOLDER
    for item, output in _outputs(items, finished, name):
        output.parent.mkdir(parents=True, exist_ok=True)
        place.mkdir(exist_ok=True)
        styles = [_shared(style, own_styles, place) for style in item.styles]
        config = _config_of(item, options, place)
        others = item.others
        if others.regions and not others.style_regions:
            pairs = zip(others.regions, styles, strict=True)
            words = [f"--region={mask.absolute()}={style}" for mask, style in pairs]
        else:
            words = [str(style) for style in styles]
            words += _label_words(others)
        if others.mask is not None:
            words += ["--mask", str(others.mask.absolute())]
        if others.palette is not None:
            words += ["--palette", str(_shared(others.palette, own_styles, place))]
        command = ["texture"] if item.content is None else ["stylise", str(item.content.absolute())]
        words = ["impasto", *command, *words, *_texture_words(item.settings)]
        words += ["--output", str(output), "--config", str(config), "--task"]
        line = shlex.join(words)
        if len(line.splitlines()) != 1:
            raise InputError(f"{line!r}: a file of that name cannot stand in a list of lines.")
        yield line


def ends_of(items: Sequence[Item], finished: FinishedWork, name: str | None = None) -> Ends:
    """Each item with what came of it, for the summary: `done`, `failed` with its reason, or
    `pending`. A task that is tried again has no reason any more."""
    outputs = {item.name: output for item, output in _outputs(items, finished, name)}
    ends = []
    for item in items:
        if (picture := finished.picture_of(item)) is not None:
            end = {"state": "done", "picture": picture.relative_to(finished.out).as_posix()}
        else:
            error = outputs[item.name]
            end = {"state": "pending"}
            with contextlib.suppress(OSError):
                note = error.with_name(error.name + CHECKPOINTS) / ERROR
                with note.open(encoding="utf-8", errors="replace") as file:
                    end = {"state": "failed", "reason": file.read(MAX_ERROR).strip()}
        ends.append((item, end))
    return ends


def _outputs(
    items: Sequence[Item], finished: FinishedWork, pattern: str | None
) -> Iterator[tuple[Item, Path]]:
    """The items that are not done, and the file that each is to be: one that is not there yet."""
    free: dict[str, FreeNames] = defaultdict(FreeNames)
    for item in items:
        if finished.picture_of(item) is not None:
            continue
        folder = finished.out.absolute() / item.folder
        wanted = _result_name(pattern, item)
        chosen = free[item.folder].take(wanted)
        while any((folder / f"{chosen}{suffix}").exists() for suffix in SUFFIXES.values()):
            chosen = free[item.folder].take(wanted)
        yield item, folder / f"{chosen}{_suffix_of(item)}"


def _result_name(pattern: str | None, item: Item) -> str:
    if pattern is not None and "{size}" in pattern and not isinstance(item.settings.size, int):
        raise InputError(f"{pattern}: `{{size}}` is not known before {item.content} is painted.")
    return result_name(
        pattern,
        item.result or item.name,
        item.content_name,
        [style.name for style in item.styles],
        item.settings,
        record={},
        finished=now(),
    )


def _suffix_of(item: Item) -> str:
    if item.settings.format != "content":
        return SUFFIXES[item.settings.format]
    suffix = item.content.suffix.lower() if item.content is not None else ""
    suffix = {".jpeg": ".jpg", ".tiff": ".tif"}.get(suffix, suffix)
    return suffix if suffix in SUFFIXES.values() else SUFFIXES["png"]


def _texture_words(settings: Settings) -> list[str]:
    """What a configuration does not say."""
    if not settings.texture:
        return []
    size = "x".join(map(str, settings.texture_size or (settings.size,)))
    return ["--size", size, *(["--tile"] if settings.tile else [])]


def _label_words(others: OtherPictures) -> list[str]:
    if not others.style_regions:
        return []
    words = ["--labels", str(others.regions[0].absolute())]
    for path in others.style_regions:
        words += ["--style-labels", str(path.absolute())]
    return words


def _shared(style: Path, own_styles: Path | None, place: Path) -> Path:
    if own_styles is None or style.parent != own_styles:
        return style.absolute()
    copy = place / style.name
    if not copy.exists():
        write_whole(copy, style.read_bytes())
    return copy


def _config_of(item: Item, options: Mapping[str, Any], place: Path) -> Path:
    """The configuration that an item is painted with, under a name that no other has."""
    settings = item.own_settings.model_dump(exclude={*PICTURES, "texture", "texture_size", "tile"})
    if settings["colours"] == "palette":
        del settings["colours"]  # The line names the palette, which implies it.
    document = {**options, "settings": settings}
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100).encode()
    path = place / f"{item.settings.preset}-{sha256(text).hexdigest()[:12]}.yaml"
    if not path.exists():
        write_whole(path, text)
    return path


def _record_of(output: Path) -> Path:
    return output.with_name(output.stem + RECORD_SUFFIX)


def _locked(descriptor: int) -> bool:
    try:
        return lock_descriptor(descriptor, blocking=False)
    except OSError:  # A file system without locks: that no task runs twice is up to the queue.
        return True
