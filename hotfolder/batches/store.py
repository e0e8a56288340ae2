"""A batch of the inbox on the disk, below `.impasto/batches/NAME/`.

    plan.json       what it expands to and how its files came here; written first, never changed
    inputs/         its pictures and the batch file, moved from the inbox; the library's are copied
    taken           an empty file: everything is here
    ends.jsonl      one line for each item that has ended, written before its job leaves the spool
    state.json      what publishing the summary has decided so far

Every step can be interrupted, as in the spool: what has begun is gone on with.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from engine.settings import Settings
from hotfolder.atomic_files import copy, move, read_json, sync_folder, write_json, write_whole
from hotfolder.file_names import FileRole
from hotfolder.inbox.model import InputFile
from hotfolder.job_options import JobOptions

__all__ = ["Batch", "BatchItem", "Plan"]


@dataclass(frozen=True)
class BatchItem:
    """One painting. Pictures are names in `inputs/`."""

    name: str
    content: str
    styles: Sequence[str]
    variant: str


@dataclass(frozen=True)
class Plan:
    """Everything about a batch; immutable from the moment of the claim."""

    name: str
    source: str
    dropped: str
    moves: Sequence[tuple[str, str, bool]]
    """Absolute source, name in `inputs/`, and whether it is copied."""
    items: Sequence[BatchItem]
    variants: Mapping[str, Settings]
    columns: int
    """Items of one content."""
    options: JobOptions = field(default_factory=JobOptions)
    client: Mapping[str, Any] = field(default_factory=dict)

    def to_document(self) -> dict[str, Any]:
        return {
            **{key: getattr(self, key) for key in ("name", "source", "dropped", "columns")},
            "moves": [list(move) for move in self.moves],
            "items": [asdict(item) for item in self.items],
            "variants": {name: s.model_dump() for name, s in self.variants.items()},
            "options": self.options.model_dump(),
            "client": dict(self.client),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Raises TypeError, ValueError, KeyError: not a plan."""
        values = dict(document)
        values["moves"] = [tuple(move) for move in values["moves"]]
        values["items"] = [BatchItem(**item) for item in values["items"]]
        values["variants"] = {
            name: Settings.model_validate(each) for name, each in values["variants"].items()
        }
        values["options"] = JobOptions.model_validate(values["options"])
        return cls(**values)


class Batch:
    """A claimed batch."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder = folder
        self.plan = plan
        self.ends: dict[int, dict[str, Any]] = {}
        """What came of the items that have ended, by their number."""
        self.state: dict[str, Any] = {}
        self._next = 0

    @classmethod
    def claim(cls, folder: Path, plan: Plan) -> Self:
        """Take its files out of the inbox. Interrupted, `restore` goes on with it.

        Raises:
            OSError: something cannot be taken; what has been taken is in `inputs/`.
        """
        (folder / "inputs").mkdir(parents=True, exist_ok=True)
        write_json(folder / "plan.json", plan.to_document())
        batch = cls(folder, plan)
        batch._take()
        return batch

    @classmethod
    def restore(cls, folder: Path) -> Self | None:
        """As a daemon that was killed left it; None (and nothing is left) if it took nothing.

        Raises:
            OSError, ValueError, TypeError, KeyError: it cannot be read.
        """
        if not (folder / "plan.json").exists():
            shutil.rmtree(folder)
            return None
        batch = cls(folder, Plan.from_document(read_json(folder / "plan.json")))
        if not (folder / "taken").exists():
            batch._take()
        with contextlib.suppress(FileNotFoundError):
            batch.state = read_json(folder / "state.json")
        with contextlib.suppress(FileNotFoundError):
            for line in (folder / "ends.jsonl").read_bytes().splitlines():
                with contextlib.suppress(ValueError):  # the power went in the middle of a line
                    end = json.loads(line)
                    batch.ends[end.pop("item")] = end
        return batch

    @property
    def cancelled(self) -> bool:
        return bool(self.state.get("cancelled"))

    def inputs(self, number: int) -> tuple[InputFile, ...]:
        """The pictures of an item, which its job gets copies of."""
        item, inputs = self.plan.items[number], self.folder / "inputs"
        styles = [InputFile(FileRole.STYLE, inputs / style, shared=True) for style in item.styles]
        return (InputFile(FileRole.CONTENT, inputs / item.content, shared=True), *styles)

    def open_items(self, busy: set[int]) -> list[int]:
        """The next items that have not ended and are not `busy`, in their order."""
        while self._next in self.ends:
            self._next += 1
        numbers = range(self._next, len(self.plan.items))
        found = (n for n in numbers if n not in self.ends and n not in busy)
        return [number for number, _ in zip(found, range(64), strict=False)]

    def note_end(self, number: int, end: Mapping[str, Any]) -> None:
        """Said twice, the last counts."""
        if self.ends.get(number) == end:
            return
        path = self.folder / "ends.jsonl"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        descriptor = os.open(path, flags, 0o666)
        with os.fdopen(descriptor, "ab") as file:
            # A line that was cut short must not swallow this one.
            file.write(b"\n" + json.dumps({"item": number, **end}).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self.ends[number] = dict(end)

    def note(self, **facts: Any) -> None:
        """Keep what has been decided."""
        write_json(self.folder / "state.json", self.state | facts)
        self.state |= facts

    def put_back(self, folder: Path | None) -> None:
        """Move the originals to `folder`; None throws them away with the rest."""
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for _, target, shared in self.plan.moves:
                if not shared:
                    with contextlib.suppress(FileNotFoundError):
                        move(self.folder / "inputs" / target, folder / target)
            sync_folder(folder)

    def remove(self) -> None:
        """Forget it. Without its plan, what is left is nobody's."""
        (self.folder / "plan.json").unlink(missing_ok=True)
        sync_folder(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _take(self) -> None:
        inputs = self.folder / "inputs"
        inputs.mkdir(exist_ok=True)
        for source, name, shared in self.plan.moves:
            target = inputs / name
            if not shared:
                with contextlib.suppress(FileNotFoundError):  # Its items will fail, and say so.
                    move(Path(source), target)
            elif not target.exists():
                copy(Path(source), target)
        sync_folder(inputs)
        write_whole(self.folder / "taken", b"")
