"""Claims: folders into which the files of a job, or of a batch, are moved out of the inbox.

    FOLDER/PLAN          what it is, and how its files come here; written first, never changed
    FOLDER/inputs/       its files
    FOLDER/state.json    replaced at every step of its life; its first writing completes the claim

Every step can be interrupted. A folder without its plan has taken nothing and is removed; one
without `state.json` is an unfinished claim, which goes on by its plan.
"""

import contextlib
import errno
import logging
import stat
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

from hotfolder import folder_access
from hotfolder.atomic_files import (
    FileChangedError,
    copy,
    move,
    read_json,
    remove_leftovers,
    write_json,
)
from hotfolder.file_names import check_plain, shown
from hotfolder.folder_access import Fingerprint, sync_folder
from hotfolder.job_tag import JobTag
from hotfolder.limits import MAX_REASON, shortened
from hotfolder.paths import FolderPaths
from hotfolder.throttle import Steps, in_one_go

__all__ = ["Claim", "ClaimStore", "PlannedMove"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PlannedMove:
    """How one file comes to `inputs/`. `source` is absolute; `target` is its name there."""

    source: str
    target: str
    shared: bool
    """Whether it is copied, because others need it too."""
    seen: Sequence[int] | None = None
    """The `Fingerprint` of the file that was found there. Another one is not taken."""

    @property
    def fingerprint(self) -> Fingerprint | None:
        return None if self.seen is None else Fingerprint(*self.seen)


class Claim(Protocol):
    """A claimed job or batch."""

    @property
    def folder(self) -> Path: ...
    @property
    def moves(self) -> Sequence[PlannedMove]: ...
    def plan_document(self) -> Mapping[str, Any]: ...
    @classmethod
    def from_plan(cls, document: Any, folder: Path) -> Self: ...
    def state_document(self) -> Mapping[str, Any]: ...
    def apply_state(self, document: Any) -> None: ...
    def note_vanished(self, error: FileNotFoundError) -> None:
        """A file is gone that an unfinished claim was to take."""


C = TypeVar("C", bound=Claim)


class ClaimStore(Generic[C]):
    """The claims of one kind. Used by one daemon at a time (the lock sees to that)."""

    def __init__(
        self,
        root: Path,
        plan: str,
        kind: type[C],
        folder: FolderPaths,
        salvage: Callable[[Path, str], C | None],
    ) -> None:
        """Claims are folders below `root`, which is in the hot `folder`; `plan` is a file's name.

        `kind.from_plan` and `apply_state` may raise anything if a document is none of theirs.
        `salvage` is then called with the folder and the reason; it raises OSError, or returns what
        has become of the claim.
        """
        self._salvage = salvage
        self._root = root
        self._plan = plan
        self._kind = kind
        self._folder = folder
        self.unsettled: list[Path] = []
        """Folders to be put in order: claimed or removed in part, or not readable."""
        self.reasons: dict[str, str] = {}
        """Why each of them could not be put in order, by its name, in words."""

    def take(self, claim: C) -> None:
        """`taking` in one go."""
        in_one_go(self.taking(claim))

    def taking(self, claim: C) -> Steps[None]:
        """Take its files out of the inbox, a step for each. What is given up in between is an
        unfinished claim.

        Raises:
            OSError: the files cannot be taken, or are not those that were seen any more; what was
                taken is back in the inbox.
        """
        folder_access.mkdir(self._root, exist_ok=True)
        folder_access.mkdir(claim.folder)
        try:
            folder_access.mkdir(claim.folder / "inputs")
            write_json(claim.folder / self._plan, claim.plan_document())
            if (vanished := (yield from self._bringing_in(claim))) is not None:
                raise vanished
            self.write_state(claim)
        except Exception:
            self._undo(claim)
            raise

    def restore(self) -> list[C]:
        """What was claimed before this daemon started, in the order of the folders' names;
        unfinished claims are finished.

        Raises:
            OSError: the folder of claims cannot be read.
        """
        with contextlib.suppress(FileNotFoundError):
            self.unsettled = [self._root / name for name in sorted(folder_access.names(self._root))]
        return self.catch_up()

    def catch_up(self) -> list[C]:
        """Finish what is claimed or removed in part. Returns the claims that come of it."""
        folders, self.unsettled = self.unsettled, []
        before, self.reasons = self.reasons, {}
        claims = []
        for folder in folders:
            try:
                claim = self._restored(folder)
            except OSError as error:
                self._note_unsettled(folder, error)
                if self.reasons[folder.name] != before.get(folder.name):
                    log.error("%s cannot be taken up yet: %s", JobTag(folder.name), error)
            else:
                claims += [claim] if claim is not None else []
        return claims

    @property
    def half_claimed(self) -> set[str]:
        """Folders whose files could be taken in part only."""
        return {folder.name for folder in self.unsettled if self._has_plan(folder)}

    def remove(self, claim: C) -> None:
        """Forget a claim whose end is published."""
        self._remove_plan(claim)
        self._remove_folder(claim.folder)

    def write_state(self, claim: C) -> None:
        write_json(claim.folder / "state.json", claim.state_document())

    def _has_plan(self, folder: Path) -> bool:
        try:
            return folder_access.exists(folder / self._plan)
        except OSError:
            return False

    def _bringing_in(self, claim: C) -> Steps[FileNotFoundError | None]:
        """Move or copy every file to `inputs/`. Returns the error of one that is gone, or is not
        the one that was seen.

        Raises:
            OSError: the first that cannot be moved or copied, after all others have been.
        """
        inputs = claim.folder / "inputs"
        vanished: FileNotFoundError | None = None
        refused: OSError | None = None
        for step in claim.moves:
            source, target = Path(step.source), inputs / step.target
            try:
                _bring(step, source, target)
            except FileNotFoundError as error:
                vanished = vanished or error
            except OSError as error:
                refused = refused or error
            yield
        sync_folder(inputs)
        sync_folder(self._folder.inbox)
        if refused is not None:
            raise refused
        return vanished

    def _undo(self, claim: C) -> None:
        """Put back what was taken. If that cannot be done, `catch_up` goes on with the claim."""
        try:
            # A batch file comes first and goes back last: without its pictures it is no batch.
            for step in reversed(claim.moves):
                source, target = Path(step.source), claim.folder / "inputs" / step.target
                if not step.shared and folder_access.exists(target):
                    if folder_access.exists(source):
                        raise FileExistsError(errno.EEXIST, "dropped again", str(source))
                    move(target, source)
            self._remove_plan(claim)
            self._remove_folder(claim.folder)
        except OSError as error:
            log.error("%s half claimed; it will be finished: %s", JobTag(claim.folder.name), error)
            self._note_unsettled(claim.folder, error)

    def _note_unsettled(self, folder: Path, error: OSError) -> None:
        self.unsettled.append(folder)
        what = Path(error.filename).name if isinstance(error.filename, str) else folder.name
        self.reasons[folder.name] = f"{shown(what)}: {error.strerror or error}"

    def _remove_plan(self, claim: C) -> None:
        """After that it is no claim: a removal cut short is completed at restart. The inputs go
        before, so that those which somebody puts back later are known not to be ours."""
        with contextlib.suppress(FileNotFoundError):
            folder_access.remove_tree(claim.folder / "inputs")
        folder_access.unlink(claim.folder / self._plan, missing_ok=True)
        sync_folder(claim.folder)

    def _remove_unless_filled(self, folder: Path) -> None:
        """Remove a folder without a plan. If there are inputs in it, somebody has removed the plan
        or put them there: they are nobody's to throw away.

        Raises:
            OSError: there are.
        """
        inputs = folder / "inputs"
        if folder_access.is_folder(inputs) and any(folder_access.names(inputs)):
            message = f"{self._plan} is missing, and files are in inputs/. Move them back to inbox/"
            raise OSError(errno.ENOTEMPTY, message, str(folder))
        self._remove_folder(folder)

    def _remove_folder(self, folder: Path) -> None:
        """Remove a folder that has no plan, and so is no claim."""
        try:
            folder_access.remove_tree(folder)
        except FileNotFoundError:
            pass
        except OSError:
            self.unsettled.append(folder)

    def troubles(self, but: Collection[str] = ()) -> list[str]:
        """The folders that cannot be put in order, `but` for those, in words."""
        return [
            f"{shown(name)} (cannot be taken up: {reason})"
            for name, reason in self.reasons.items()
            if name not in but
        ]

    def _restored(self, folder: Path) -> C | None:
        try:
            facts = folder_access.lstat(folder)
        except FileNotFoundError:
            folder_access.lstat(self._root)  # Else the disk is away, and not this folder.
            return None
        if not stat.S_ISDIR(facts.st_mode):
            return None
        remove_leftovers(folder)
        remove_leftovers(folder / "inputs")
        try:
            # Not `exists()`, to which a disk that cannot be read is an empty one.
            folder_access.lstat(folder / self._plan)
        except FileNotFoundError:
            self._remove_unless_filled(folder)
            return None
        try:
            return self._read(folder)
        except OSError:
            raise
        except Exception as error:  # A damaged document raises almost anything.
            reason = f"{error.args[0] if error.args else error!r}"
            reason = shortened(" ".join(reason.split()), MAX_REASON)
            claim = self._salvage(folder, reason)
            log.error("%s cannot be read: %s", JobTag(folder.name), reason)
            return claim

    def _read(self, folder: Path) -> C | None:
        claim = self._kind.from_plan(read_json(folder / self._plan), folder)
        for step in claim.moves:
            check_plain(step.target, Path(step.source).name)
        try:
            state = read_json(folder / "state.json")
        except FileNotFoundError:
            self._check_sources(claim)
            with contextlib.suppress(FileExistsError):  # Be it a link: then the files are gone.
                folder_access.mkdir(folder / "inputs")
            vanished = in_one_go(self._bringing_in(claim))
            if isinstance(vanished, FileChangedError):
                self._undo(claim)
                return None
            if vanished is not None:
                claim.note_vanished(vanished)
            self.write_state(claim)
        else:
            claim.apply_state(state)
        return claim

    def _check_sources(self, claim: C) -> None:
        """
        Raises:
            ValueError: they are not from where a claim takes files.
        """
        paths = self._folder
        places = (paths.inbox, paths.styles, paths.failed, paths.batches, claim.folder)
        for step in claim.moves:
            if not any(Path(step.source).is_relative_to(place) for place in places):
                raise ValueError(f"{step.source} is not in the hot folder")


def _bring(step: PlannedMove, source: Path, target: Path) -> None:
    """Move or copy one file to `inputs/`, where nothing but the claim puts files.

    Raises:
        FileNotFoundError: it is neither here nor there.
        FileChangedError: what is or was at `source` is not the file that was seen.
    """
    seen = step.fingerprint
    try:
        if not step.shared:
            # Taken already, if it is there; then another file has been dropped under its name.
            with contextlib.suppress(FileExistsError):
                move(source, target, seen)
        elif not folder_access.exists(target):
            copy(source, target, seen)
    except NotADirectoryError as error:  # Its folder has become a link, or a file.
        raise FileNotFoundError(error.errno, error.strerror, error.filename) from None
    if seen is not None and not seen.fits_moved(folder_access.lstat(target)):
        raise FileChangedError(source)
