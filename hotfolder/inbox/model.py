"""What a scan of the inbox works with: files as found, a job's inputs, decisions."""

import stat
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from hotfolder.errors import SidecarError
from hotfolder.file_names import FileRole, ParsedName
from hotfolder.folder_access import Fingerprint
from hotfolder.inbox.refusals import RefusalGuard
from hotfolder.inbox.sidecar import Sidecar, read_sidecar

__all__ = ["Decision", "InboxFile", "InputFile"]


class Decision(StrEnum):
    """What is to be done with a job candidate."""

    WAIT = "wait"
    HOLD = "hold"
    """It has waited for too long: a person must see to it, or what it lacks must come."""
    CLAIM = "claim"
    REFUSE = "refuse"
    """Claim it too, but only to fail it: `JobCandidate.error` says why."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file of a job. `shared` ones are copied at the claim: others need them too."""

    role: FileRole
    path: Path
    shared: bool = False
    stays: bool = False
    """Whether no job ever takes it away: it is the library's, or a preset's."""


@dataclass(frozen=True)
class InboxFile:
    """A file as a scan found it. While it does not change it is the same object in every scan."""

    name: str
    path: Path
    label: str
    """Its name in messages, with its folder below the inbox."""
    key: str
    """Equal for names that mean the same file."""
    parsed: ParsedName
    fingerprint: Fingerprint
    regular: bool
    settled: bool

    @property
    def is_folder(self) -> bool:
        return self.fingerprint.kind == stat.S_IFDIR

    @cached_property
    def sidecar(self) -> Sidecar | SidecarError:
        """Its contents, if it is a sidecar, or what is wrong with them.

        Raises:
            OSError: it cannot be read now.
        """
        try:
            return read_sidecar(self.path, self.label)
        except SidecarError as error:
            return error
        except OSError:
            raise
        except Exception as error:
            return SidecarError(str(RefusalGuard().refusal(self.label, error)))
