"""What was dropped beside what is there at the end."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from benchmarks.reliability.chaos.deliveries import Delivery, sha256
from hotfolder.outbox.originals import ARCHIVED
from hotfolder.paths import FolderPaths

__all__ = ["Account"]


@dataclass
class Account:
    """What came of the deliveries to one hot folder, or to several. `problems` is empty if all is
    well."""

    done: int = 0
    failed: int = 0
    cancelled: int = 0
    """Paintings that were cancelled before they came."""
    lost: int = 0
    doubled: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, orders: Sequence[Delivery], folder: FolderPaths) -> None:
        """Compare what was dropped into a folder with what lies there."""
        problems = self.problems
        records = [
            yaml.safe_load(path.read_bytes()) for path in folder.outbox.glob("*.result.yaml")
        ]
        painted = Counter(record["content"]["sha256"] for record in records)
        wanted = _paintings(order for order in orders if not order.cancelled)
        perhaps = _paintings(order for order in orders if order.cancelled)
        pictures = len(list(folder.outbox.glob("*.png")))
        if pictures != len(records):
            problems.append(f"{pictures} pictures and {len(records)} records")
        errors = [path.read_text() for path in folder.failed.glob("*/error.txt")]
        problems += [
            f"unreadable: {text[:200]}" for text in errors if "Traceback" in text or not text
        ]
        refused = sum(order.refused for order in orders)
        if len(errors) > refused:
            problems += [f"failed: {text.splitlines()[2]}" for text in errors]
        self.done += len(records)
        self.failed += len(errors)
        self.cancelled += (perhaps - painted).total()
        self.doubled += (painted - wanted - perhaps).total() + max(0, len(errors) - refused)
        self.lost += (wanted - painted).total() + max(0, refused - len(errors))
        self._compare_inputs(orders, folder)
        given_back = set(_given_back(orders, folder))
        for place in (folder.inbox, folder.spool, folder.batches):
            left = {p for p in place.rglob("*") if p.is_file() and p.name != "preset.yaml"}
            left -= given_back
            problems += [f"left in {place.name}: {path.name}" for path in left]
        litter = [path for path in folder.root.rglob(".impasto-*") if path.is_file()]
        problems += [f"litter: {path}" for path in litter]

    def _compare_inputs(self, orders: Sequence[Delivery], folder: FolderPaths) -> None:
        kept = Counter(
            sha256(path.read_bytes())
            for place in (folder.done, folder.failed)
            for path in place.rglob("*")
            if path.is_file() and path.name not in ("error.txt", ARCHIVED)
        )
        kept.update(sha256(path.read_bytes()) for path in _given_back(orders, folder))
        inputs = Counter(each for order in orders for each in order.inputs())
        if missing := (inputs - kept).total():
            self.problems.append(f"{missing} inputs are missing")
        if more := (kept - inputs).total():
            self.problems.append(f"{more} inputs are there twice")


def _given_back(orders: Sequence[Delivery], folder: FolderPaths) -> list[Path]:
    """Pictures of batches that were cancelled before they were claimed: they stay in the inbox."""
    cancelled = [order for order in orders if order.cancelled and order.form == "batch"]
    paths = [folder.inbox / name for order in cancelled for name in order.files]
    return [path for path in paths if path.suffix == ".png" and path.exists()]


def _paintings(orders: Iterable[Delivery]) -> Counter[str]:
    return Counter(content for order in orders for content in order.painted)
