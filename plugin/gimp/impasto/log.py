"""The plug-in's log file, and the one message that a person reads for each error."""

import logging
import logging.handlers
import os
from pathlib import Path

from i18n import _
from messages import explain

__all__ = ["logger", "message_for", "open_log"]

MAX_BYTES = 256 * 1024
KEPT = 3

logger = logging.getLogger("impasto.gimp")


def open_log(folder: Path) -> Path:
    """Log into `folder` from now on; the file's place comes back. Never raises."""
    path = folder / "impasto.log"
    logger.setLevel(logging.INFO)
    logger.propagate = False
    for old in list(logger.handlers):
        logger.removeHandler(old)
        old.close()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=MAX_BYTES, backupCount=KEPT, encoding="utf-8", delay=True
        )
        handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(message)s"))
    except OSError:
        handler = logging.NullHandler()
    logger.addHandler(handler)
    return path


def message_for(error: BaseException, log: Path) -> str:
    """The message for a person: the error's own, if it has one, else where the details are."""
    told = explain(error)
    if told:
        logger.warning("%s: %s", type(error).__name__, error)
        return told
    logger.error("unexpected", exc_info=error)
    if isinstance(error, OSError) and error.strerror:
        name = Path(os.fsdecode(error.filename)).name if error.filename else ""
        reason = f"{name}: {error.strerror}" if name else error.strerror
    else:
        reason = f"{type(error).__name__}: {error}"
    return _(
        "Something unexpected happened ({reason}). Nothing was changed. The details are in {log}."
    ).format(reason=reason, log=log)
