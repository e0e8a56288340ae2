"""What can go wrong between an editor and a hot folder, in words.

ClientError             (15, other)
├── FolderMissing       (5, file access): no hot folder there
├── RequestError        (2, input): a request that no server could fulfil
├── DeliveryError       (5, file access): a file of the hot folder cannot be written
├── ServerGone          (15): nobody serves the folder
├── NotStarted          (15): the server could not be started
├── TimedOut            (15): the caller's patience has ended; the job goes on
├── NotFinished         (15): there is no result yet
├── ResultMissing       (5, file access): the result has been taken away
├── JobFailed           (10): the job failed
└── JobCancelled        (10): the job was cancelled

Exit codes are those of the `impasto` command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._status import Status


class ClientError(Exception):
    """Base class. The message says what, where, why and what to do."""

    exit_code = 15


class FolderMissing(ClientError):  # noqa: N818  (a state, in the words a user reads)
    """There is no hot folder at this place."""

    exit_code = 5


class RequestError(ClientError):
    """The request cannot be delivered as it is."""

    exit_code = 2


class DeliveryError(ClientError):
    """The hot folder cannot be written to."""

    exit_code = 5


class ServerGone(ClientError):  # noqa: N818
    """Nobody serves the hot folder. What was delivered stays there."""


class NotStarted(ClientError):  # noqa: N818
    """The server could not be started; `reason` is why, without where to read more."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason or message


class TimedOut(ClientError):  # noqa: N818
    """The job has not ended in time. It goes on."""


class NotFinished(ClientError):  # noqa: N818
    """The job has no result yet."""


class ResultMissing(ClientError):  # noqa: N818
    """The job is done, but its result is not where it was."""

    exit_code = 5


class JobFailed(ClientError):  # noqa: N818
    """The job failed; `status` has the whole story."""

    exit_code = 10

    def __init__(self, message: str, status: Status) -> None:
        super().__init__(message)
        self.status = status


class JobCancelled(ClientError):  # noqa: N818
    """Somebody cancelled the job."""

    exit_code = 10
