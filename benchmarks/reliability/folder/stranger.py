"""What a stranger does to a hot folder. Nothing here knows what the server makes of it.

Everything is chosen by numbers and texts, so that it can be repeated. What the file system refuses
raises OSError or ValueError.
"""

import contextlib
import os
import shutil
from pathlib import Path

from benchmarks.reliability.folder.ledger import marked
from benchmarks.reliability.folder.outside import Outside
from hotfolder.paths import FolderPaths

__all__ = ["LINKS", "LITTER", "LITTER_NAMES", "PLACES", "Stranger", "places_of"]

LINKS = ("file", "folder", "linkable", "dangling", "loop", "neighbour", "root", "hard", "hard_near")
"""What a link may lead to; `hard` ones are hard links."""

PLACES = (
    *("outbox", "done", "done/2020-01-01", "failed", "failed/cat", "status", "styles"),
    *(".impasto", ".impasto/spool", ".impasto/batches", ".impasto/kept", "inbox/album"),
    *(".impasto/spool/20200101-000000-000000-0000", ".impasto/batches/cat"),
)
LITTER_NAMES = (
    *("cat", "cat.png", "cat.result.yaml", "cat.json", "server.json", "error.txt", "2020-01-01"),
    *("lock", "reserve", "paused", "job.json", "plan.json", "state.json", "inputs", "wave.jpg"),
    *("link.jpg", "cat.preview.jpg", ".impasto-old-cat.jpg", ".impasto-0.part"),
)
LITTER = ("file", "empty", "json", "folder", "full_folder", "link", "folder_link", "pipe")

JSON = b'{"state": "done", "protocol": 1, "id": null, "job": {}, "moves": [], "items": []}'


class Stranger:
    """One who may write everywhere in the hot folder."""

    def __init__(self, folder: FolderPaths, outside: Outside, away: Path) -> None:
        """`away` is a place of the stranger's own beside the hot folder."""
        self._folder = folder
        self._outside = outside
        self._away = away
        self._moved_away: dict[Path, Path] = {}

    # --- the inbox ---------------------------------------------------------------------------

    def write(self, path: str, data: bytes, *, over: bool = False) -> None:
        """A file below the inbox, new or with new contents; `over`: by renaming over it."""
        target = self._made(path)
        if over:
            part = target.with_name(".part")
            part.write_bytes(marked(data))
            part.replace(target)
        else:
            target.write_bytes(marked(data))

    def control(self, path: str, form: str) -> None:
        """A control file as it should be (empty), or not at all."""
        target = self._made(path)
        match form:
            case "folder":
                target.mkdir()
            case "link":
                target.symlink_to(self._outside.file)
            case "pipe":
                os.mkfifo(target)
            case _:
                target.write_bytes({"digit": b"7", "garbage": b"\xff" * 50}.get(form, b""))

    def pipe(self, path: str) -> None:
        os.mkfifo(self._made(path))

    def make_folder(self, path: str) -> None:
        self._made(path).mkdir()

    def link(self, path: str, to: str, pick: int) -> None:
        """A link below the inbox."""
        target = self._made(path)
        files = self._files()
        near = files[pick % len(files)] if files else self._folder.inbox / "gone"
        match to:
            case "hard":
                os.link(self._outside.linkable, target)
            case "hard_near":
                os.link(near, target)
            case _:
                target.symlink_to(
                    {
                        "file": self._outside.file,
                        "folder": self._outside.album,
                        "linkable": self._outside.linkable,
                        "dangling": Path("nowhere"),
                        "loop": Path(target.name),
                        "neighbour": near,
                        "root": self._folder.root,
                    }[to]
                )

    # --- anywhere ----------------------------------------------------------------------------

    def rename(self, pick: int, path: str) -> None:
        """Any file or folder of the inbox gets another name there."""
        self._entry(pick, self._folder.inbox).rename(self._made(path))

    def remove(self, pick: int) -> None:
        """Any file or folder that is not the server's own."""
        path = self._entry(pick, self._folder.root, private=False)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()

    def change_mode(self, pick: int, mode: int) -> None:
        path = self._entry(pick, self._folder.root, top=True)
        if path.is_dir() and os.geteuid() != 0:
            mode |= 0o500  # Else nobody could look whether something is lost.
        if not path.is_symlink():
            path.chmod(mode)

    def change_time(self, pick: int, seconds: int) -> None:
        path = self._entry(pick, self._folder.root)
        os.utime(path, ns=(seconds * 10**9, seconds * 10**9), follow_symlinks=False)

    def swap_for_link(self, pick: int, to: str) -> None:
        """A folder goes, and in its place is a link to somebody else's of the same kind."""
        folders = [path for path in self._entries(self._folder.root) if _is_folder(path)]
        if not folders:
            return
        path = folders[pick % len(folders)]
        self._take_away(path)
        path.symlink_to(self._outside.album if to == "album" else self._outside.archive)

    def swap_back(self) -> None:
        """Where a link has taken a folder's place, the folder is put back."""
        for path in [path for path in self._moved_away if path.is_symlink()]:
            path.unlink()
            self._moved_away.pop(path).rename(path)

    def litter(self, place: str, name: str, form: str) -> None:
        """Something that has no business there."""
        folder = self._folder.absolute(place)
        folder.mkdir(exist_ok=True)
        target = self._through_no_link(folder / name)
        match form:
            case "folder":
                target.mkdir()
            case "full_folder":
                target.mkdir()
                (target / "precious.jpg").write_bytes(marked())
                os.utime(target, (0, 0))
            case "link":
                target.unlink(missing_ok=True)
                target.symlink_to(self._outside.file)
            case "folder_link":
                target.unlink(missing_ok=True)
                target.symlink_to(self._outside.archive)
            case "pipe":
                os.mkfifo(target)
            case _:
                target.write_bytes({"file": marked(), "json": JSON}.get(form, b""))

    def damage(self, pick: int, data: bytes) -> None:
        """One of the server's own documents has other contents."""
        files = [p for p in self._entries(self._folder.private) if p.suffix in (".json", ".jsonl")]
        files = [path for path in files if _is_file(path)]
        if files:
            files[pick % len(files)].write_bytes(data)

    def take_place_away(self, name: str) -> None:
        """A part of the hot folder goes out of reach, as a share does."""
        if not (self._folder.root / name).is_symlink():
            self._take_away(self._folder.root / name)

    def bring_places_back(self) -> None:
        """All that was taken away, where nothing else is now, or an empty folder alone."""
        for path, aside in list(self._moved_away.items()):
            if _is_folder(path):
                with contextlib.suppress(OSError):
                    path.rmdir()
            if not os.path.lexists(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                aside.rename(path)
                del self._moved_away[path]

    def pause(self, reason: bytes) -> None:
        self._through_no_link(self._folder.private / "paused").write_bytes(reason)

    def unlock(self) -> None:
        """What is no file takes the lock's place no more: no server would start."""
        path = self._folder.lock
        if not _is_file(path):
            path.unlink() if not _is_folder(path) else shutil.rmtree(path)

    def resume(self) -> None:
        (self._folder.private / "paused").unlink()

    # --- the choice --------------------------------------------------------------------------

    def _take_away(self, path: Path) -> None:
        if path in self._moved_away:
            return
        aside = self._away / str(len(list(self._away.iterdir())))
        path.rename(aside)
        self._moved_away[path] = aside

    def _made(self, path: str) -> Path:
        target = self._folder.inbox / path
        if target.parent != self._folder.inbox:
            target.parent.mkdir(parents=True, exist_ok=True)
        return self._through_no_link(target)

    def _through_no_link(self, target: Path) -> Path:
        """So that what is done outside is not the stranger's. Links and pipes are replaced."""
        parent = target.parent
        if parent.resolve() != parent and parent not in places_of(self._folder):
            raise FileExistsError(f"{target.parent} is a link")
        if os.path.lexists(target) and not (_is_folder(target) or _is_file(target)):
            target.unlink()
        return target

    def _files(self) -> list[Path]:
        entries = self._entries(self._folder.inbox)
        return [path for path in entries if _is_file(path)]

    def _entry(self, pick: int, below: Path, *, private: bool = True, top: bool = False) -> Path:
        entries = [
            path
            for path in self._entries(below, top=top)
            if private or not path.is_relative_to(self._folder.private)
        ]
        if not entries:
            raise FileNotFoundError("nothing is there")
        return entries[pick % len(entries)]

    def _entries(self, below: Path, *, top: bool = False) -> list[Path]:
        """Files and folders, in an order that the next run has too; through no link. Without
        `top` not the folders that make a hot folder."""
        fixed = {self._folder.spool, self._folder.private, self._folder.batches}
        fixed |= set(places_of(self._folder))
        found = []
        for folder, folders, files in os.walk(below):
            folders.sort()
            found += [Path(folder, name) for name in (*folders, *sorted(files))]
        return [path for path in found if top or path not in fixed]


def places_of(folder: FolderPaths) -> tuple[Path, ...]:
    """The folders that everybody sees."""
    return (
        *(folder.inbox, folder.styles, folder.outbox),
        *(folder.failed, folder.done, folder.status),
    )


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
