"""Which pictures a batch of the inbox means, and what it expands to. Moves nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from hotfolder.batches.batch_file import BatchFile, fits
from hotfolder.batches.expansion import expand
from hotfolder.batches.store import BatchItem, Plan
from hotfolder.errors import SidecarError
from hotfolder.inbox.model import InboxFile
from hotfolder.inbox.style_library import StyleLibrary
from hotfolder.paths import FolderPaths
from plugin.client.protocol import JobStatus

__all__ = ["InputMatcher", "MatchResult"]

MAX_ITEMS = 100_000


@dataclass
class MatchResult:
    """What lies there of what a batch asks for."""

    contents: list[str] = field(default_factory=list)
    """Below the inbox."""
    styles: list[tuple[tuple[str, Path], ...]] = field(default_factory=list)
    """Each blend's styles: what to call them in `inputs/`, and where they lie."""
    lacks: list[str] = field(default_factory=list)
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
        found = MatchResult()
        library = StyleLibrary(self._folder.styles)
        for blend in read.styles:
            found.styles += self._blends(blend, settled, library, found)
        styles = {path for blend in found.styles for _, path in blend}
        for pattern in read.contents:
            fitting = [p for p in sorted(settled) if fits(p, pattern) and inbox / p not in styles]
            if not fitting:
                found.lacks.append(f"a picture for {pattern}")
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
        names = _Names(file.name)
        moves = [(str(file.path), file.name, False)]
        contents = []
        for path in found.contents:
            contents.append(names.of(path))
            moves.append((str(inbox / path), contents[-1], False))
        taken: dict[Path, str] = {}
        for blend in found.styles:
            for name, style in blend:
                if style not in taken:
                    taken[style] = names.of(name)
                    moves.append((str(style), taken[style], not style.is_relative_to(inbox)))
        blends = [tuple(Path(taken[style]) for _, style in blend) for blend in found.styles]
        items = expand([Path(name) for name in contents], blends, read.variants)
        variant_of = [*read.variants] * (len(items) // len(read.variants))
        return Plan(
            name=status.name,
            source=status.source,
            dropped=status.dropped,
            moves=moves,
            items=[
                BatchItem(
                    f"{status.name}-{item.name}",
                    item.content.name,
                    [style.name for style in item.styles],
                    variant,
                )
                for item, variant in zip(items, variant_of, strict=True)
            ],
            variants=read.variants,
            columns=len(items) // len(contents),
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
                found.lacks.append(f"a style for {blend[0]}")
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
                paths.append((inside, path.resolve()))
            else:
                found.lacks.append(f"the style {name}")
        if len(paths) == len(blend):
            yield tuple(paths)


class _Names:
    """Names in `inputs/`, each once: two folders may each have a cat.jpg."""

    def __init__(self, *taken: str) -> None:
        self._taken = {name.casefold() for name in taken}

    def of(self, path: str) -> str:
        name = PurePosixPath(path).name
        unclaimed, number = name, 2
        while unclaimed.casefold() in self._taken:
            stem, dot, suffix = name.rpartition(".")
            unclaimed, number = f"{stem}-{number}{dot}{suffix}", number + 1
        self._taken.add(unclaimed.casefold())
        return unclaimed
