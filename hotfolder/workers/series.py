"""The finished paintings of a series, kept so that a job goes on with the next one.

    JOB/result.png                     the first
    JOB/variation2.png                 the others, each with
    JOB/variation2.result.yaml         its record (as JSON), which the publisher completes
    JOB/variation2.finished.json       written last: of what it was made, and SHA-256 of its files
    JOB/variations.jpg                 all of them, once there are all

One that is missing or damaged is painted again, to the same pixels. Imports torch.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.images.picture import encode_picture, read_picture
from engine.images.sheet import Panel, contact_sheet
from engine.series.members import Member
from hotfolder.atomic_files import read_json, write_json, write_whole
from hotfolder.file_names import check_plain
from hotfolder.folder_access import is_file, opener
from hotfolder.workers.checkpoints import sha256_of
from hotfolder.workers.events import FINISHED_SUFFIX

__all__ = ["Finished", "Pace", "SeriesFiles", "write_sheet"]

log = logging.getLogger(__name__)

FIRST = "result"

SHEET_SIDE = 512
"""Pixels of the longest side of a painting on the sheet."""

COLUMNS = {"variations": 4, "interpolate": 16}
QUALITY = 90


@dataclass(frozen=True)
class Finished:
    """One painting of a series."""

    picture: Path
    record: Mapping[str, Any]
    beside: Sequence[Path] = ()
    """What was written with it: the files of its progression."""


class SeriesFiles:
    """What is finished of one job."""

    def __init__(self, folder: Path, made_of: Mapping[str, Any]) -> None:
        """
        Args:
            folder: where it is noted which are finished.
            made_of: plain values; only paintings of the very same are taken for finished.
        """
        self._folder = folder
        self._made_of = dict(made_of)

    def finished(self, member: Member, place: Path | None = None) -> Finished | None:
        """None if it is to be painted.

        Args:
            place: the folder of its files; None for the one where it is noted.
        """
        place, note = place or self._folder, self._note(member)
        if not is_file(note):
            return None
        try:
            facts = read_json(note)
            if facts["made_of"] != self._made_of:
                raise ValueError("it was made of something else")
            files: Mapping[str, str] = facts["files"]
            check_plain(*files)
            for name, sha256 in files.items():
                if sha256_of(place / name, opener) != sha256:
                    raise ValueError(f"{name} is damaged")
            picture, *beside = (place / name for name in files)
            return Finished(picture, facts["record"], beside)
        except Exception as error:  # A damaged file raises almost anything.
            log.warning("%s is painted again: %s", note.name.removesuffix(FINISHED_SUFFIX), error)
            return None

    def note(self, member: Member, finished: Finished) -> None:
        """Its files are whole and synced."""
        files = {path.name: sha256_of(path) for path in (finished.picture, *finished.beside)}
        facts = {"made_of": self._made_of, "files": files, "record": dict(finished.record)}
        write_json(self._note(member), facts)

    def _note(self, member: Member) -> Path:
        return self._folder / f"{member.name or FIRST}{FINISHED_SUFFIX}"


class Pace:
    """Progress of a series as a whole, each painting counting the same."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._before = 0
        self._seconds = 0.0

    def finished(self, seconds: float) -> None:
        """One is finished, which took so long."""
        self._before += 1
        self._seconds += seconds

    def of(
        self, fraction: float, seconds: float, eta: float | None
    ) -> tuple[float, float, float | None]:
        """The same of the whole series.

        Args:
            fraction, seconds, eta: of the painting at hand.
        """
        left = self._count - self._before - 1
        if eta is not None:
            eta += left * (self._seconds + seconds + eta) / (self._before + 1)
        return (self._before + fraction) / self._count, self._seconds + seconds, eta


def write_sheet(members: Sequence[Member], pictures: Sequence[Path], target: Path) -> bool:
    """A labelled sheet of them. Whether it could be made: if not, the paintings are there."""
    try:
        panels = [
            Panel(read_picture(path, max_megapixels=math.inf).thumbnail(SHEET_SIDE), member.label)
            for member, path in zip(members, pictures, strict=True)
        ]
        sheet = contact_sheet(panels, columns=COLUMNS[members[0].kind])
        write_whole(target, encode_picture(sheet, format="jpeg", quality=QUALITY))
    except Exception:
        log.exception("the sheet of the series cannot be written")
        return False
    return True
