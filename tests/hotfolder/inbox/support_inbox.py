"""An inbox to scan, and what a candidate found in it has."""

from support import FakeClock

from hotfolder.file_names import FileRole
from hotfolder.inbox.candidate import JobCandidate, Snapshot
from hotfolder.inbox.folder_scanner import ScanOptions
from hotfolder.inbox.scanner import InboxScanner
from hotfolder.paths import FolderPaths
from hotfolder.throttle import in_one_go


class Inbox:
    """An inbox to put files into and scan."""

    def __init__(self, folder: FolderPaths, clock: FakeClock) -> None:
        self.folder = folder
        self.clock = clock
        self.options = ScanOptions({}, settle_seconds=1.0, wait_seconds=60.0)
        self.scanner = InboxScanner(folder, lambda: self.options, clock=clock)

    def put(self, *names: str, **texts: str) -> None:
        for name in names:
            (self.folder.inbox / name).write_bytes(b"x")
        for name, text in texts.items():
            (self.folder.inbox / f"{name}.yaml").write_text(text)

    def scan_settled(self) -> Snapshot:
        """A scan of files that have been quiet."""
        in_one_go(self.scanner.steps())
        self.clock.advance(1.5)
        return in_one_go(self.scanner.steps())

    def only_candidate(self) -> JobCandidate:
        candidates = self.scan_settled().candidates
        assert len(candidates) == 1
        return candidates[0]


def paths(candidate: JobCandidate, role: FileRole) -> list[str]:
    return [file.path.name for file in candidate.of(role)]
