"""A changed config.yaml, noticed while the server runs. The clock is injected."""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from hotfolder.config.model import Config
from hotfolder.errors import ConfigError

__all__ = ["AT_START", "ConfigWatch", "CurrentConfig"]

log = logging.getLogger(__name__)

CHECK_SECONDS = 2.0

AT_START = (
    *(
        "hot_folder",
        "hot_folders",
        "page",
        "devices",
        "threads",
        "max_megapixels",
        "style_cache_megabytes",
    ),
    *(
        "dispatch",
        "workers_per_device",
        "cuda_graphs",
        "memory",
        "checkpoint_seconds",
        "stall_minutes",
        "log_format",
        "log_file",
        "log_file_megabytes",
        "log_files",
    ),
)
"""Keys that are read once: the folders, and those of the workers and of the log."""

CurrentConfig = Callable[[], Config]
"""Returns the configuration in force; to be called where a value is needed, not kept."""

Fingerprint = tuple[int, int, int] | None


class ConfigWatch:
    """Reads the configuration again when one of its files has changed and lies still.

    A broken one is refused: the old one stays in force, and `problem` says why.
    """

    def __init__(
        self,
        config: Config,
        load: Callable[[], Config] | None = None,
        files: Sequence[Path] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`files` may be missing, and may come to be. Without any, `config` stays in force."""
        self.problem: str | None = None
        """Why a changed configuration is not in force."""
        self._config = config
        self._load = load or self.current
        self._files = files
        self._clock = clock
        self._read = self._seen = self._fingerprints()
        self._next_check = clock() + CHECK_SECONDS

    def current(self) -> Config:
        """The configuration in force."""
        return self._config

    def changed(self) -> bool:
        """Check the files, if it is time. Whether another configuration is in force than before."""
        if self._clock() < self._next_check:
            return False
        self._next_check = self._clock() + CHECK_SECONDS
        fingerprints = self._fingerprints()
        still, self._seen = fingerprints == self._seen, fingerprints
        # Two checks that find the same: an editor may be in the middle of writing.
        if not still or fingerprints == self._read:
            return False
        self._read = fingerprints
        return self._reload()

    def _reload(self) -> bool:
        try:
            config = self._load()
        except ConfigError as error:
            if str(error) != self.problem:
                log.error("the changed configuration is refused, the old one stays: %s", error)
            self.problem = str(error)
            return False
        except Exception as error:  # Nothing that stands in a file ends a server that runs.
            log.exception("the changed configuration cannot be read, the old one stays")
            self.problem = f"an unforeseen error: {error!r}"
            return False
        self.problem = None
        keys = [
            key for key in Config.model_fields if getattr(config, key) != getattr(self._config, key)
        ]
        later = [key for key in keys if key in AT_START]
        now = [key for key in keys if key not in AT_START]
        if now:
            log.info("configuration changed: %s", ", ".join(now))
        if later:
            log.warning("%s: the change takes effect at the next start", ", ".join(later))
        old = {key: getattr(self._config, key) for key in AT_START}
        self._config = config.model_copy(update=old)
        return bool(now)

    def _fingerprints(self) -> list[Fingerprint]:
        return [_fingerprint_of(path) for path in self._files]


def _fingerprint_of(path: Path) -> Fingerprint:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_size, facts.st_mtime_ns, facts.st_ino
