"""Batches on the disk, below `.impasto/batches/NAME/`.

    plan.json       what the batch expands to, and how its files came here
    inputs/         its pictures and the batch file, moved from the inbox; the library's are copied
    ends.jsonl      one line for each item that has ended, written before its job leaves the spool
    state.json      whether it is cancelled, and what publishing its summary has decided so far

`hotfolder/spool/claims.py` has how such a folder is claimed, restored and removed.
"""

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, TypeAdapter

from engine.settings import Settings
from hotfolder.atomic_files import MAX_DOCUMENT_BYTES, write_json
from hotfolder.batches.deadline import Deadline
from hotfolder.batches.expansion import Item
from hotfolder.batches.other_pictures import OtherPictures
from hotfolder.file_names import FileRole, check_plain
from hotfolder.folder_access import append, exists, open_regular
from hotfolder.inbox.candidate import JobCandidate
from hotfolder.inbox.model import Decision, InputFile
from hotfolder.job_options import JobOptions
from hotfolder.limits import finite
from hotfolder.platforms import system
from hotfolder.spool.claims import PlannedMove

__all__ = ["Batch", "Plan"]

ROLES = {
    "palette": FileRole.PALETTE,
    "mask": FileRole.MASK,
    "regions": FileRole.REGION,
    "style_regions": FileRole.STYLE_REGION,
}
"""Of the other pictures of an item."""


@dataclass(frozen=True)
class Plan:
    """Everything about a batch; immutable from the moment of the claim."""

    name: str
    source: str
    dropped: str
    moves: Sequence[PlannedMove]
    items: Sequence[Item]
    """Their pictures are names in `inputs/`."""
    options: JobOptions = field(default_factory=JobOptions)
    client: Mapping[str, Any] = field(default_factory=dict)
    deadline: Deadline | None = None
    left_out: Sequence[str] = ()
    """What lay in the folders that it names and was not taken, in words."""


class Batch:
    """A claimed batch."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder = folder
        self.plan = plan
        self.ends: dict[int, dict[str, Any]] = {}
        """What came of the items that have ended, by their number."""
        self.state: dict[str, Any] = {}
        self._next = 0
        """Every item before this one has ended."""

    @property
    def moves(self) -> Sequence[PlannedMove]:
        return self.plan.moves

    @property
    def inputs(self) -> Path:
        return self.folder / "inputs"

    @property
    def cancelled(self) -> bool:
        return bool(self.state.get("cancelled"))

    @property
    def is_complete(self) -> bool:
        """Whether no job of it is to come."""
        return self.cancelled or len(self.ends) == len(self.plan.items)

    def plan_document(self) -> Mapping[str, Any]:
        plan = self.plan
        variants = {item.variant: item.settings for item in plan.items}
        return {
            **{key: getattr(plan, key) for key in ("name", "source", "dropped")},
            "moves": [vars(step) for step in plan.moves],
            "variants": {name: settings.model_dump() for name, settings in variants.items()},
            "items": [_item_document(item) for item in plan.items],
            "options": plan.options.model_dump(),
            "client": dict(plan.client),
            "deadline": {"moment": plan.deadline.moment.isoformat()} if plan.deadline else None,
            "left_out": list(plan.left_out),
        }

    @classmethod
    def from_plan(cls, document: Any, folder: Path) -> Self:
        variants = {
            name: Settings.model_validate(each) for name, each in document.pop("variants").items()
        }
        document["moves"] = [PlannedMove(**step) for step in document["moves"]]
        document["items"] = [_item_of(row, variants) for row in document["items"]]
        for item in document["items"]:
            files = (item.content, *item.styles, *item.others)
            check_plain(item.name, *(str(file) for file in files if file is not None))
        check_plain(document["name"])
        document["options"] = JobOptions.model_validate(document["options"])
        plan: Plan = TypeAdapter(Plan).validate_python(document)
        if plan.name != folder.name or not plan.items:
            raise ValueError(f"plan.json: the batch {plan.name!r} of {len(plan.items)} paintings")
        return cls(folder, plan)

    def state_document(self) -> Mapping[str, Any]:
        return self.state

    def apply_state(self, document: Any) -> None:
        state: Any = _STATE.validate_python(document)
        check_plain(state.get("published"), *(state.get("folder") or "x").split("/"))
        for moment in (state[key] for key in ("started", "finished") if key in state):
            datetime.fromisoformat(moment).astimezone()
        self.state = state
        with (
            contextlib.suppress(FileNotFoundError),
            open_regular(self.folder / "ends.jsonl") as file,
        ):
            if os.fstat(file.fileno()).st_size > MAX_DOCUMENT_BYTES:
                raise ValueError("ends.jsonl is far too long")
            for line in file.read().splitlines():
                # The power went in the middle of a line, or it is damaged: the item is painted.
                with contextlib.suppress(ValueError, RecursionError):
                    end = _EndDocument.model_validate_json(line)
                    if end.item < len(self.plan.items):
                        self.ends[end.item] = end.model_dump(exclude={"item"}, exclude_unset=True)

    def note_vanished(self, error: FileNotFoundError) -> None:
        """The items that need the file fail, with that reason."""

    def inputs_of(self, item: Item) -> tuple[InputFile, ...]:
        """The pictures of an item, which its job gets copies of."""
        files = [(FileRole.CONTENT, item.content)] if item.content is not None else []
        files += [(FileRole.STYLE, style) for style in item.styles]
        for key, paths in item.others.by_key().items():
            files += [(ROLES[key], path) for path in paths]
        return tuple(InputFile(role, self.inputs / name, shared=True) for role, name in files)

    def candidate(self, number: int, workers: int) -> JobCandidate:
        """The job that an item is to be, with its share of the time while so many paint."""
        item, plan = self.plan.items[number], self.plan
        settings = item.job_settings
        if plan.deadline is not None:
            left = len(plan.items) - len(self.ends)
            settings = plan.deadline.applied(settings, left, workers, datetime.now().astimezone())
        return JobCandidate(
            f"{plan.name}.batch/{number}",
            Decision.CLAIM,
            "",
            self.inputs_of(item),
            plan.dropped,
            settings=settings,
            client={**plan.client, "batch": plan.name},
            options=plan.options,
        )

    def lacks_picture(self, number: int) -> bool:
        """Whether an item cannot be painted, since a picture of it is gone; then that is noted."""
        try:
            if all(exists(picture.path) for picture in self.inputs_of(self.plan.items[number])):
                return False
            self.note_end(number, {"state": "failed", "reason": "its picture is gone"})
        except OSError:
            return False
        return True

    def next_items(self, count: int, *, but: set[int]) -> list[int]:
        """The numbers of the next items that have not ended, without those of `but`."""
        while self._next in self.ends:
            self._next += 1
        numbers = range(self._next, len(self.plan.items))
        return list(islice((n for n in numbers if n not in self.ends and n not in but), count))

    def note_end(self, number: int, end: Mapping[str, Any]) -> None:
        """Keep what came of an item. Of two ends of an item the last counts."""
        if self.ends.get(number) == end:
            return
        with append(self.folder / "ends.jsonl") as file:
            # A line that was cut short must not swallow this one.
            line = json.dumps(finite({"item": number, **end}), allow_nan=False)
            file.write(f"\n{line}\n".encode())
            file.flush()
            system.sync_file(file.fileno())
        self.ends[number] = dict(end)

    def note(self, **facts: Any) -> None:
        """Keep what has been decided."""
        write_json(self.folder / "state.json", self.state | facts)
        self.state |= facts


def _item_document(item: Item) -> list[Any]:
    row = [item.name, str(item.content or ""), [str(style) for style in item.styles], item.variant]
    return [*row, item.others.document()] if item.others else row


def _item_of(row: Sequence[Any], variants: Mapping[str, Settings]) -> Item:
    name, content, styles, variant, *others = row
    pictures = OtherPictures.from_document(others[0]) if others else OtherPictures()
    styles = tuple(map(Path, styles))
    content = Path(content) if content else None
    return Item(name, content, styles, variant, variants[variant], others=pictures)


class _EndDocument(BaseModel):
    """A line of `ends.jsonl`: what `item_end` says of an item."""

    item: Annotated[int, Field(ge=0)]
    state: Literal["done", "failed", "cancelled"]
    reason: str | None = None
    picture: str | None = None
    seconds: float | None = None
    loss: float | None = None


_STATE = TypeAdapter(dict[str, bool | str | None])
