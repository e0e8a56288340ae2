"""The plug-in's folder: what belongs into it, putting it there whole, taking it away."""

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from hotfolder.cli.gimp.catalogues import compile_catalogue
from hotfolder.errors import FolderError

__all__ = [
    "FACTS",
    "NAME",
    "PROGRAM",
    "Facts",
    "differences",
    "install",
    "is_ours",
    "read_facts",
    "sources",
    "uninstall",
]

NAME = "impasto"
"""GIMP 3 runs `plug-ins/NAME/NAME.py` only, and silently skips what is called otherwise."""

PROGRAM = f"{NAME}.py"
FACTS = "impasto.json"


@dataclass(frozen=True)
class Facts:
    """`impasto.json`: what the plug-in knows of this installation."""

    hot_folder: Path
    command: Sequence[str]
    """What a shell calls `impasto`; `watch --hot HOT` follows. Empty: none can start it."""
    version: str
    """The Impasto that it came with."""


def sources() -> dict[str, bytes]:
    """What belongs into the folder besides `impasto.json`, by the path there: the plug-in, its
    client, and its translations, compiled.

    Raises:
        FolderError: this Impasto has no plug-in with it.
    """
    import plugin

    room = Path(plugin.__file__).parent
    found = {
        path.relative_to(base).as_posix(): path.read_bytes()
        for base, folder in ((room / "gimp" / NAME, ""), (room, "client"))
        for path in sorted((base / folder).rglob("*"))
        if path.is_file() and not _is_litter(path.relative_to(base))
    }
    if PROGRAM not in found:
        raise FolderError(
            f"{room / 'gimp' / NAME / PROGRAM}: no such file. This Impasto lacks its plug-in: "
            "install it again."
        )
    for name in [name for name in found if name.endswith(".po")]:
        language, text = PurePosixPath(name).stem, found.pop(name).decode()
        found[f"translations/{language}/LC_MESSAGES/{NAME}.mo"] = compile_catalogue(text)
    return found


def install(plug_ins: Path, facts: Facts) -> Path:
    """Put the plug-in into GIMP's folder `plug_ins`; one that is there is replaced as a whole.

    Whatever happens on the way, there is the old folder or the new one, never a mixture.

    Raises:
        FolderError: something of another's is there, or it cannot be written to.
    """
    target = plug_ins / NAME
    _refuse_strangers(target)
    staging = plug_ins / f".{NAME}-{secrets.token_hex(4)}.part"
    with _errors_explained(target, "put there", staging):
        plug_ins.mkdir(exist_ok=True)
        _remove_leftovers(plug_ins)
        for name, content in sources().items():
            (staging / name).parent.mkdir(parents=True, exist_ok=True)
            # With a time of its own: GIMP asks a plug-in anew what it offers only if that differs.
            (staging / name).write_bytes(content)
        text = json.dumps(asdict(facts), indent=1, ensure_ascii=False, default=str)
        (staging / FACTS).write_text(text + "\n", encoding="utf-8")
        mode = (staging / PROGRAM).stat().st_mode
        (staging / PROGRAM).chmod(mode | (mode & 0o444) >> 2)
        _swap(staging, target)
    return target


def uninstall(plug_ins: Path) -> Path | None:
    """Take the plug-in out of `plug_ins`; None if it is not there.

    Raises:
        FolderError: something of another's is there, or it cannot be removed.
    """
    target = plug_ins / NAME
    _refuse_strangers(target)
    gone = plug_ins / f".{NAME}-{secrets.token_hex(4)}.part"
    with _errors_explained(target, "removed", gone):
        _remove_leftovers(plug_ins)
        if not os.path.lexists(target):
            return None
        target.rename(gone)
        _remove(gone)
    return target


@contextlib.contextmanager
def _errors_explained(target: Path, done: str, part: Path) -> Iterator[None]:
    """Makes a FolderError of an OSError, and leaves nothing of `part`."""
    try:
        yield
    except OSError as error:
        _remove(part)
        raise FolderError(
            f"{error.filename or target}: the plug-in cannot be {done}: {error.strerror}. "
            "Close GIMP, make sure that you may write there, and try again."
        ) from error


def is_ours(folder: Path) -> bool:
    """Whether a folder of our name has been made by us, or is empty."""
    if folder.is_symlink():
        return True  # Only the link is replaced, by whoever made it.
    known = (PROGRAM, FACTS)
    return folder.is_dir() and (
        any((folder / name).exists() for name in known) or not any(folder.iterdir())
    )


def _refuse_strangers(target: Path) -> None:
    """Raises FolderError if another's folder or file has our name."""
    if os.path.lexists(target) and not is_ours(target):
        raise FolderError(
            f"{target} is there already and is not Impasto's: it has no {PROGRAM}. "
            "Move it away, or name another folder with --folder."
        )


def read_facts(folder: Path) -> dict[str, Any]:
    """`impasto.json` of an installed plug-in; empty if it cannot be read."""
    try:
        document = json.loads((folder / FACTS).read_bytes())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def differences(folder: Path) -> Iterator[tuple[str, str]]:
    """The files of an installed plug-in that are not as this Impasto has them: `missing`, `other`.

    Raises:
        FolderError: this Impasto has no plug-in with it.
    """
    for name, content in sources().items():
        try:
            if (folder / name).read_bytes() != content:
                yield name, "other"
        except OSError:
            yield name, "missing"


def _swap(staging: Path, target: Path) -> None:
    old = target.with_name(f"{staging.stem}-old.part")
    there = os.path.lexists(target)
    if there:
        target.rename(old)
    try:
        staging.rename(target)
    except OSError:
        if there:
            old.rename(target)
        raise
    _remove(old)


def _remove_leftovers(plug_ins: Path) -> None:
    """What an installation that was cut short has left."""
    for path in list(plug_ins.glob(f".{NAME}-*.part")) if plug_ins.is_dir() else ():
        old = path.name.endswith("-old.part")
        if old and not os.path.lexists(plug_ins / NAME):
            path.rename(plug_ins / NAME)  # It was cut short between the two renames.
        else:
            _remove(path)


def _remove(path: Path) -> None:
    """A folder, or a link to one, which stays. What cannot be removed is left: it is hidden."""
    with contextlib.suppress(OSError):
        if path.is_symlink():
            path.unlink()
        else:
            shutil.rmtree(path)


def _is_litter(path: Path) -> bool:
    return any(part.startswith((".", "__pycache__")) for part in path.parts)
