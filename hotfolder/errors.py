"""What can go wrong around the engine, in words.

HotFolderError              (15, other)
├── ConfigError             (9, configuration): config.yaml
├── SidecarError            (9, configuration): a sidecar, with file and line
├── InputError              (2, input): a job's pictures
├── FolderError             (5, file access): the hot folder itself
├── AlreadyRunning          (5, file access): another daemon has the folder
├── TaskTaken               (5, file access): another process paints this task of a farm
├── DispatchError           (15, other): a worker that cannot be started
└── WorkerCrash             (15, other): a worker that must not take another job
"""

from engine.errors import ExitCode

__all__ = [
    "AlreadyRunning",
    "ConfigError",
    "DispatchError",
    "ExitCode",
    "FolderError",
    "HotFolderError",
    "InputError",
    "SidecarError",
    "TaskTaken",
    "WorkerCrash",
]


class HotFolderError(Exception):
    """Base class. The message says what, where, why and what to do."""

    exit_code = ExitCode.OTHER


class ConfigError(HotFolderError):
    """`config.yaml` cannot be used."""

    exit_code = ExitCode.CONFIGURATION


class SidecarError(HotFolderError):
    """A sidecar cannot be used; the message names file, line and key."""

    exit_code = ExitCode.CONFIGURATION


class InputError(HotFolderError):
    """A job's pictures are not what the job needs."""

    exit_code = ExitCode.INPUT


class FolderError(HotFolderError):
    """The hot folder is missing, not writable or laid out wrongly."""

    exit_code = ExitCode.FILE_ACCESS


class AlreadyRunning(HotFolderError):  # noqa: N818  (a state, in the words a user reads)
    """Another daemon serves this folder."""

    exit_code = ExitCode.FILE_ACCESS


class TaskTaken(HotFolderError):  # noqa: N818  (a state, in the words a user reads)
    """Another process paints this task of a farm."""

    exit_code = ExitCode.FILE_ACCESS


class DispatchError(HotFolderError):
    """No worker can be had."""


class WorkerCrash(HotFolderError):  # noqa: N818  (what it does)
    """Within a worker: its device or process is broken. It ends, and its job is lost."""
