"""A scan of the whole inbox: of itself and of the folders in it."""

import contextlib
import itertools
import stat
import time
from collections import ChainMap
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from hotfolder.atomic_files import move
from hotfolder.file_names import BESIDE, FileRole, free_name_in, parse, shown
from hotfolder.folder_access import names, rename, rmdir, scan, unlink
from hotfolder.inbox.candidate import ControlPaths, JobCandidate, Snapshot
from hotfolder.inbox.folder_scanner import FolderScanner, ScanOptions
from hotfolder.inbox.listing import Listing
from hotfolder.inbox.model import InboxFile, InputFile
from hotfolder.inbox.presets import PresetFolder, is_preset_name
from hotfolder.inbox.style_library import StyleLibrary
from hotfolder.paths import FolderPaths
from hotfolder.throttle import Steps, in_one_go
from plugin.client.protocol import BATCH_SUFFIX, SIDECAR_SUFFIX, SIDECAR_SUFFIXES, ControlFile

__all__ = ["InboxScanner"]

MAX_DEPTH = 16
"""Folders in folders that a preset may hold for."""

REPLACED = ".old"
"""Behind the name of a failed job's sidecar in whose place there is another."""

_REPLACED_SUFFIXES = tuple(f"{suffix}{REPLACED}" for suffix in SIDECAR_SUFFIXES)


class InboxScanner:
    """Scans one hot folder's inbox, again and again."""

    def __init__(
        self,
        folder: FolderPaths,
        options: Callable[[], ScanOptions],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`options` is called at each scan."""
        self._folder = folder
        self._clock = clock
        self._options = options
        self._top = FolderScanner(folder.inbox, clock)
        self._below: dict[str, FolderScanner] = {}
        self._deeper: dict[str, Listing] = {}
        """Folders in folders, in which a batch may find pictures, by their paths."""

    def steps(self) -> Steps[Snapshot]:
        """Scan once, in steps of some milliseconds.

        Raises:
            OSError: the inbox cannot be listed.
        """
        library = StyleLibrary(self._folder.styles)
        options = self._options()
        top = yield from self._top.steps(library, options)
        before, self._below = self._below, {}
        found = [top]
        left_out: list[str] = []
        deeper: list[str] = []
        places: list[tuple[str, PresetFolder | None]] = [
            (name, None) for name in reversed(self._top.folders)
        ]
        while places:
            name, above = places.pop()
            scanner = before.get(name) or FolderScanner(
                self._folder.inbox / name, self._clock, folder=name, presets=True
            )
            try:
                found.append((yield from scanner.steps(library, options, above)))
            except FileNotFoundError:
                continue  # Taken away at this moment.
            except OSError as error:
                left_out.append(f"{shown(name)}/ ({error.strerror})")
            self._below[name] = scanner
            if top.batch_files and not scanner.presets.is_active:
                deeper += [f"{name}/{folder}" for folder in scanner.folders]
            if scanner.presets.is_recursive:
                inside = [f"{name}/{folder}" for folder in reversed(scanner.folders)]
                if name.count("/") < MAX_DEPTH:
                    places += [(each, scanner.presets) for each in inside]
                else:
                    left_out += [f"{shown(each)}/ (too deep)" for each in inside]
        loose = yield from self._pictures_in(deeper, options)
        settling = [
            *(s.settling for s in found),
            *(s.next_settling() for s in self._deeper.values()),
        ]
        candidates = itertools.chain.from_iterable(snapshot.candidates for snapshot in found)
        return Snapshot(
            candidates=tuple(sorted(candidates, key=lambda candidate: candidate.age)),
            control_files={
                role: ChainMap(*(dict(snapshot.control_files[role]) for snapshot in found))
                for role in ControlFile
            },
            control_paths=_merged(found),
            batch_files=top.batch_files,
            unclaimed=(*(file for s in found for file in s.unclaimed), *loose),
            # The folders first: each stands for many files.
            unrecognised=(
                *left_out,
                *(words for s in (*found[1:], top) for words in s.unrecognised),
            ),
            settling=min((seconds for seconds in settling if seconds is not None), default=None),
            arriving=any(snapshot.arriving for snapshot in found),
            changed=top.changed,
        )

    @property
    def folders(self) -> list[Path]:
        """Those in the inbox that the last scan has looked into."""
        return [self._folder.inbox / name for name in (*self._below, *self._deeper)]

    def _pictures_in(self, folders: list[str], options: ScanOptions) -> Steps[list[InboxFile]]:
        """The pictures, and masks of them, in folders in folders, in which there are no jobs: none
        of those whose folder has a preset. Only while there is a batch, which may ask for them."""
        before, self._deeper = self._deeper, {}
        pictures: list[InboxFile] = []
        while folders:
            name = folders.pop()
            path = self._folder.inbox / name
            listing = before.get(name) or Listing(path, self._clock, folder=name)
            try:
                files = yield from listing.steps(options.settle_seconds)
            except OSError:  # It is gone, or named among what is in no job anyway.
                continue
            yield
            self._deeper[name] = listing
            if any(is_preset_name(file.name) for file in files):
                continue
            pictures += [f for f in files if f.parsed.role is FileRole.PICTURE and f.regular]
            pictures += [f for f in files if f.parsed.role in BESIDE]
            if name.count("/") < MAX_DEPTH:
                folders += [f"{name}/{folder}" for folder in listing.folders]
        return pictures

    def replace_sidecar(self, name: str, sidecar: Path) -> None:
        """Move a sidecar to the job in `failed/NAME/`, in the place of the one there.

        Raises:
            FileNotFoundError: there is no such job.
            OSError: it cannot be moved.
        """
        path = self._folder.failed / name
        found = self._found_at_once(path)
        called = f"{found[0].name}{SIDECAR_SUFFIX}" if len(found) == 1 else sidecar.name
        _replace_sidecar(path, sidecar, called)

    def failed(self, name: str) -> list[JobCandidate]:
        """The job in `failed/NAME/`, judged as if it had been dropped, but at once: what it lacks,
        it lacks. Empty if there is none; more than one job if somebody has put others to it."""
        path = self._folder.failed / name
        found = self._found_at_once(path)
        if not found:
            return []
        *others, last = found
        # The last one to be claimed takes what the others had copied, so nothing is left.
        inputs = [replace(f, shared=f.shared and f.path.parent != path) for f in last.inputs]
        inputs += [InputFile(FileRole.OTHER, path / old) for old in _replaced_sidecars(path)]
        return [*others, replace(last, inputs=tuple(inputs))]

    def _found_at_once(self, path: Path) -> tuple[JobCandidate, ...]:
        scanner = FolderScanner(path, self._clock, presets=True)
        options = replace(self._options(), settle_seconds=0.0, wait_seconds=0.0)
        try:
            return in_one_go(scanner.steps(StyleLibrary(self._folder.styles), options)).candidates
        except OSError:
            return ()

    def failed_batches(self, name: str) -> list[tuple[Path, Path]]:
        """The batch files in `failed/NAME/`, and where each would be in the inbox."""
        folder, end = self._folder.failed / name, f"{BATCH_SUFFIX}{SIDECAR_SUFFIX}"
        found = []
        with contextlib.suppress(OSError):
            for file_name, facts in sorted(scan(folder)):
                parsed = parse(file_name)
                if parsed is None or parsed.role is not FileRole.BATCH:
                    continue
                if stat.S_ISREG(facts.st_mode):
                    free = free_name_in(self._folder.inbox, parsed.job, [end])
                    found.append((folder / file_name, self._folder.inbox / f"{free}{end}"))
        return found

    def clear_failed(self, name: str) -> None:
        """Remove what is left of `failed/NAME/`, unless a person's files are in it."""
        with contextlib.suppress(OSError):
            unlink(self._folder.failed / name / "error.txt", missing_ok=True)
            rmdir(self._folder.failed / name)

    def release(self, source: str) -> None:
        """Let the job dropped as `source` wait again, from the next scan on, as if it had just
        come."""
        folder, _, name = source.rpartition("/")
        scanner = self._below.get(folder) if folder else self._top
        if scanner is not None:
            scanner.release(name)


def _replace_sidecar(failed: Path, sidecar: Path, called: str) -> None:
    """Move a sidecar to the files of a failed job, under the name of the one that is there, which
    is called `.old`; if there is none, it is `called` so.

    Raises:
        OSError: the job is not there, or something cannot be moved.
    """
    files = sorted(names(failed))
    there = [
        name
        for name in files
        if not is_preset_name(name) and (p := parse(name)) and p.role is FileRole.SIDECAR
    ]
    # Called away already, if the server was killed in between.
    old = (name for name in files if name.endswith(_REPLACED_SUFFIXES))
    before = there or [name.removesuffix(REPLACED) for name in old]
    for name in there:
        end = f"{Path(name).suffix}{REPLACED}"
        free = free_name_in(failed, Path(name).stem, [end])
        rename(failed / name, failed / f"{free}{end}")
    # Of several that were replaced, `cat.yaml.old` comes before `cat-2.yaml.old`.
    move(sidecar, failed / min(before, key=len, default=called))


def _replaced_sidecars(failed: Path) -> list[str]:
    """The sidecars in whose place others are. They go with the job."""
    try:
        files = scan(failed)
    except OSError:
        return []
    return sorted(
        name
        for name, facts in files
        if name.endswith(_REPLACED_SUFFIXES) and stat.S_ISREG(facts.st_mode)
    )


def _merged(snapshots: Iterable[Snapshot]) -> ControlPaths:
    merged: dict[tuple[ControlFile, str], tuple[Path, ...]] = {}
    for snapshot in snapshots:
        for key, paths in snapshot.control_paths.items():
            merged[key] = (*merged.get(key, ()), *paths)
    return merged
