"""Which hot folder a command means, and where the pictures of a request lie."""

import difflib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hotfolder.errors import FolderError, InputError
from plugin.client.protocol import PICTURE_SUFFIXES

if TYPE_CHECKING:
    from hotfolder.config.model import Config

__all__ = [
    "ENVIRONMENT",
    "OWN_STYLES",
    "find_hot_folder",
    "find_hot_folders",
    "find_style",
    "read_config",
]

ENVIRONMENT = "IMPASTO_HOT_FOLDER"

OWN_STYLES = Path(__file__).resolve().parents[1] / "styles"
"""The style pictures that come with Impasto."""


def find_hot_folder(given: Path | None, config: Path | None = None) -> Path:
    """The hot folder that is meant; it exists.

    In this order: the argument, the environment's `IMPASTO_HOT_FOLDER`, `hot_folder` of
    config.yaml, `./hot`.

    Raises:
        FolderError: none of them is a hot folder; says what was looked at.
    """
    if given is not None:
        return _existing(given, "")
    if os.environ.get(ENVIRONMENT):
        return _existing(Path(os.environ[ENVIRONMENT]), f" ({ENVIRONMENT} names it)")
    from hotfolder.config.layers import read_configuration

    read = read_configuration(config)
    configured = Path(read.config.hot_folder)
    here = Path("hot").absolute()
    for candidate in (configured, here):
        if is_hot_folder(candidate):
            return candidate
    where = f"hot_folder: {read.origin('hot_folder')}"
    if not read.found:
        where += f", there is no {' and no '.join(map(str, read.files))}"
    raise FolderError(
        "No hot folder. Looked at: the argument (none given); "
        f"the environment's {ENVIRONMENT} (not set); {configured} ({where}); {here}. "
        "`impasto init hot` makes one here."
    )


def find_hot_folders(given: Sequence[Path] | None, config: Path | None = None) -> list[Path]:
    """The hot folders that are to be served together: those given, else `hot_folders` of the
    configuration, else the one of `find_hot_folder`.

    Raises:
        FolderError: one of them is none.
    """
    from hotfolder.config.layers import load_config

    places = list(given or ())
    if not places and not os.environ.get(ENVIRONMENT):
        places = [Path(place) for place in load_config(config).hot_folders]
    found = [_existing(place, "") for place in places] or [find_hot_folder(None, config)]
    return list(dict.fromkeys(path.resolve() for path in found))


def is_hot_folder(path: Path) -> bool:
    return (path / "inbox").is_dir()


def read_config(path: Path | None, **flags: Any) -> "Config":
    """The configuration that holds; `path` is --config's. Flags that are None say nothing.

    Raises:
        ConfigError
    """
    from hotfolder.config.layers import load_config

    return load_config(path, flags={key: flag for key, flag in flags.items() if flag is not None})


def find_style(given: str, libraries: Sequence[Path]) -> Path:
    """A style picture: a file, or a name in one of the libraries, with or without its suffix.

    Raises:
        InputError: there is none; says which there are.
    """
    file = Path(given).expanduser()
    if file.is_file():
        return file
    known: dict[str, Path] = {}
    for library in reversed(libraries):
        if library.is_dir():
            pictures = [p for p in library.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES]
            known |= {picture.name: picture for picture in sorted(pictures)}
    for name, picture in known.items():
        if given.casefold() in (name.casefold(), picture.stem.casefold()):
            return picture
    nearest = difflib.get_close_matches(given, [*known, *(p.stem for p in known.values())], n=1)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    there_are = ", ".join(sorted(known)) or "none"
    raise InputError(
        f"{given}: no such file, and no such style in the library ({there_are}).{hint}"
    )


def _existing(path: Path, source: str) -> Path:
    path = path.expanduser().absolute()
    if is_hot_folder(path):
        return path
    what = "no folder named inbox in it" if path.is_dir() else "no such folder"
    raise FolderError(
        f"{path} is not a hot folder: {what}{source}. `impasto init {path}` makes one."
    )
