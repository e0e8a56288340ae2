"""Errors in the words of somebody who sits at GIMP: no command line, no folder of the server's."""

from choices import Refusal
from client import (
    ClientError,
    DeliveryError,
    FolderMissing,
    JobCancelled,
    JobFailed,
    NotStarted,
    ResultMissing,
    ServerGone,
    TimedOut,
)
from i18n import _
from server_words import in_our_words

__all__ = ["PlainError", "explain"]


class PlainError(ClientError):
    """What the plug-in itself says of a server or a job: for a person at GIMP already."""


def explain(error: BaseException) -> str:
    """One message: what, why, and what to do about it in GIMP. Empty for what nobody expected."""
    reason = getattr(error.__cause__, "strerror", None) or str(error)
    match error:
        case Refusal() | PlainError():
            return str(error)
        case FolderMissing():
            return _(
                "The hot folder is not there. Connect its disk or its share, or choose another "
                "one with Hot folder..."
            )
        case JobFailed():
            return in_our_words(error.status.message or (error.status.error or "").strip())
        case JobCancelled():
            return _("Somebody has cancelled the painting.")
        case ResultMissing():
            return _("The painting was made, but somebody has taken it away. Paint it again.")
        case DeliveryError():
            return _(
                "Nothing was sent, since the hot folder cannot be written to: {reason}"
            ).format(reason=reason)
        case NotStarted():
            return _("The server did not start: {reason}").format(reason=error.reason)
        case ServerGone() | TimedOut():
            return _("The server does not answer any more. Start it and paint again.")
        case ClientError():
            return str(error)
    return ""
