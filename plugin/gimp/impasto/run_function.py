"""How GIMP runs a procedure: it always returns a value, and shows GIMP's progress bar."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp, GLib, GObject
from log import message_for, open_log

__all__ = ["make_run_function", "progress_bar"]

Work = Callable[..., Any]
"""`work(run_mode, image, drawables, config, folder)`: the procedure's result. None where the artist
has thought better of it. `folder` is the plug-in's own, for what it keeps."""


def make_run_function(work: Work, kind: str) -> Callable[..., Any]:
    """A procedure's run function: `work`'s result, or its error in words.

    Args:
        kind: the result's type, as GObject calls it.
    """

    def run(procedure: Any, run_mode: Any, image: Any, drawables: Any, config: Any, _: Any) -> Any:
        folder = Path(Gimp.directory()) / "impasto"
        log = open_log(folder)
        try:
            result = work(run_mode, image, drawables, config, folder)
        except BaseException as error:
            message = message_for(error, log)
            failure = GLib.Error.new_literal(Gimp.PlugIn.error_quark(), message, 0)
            return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, failure)
        if result is None:
            return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
        values = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
        values.remove(1)
        values.insert(1, GObject.Value(GObject.type_from_name(kind), result))
        return values

    return run


@contextlib.contextmanager
def progress_bar() -> Iterator[Callable[[float | None, str], None]]:
    """GIMP's progress bar, where it shows one. Its Cancel ends this process at once."""

    def show(fraction: float | None, text: str) -> None:
        Gimp.progress_set_text(text)
        if fraction is None:
            Gimp.progress_pulse()
        else:
            Gimp.progress_update(fraction)

    # One that GIMP, or an export for the preview, has left active would stay without a Cancel.
    Gimp.progress_end()
    Gimp.progress_init("Impasto")
    try:
        yield show
    finally:
        Gimp.progress_end()
