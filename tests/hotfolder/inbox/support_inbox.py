"""An inbox to scan, and what a candidate found in it has."""

from support import FakeClock, Room

from hotfolder.file_names import FileRole
from hotfolder.inbox.candidate import JobCandidate, Snapshot
from hotfolder.inbox.folder_scanner import ScanOptions
from hotfolder.inbox.scanner import InboxScanner
from hotfolder.job import Job
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


class Folder:
    """A folder of the inbox, in a room with `wave.jpg` in the style library."""

    def __init__(self, room: Room, name: str) -> None:
        self.room = room
        self.path = room.folder.inbox / name
        self.path.mkdir()
        (room.folder.styles / "wave.jpg").write_bytes(b"the library's wave")

    def put(self, name: str, content: bytes | str = b"picture") -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def job(self, name: str) -> Job:
        (job,) = [job for job in self.room.dispatcher.submitted if job.name == name]
        return job


def paths(candidate: JobCandidate, role: FileRole) -> list[str]:
    return [file.path.name for file in candidate.of(role)]
