"""Which pictures a batch of the inbox means, and what it expands to. Moves nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from hotfolder.batches.batch_file import BatchFile, fits
from hotfolder.batches.expansion import expand
from hotfolder.batches.store import Plan
from hotfolder.errors import SidecarError
from hotfolder.folder_access import Fingerprint
from hotfolder.inbox.model import InboxFile
from hotfolder.inbox.style_library import StyleLibrary
from hotfolder.paths import FolderPaths
from hotfolder.spool.claims import PlannedMove, free_file_name
from plugin.client.protocol import JobStatus

__all__ = ["InputMatcher", "MatchResult"]

MAX_ITEMS = 100_000


@dataclass
class MatchResult:
    """The pictures and styles that a batch asks for, as far as they are there."""

    contents: list[str] = field(default_factory=list)
    """Below the inbox."""
    styles: list[tuple[tuple[str, Path], ...]] = field(default_factory=list)
    """Each blend's styles: by what name they are asked for, and where they lie."""
    seen: dict[Path, Fingerprint] = field(default_factory=dict)
    """Of the pictures of the inbox, as they were found."""
    missing: list[str] = field(default_factory=list)
    settled: bool = True


class InputMatcher:
    """Finds pictures in the inbox, the folders in it, and the style library."""

    def __init__(self, folder: FolderPaths) -> None:
        self._folder = folder

    def find(self, read: BatchFile, unclaimed: Sequence[InboxFile]) -> MatchResult:
        """`unclaimed` are the pictures that no job uses.

        Raises:
            SidecarError: the batch is too large.
        """
        inbox = self._folder.inbox
        settled = {file.path.relative_to(inbox).as_posix(): file.settled for file in unclaimed}
        found = MatchResult(seen={file.path: file.fingerprint for file in unclaimed})
        library = StyleLibrary(self._folder.styles)
        for blend in read.styles:
            found.styles += self._blends(blend, settled, library, found)
        styles = {path for blend in found.styles for _, path in blend}
        for pattern in read.contents:
            fitting = [p for p in sorted(settled) if fits(p, pattern) and inbox / p not in styles]
            if not fitting:
                found.missing.append(f"a picture for {pattern}")
            found.contents += [p for p in fitting if p not in found.contents]
        own = [p.relative_to(inbox).as_posix() for p in styles if p.is_relative_to(inbox)]
        found.settled = all(settled[path] for path in (*found.contents, *own))
        count = len(found.contents) * len(found.styles) * len(read.variants)
        if count > MAX_ITEMS:
            raise SidecarError(
                f"{read.document.name}: {count} paintings; at most {MAX_ITEMS} fit in one batch. "
                "Split it."
            )
        return found

    def plan(self, status: JobStatus, file: InboxFile, read: BatchFile, found: MatchResult) -> Plan:
        """What the batch expands to, and how its files come."""
        inbox = self._folder.inbox
        taken: set[str] = set()
        seen = {**found.seen, file.path: file.fingerprint}
        moves: dict[Path, PlannedMove] = {}

        def add_move(path: Path, name: str) -> Path:
            if path not in moves:
                target = free_file_name(PurePosixPath(name).name, taken)
                shared = not path.is_relative_to(inbox)
                moves[path] = PlannedMove(str(path), target, shared, seen.get(path))
            return Path(moves[path].target)

        add_move(file.path, file.name)
        contents = [add_move(inbox / path, path) for path in found.contents]
        blends = [tuple(add_move(path, name) for name, path in blend) for blend in found.styles]
        items = expand(contents, blends, read.variants)
        return Plan(
            name=status.name,
            source=status.source,
            dropped=status.dropped,
            moves=tuple(moves.values()),
            items=[replace(item, name=f"{status.name}-{item.name}") for item in items],
            options=read.options,
            client=read.client,
        )

    def _blends(
        self,
        blend: Sequence[str],
        settled: dict[str, bool],
        library: StyleLibrary,
        found: MatchResult,
    ) -> Iterator[tuple[tuple[str, Path], ...]]:
        """The blend; or, of a pattern, each picture that fits."""
        if len(blend) == 1 and "*" in blend[0]:
            fitting = [name for name in sorted(library.names()) if fits(name, blend[0])]
            if not fitting:
                found.missing.append(f"a style for {blend[0]}")
            for name in fitting:
                yield from self._blends((name,), settled, library, found)
            return
        paths = []
        for name in blend:
            inside = name.removeprefix("styles/")
            path = library.find(inside)
            if name in settled:
                paths.append((name, self._folder.inbox / name))
            elif path is not None and not library.leaves(path):
                paths.append((inside, library.resolved(path)))
            else:
                found.missing.append(f"the style {name}")
        if len(paths) == len(blend):
            yield tuple(paths)
