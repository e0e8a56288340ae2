"""Calls into GIMP whose answer is checked: GIMP returns False or None where others raise."""

from collections.abc import Callable
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
from choices import Refusal
from gi.repository import Gimp
from i18n import _

__all__ = ["do", "last_error", "refused"]


def do(function: Callable[..., Any], *arguments: Any) -> Any:
    """The answer of `function`.

    Raises:
        Refusal: it is False or None, which is how GIMP says that nothing was done.
    """
    answer = function(*arguments)
    if answer is None or answer is False:
        raise refused(getattr(function, "__name__", str(function)))
    return answer


def refused(call: str) -> Refusal:
    """What is raised where GIMP has not done `call`."""
    return Refusal(_("GIMP refused {call}: {reason}").format(call=call, reason=last_error()))


def last_error() -> str:
    """What GIMP says of the call that failed last."""
    return (Gimp.get_pdb().get_last_error() or _("it does not say why")).strip()
