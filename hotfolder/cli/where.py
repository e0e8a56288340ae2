"""Which hot folder a command means, and which configuration it reads."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hotfolder.errors import FolderError
from hotfolder.paths import expand_home

if TYPE_CHECKING:
    from hotfolder.config.model import Config

__all__ = [
    "ENVIRONMENT",
    "find_hot_folder",
    "find_hot_folders",
    "is_hot_folder",
    "new_hot_folder",
    "read_config",
]

ENVIRONMENT = "IMPASTO_HOT_FOLDER"


def find_hot_folder(given: Path | None, config: Path | None = None) -> Path:
    """The hot folder that is meant; it exists.

    In this order: `--hot`, the environment's `IMPASTO_HOT_FOLDER`, `hot_folder` of config.yaml,
    `./hot`.

    Raises:
        FolderError: none of them is a hot folder; names the folders that were tried.
    """
    named = _named(given)
    if named is not None:
        return _existing(named, "" if given is not None else f" ({ENVIRONMENT} names it)")
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
        f"No hot folder. Looked at: --hot (not given); the environment's {ENVIRONMENT} (not set); "
        f"{configured} ({where}); {here}. `impasto init --hot hot` makes one here."
    )


def find_hot_folders(
    given: Sequence[Path] | None, config: Path | None = None, *, wait: bool = False
) -> list[Path]:
    """The hot folders that are to be served together: those given, else `hot_folders` of the
    configuration, else the one of `find_hot_folder`.

    Args:
        wait: they need not be there yet, if they are named.

    Raises:
        FolderError: one of them is none.
    """
    from hotfolder.config.layers import read_configuration

    places = list(given or ())
    if not places and not os.environ.get(ENVIRONMENT):
        read = read_configuration(config)
        places = [Path(place) for place in read.config.hot_folders]
        if wait and not places and read.origin("hot_folder") != "default":
            places = [Path(read.config.hot_folder)]
    if wait and not places and os.environ.get(ENVIRONMENT):
        places = [Path(os.environ[ENVIRONMENT])]
    if wait:
        found = [expand_home(place).absolute() for place in places]
    else:
        found = [_existing(place, "") for place in places]
    found = found or [find_hot_folder(None, config)]
    return list(dict.fromkeys(path.resolve() for path in found))


def new_hot_folder(given: Path | None) -> Path:
    """The folder that is to become a hot folder, in the order of `find_hot_folder`."""
    named = _named(given)
    if named is not None:
        return named
    from hotfolder.config.layers import read_configuration

    read = read_configuration()
    return Path("hot" if read.origin("hot_folder") == "default" else read.config.hot_folder)


def is_hot_folder(path: Path) -> bool:
    return (path / "inbox").is_dir()


def read_config(path: Path | None, **flags: Any) -> "Config":
    """The configuration that holds; `path` is --config's. Flags that are None do not count.

    Raises:
        ConfigError
    """
    from hotfolder.config.layers import read_configuration

    flags = {key: flag for key, flag in flags.items() if flag is not None}
    return read_configuration(path, flags=flags).config


def _named(given: Path | None) -> Path | None:
    """The hot folder that the command line or the environment names."""
    if given is None and os.environ.get(ENVIRONMENT):
        return Path(os.environ[ENVIRONMENT])
    return given


def _existing(path: Path, source: str) -> Path:
    path = expand_home(path).absolute()
    if is_hot_folder(path):
        return path
    what = "no folder named inbox in it" if path.is_dir() else "no such folder"
    raise FolderError(
        f"{path} is not a hot folder: {what}{source}. `impasto init --hot {path}` makes one."
    )
