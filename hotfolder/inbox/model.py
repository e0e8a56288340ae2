"""What a scan of the inbox works with: files as found, a job's inputs, presets, decisions."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from hotfolder.file_names import FileRole, ParsedName
from hotfolder.inbox.sidecar import Sidecar
from hotfolder.inbox.stability import Fingerprint

__all__ = ["Decision", "InboxFile", "InputFile", "Preset"]


class Decision(StrEnum):
    """What is to be done with a drop."""

    WAIT = "wait"
    HOLD = "hold"
    """It has waited for too long: a person must see to it, or what it lacks must come."""
    CLAIM = "claim"
    REFUSE = "refuse"
    """Claim it too, but only to fail it: `JobCandidate.error` says why."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file of a drop. `shared` ones are copied at the claim: others need them too."""

    role: FileRole
    path: Path
    shared: bool = False
    stays: bool = False
    """Whether no drop ever takes it away: it is the library's, or a preset's."""


@dataclass(frozen=True, slots=True)
class InboxFile:
    """A file as one scan found it."""

    name: str
    path: Path
    named: ParsedName
    fingerprint: Fingerprint
    regular: bool
    settled: bool


@dataclass(frozen=True)
class Preset:
    """What holds for every picture of a folder."""

    file: InboxFile
    sidecar: Sidecar
