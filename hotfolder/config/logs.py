"""The log: lines for people or JSON for programs, on stderr and in a file of limited size.

A line about a job begins with `[ID NAME]`, or `[NAME]` while it has no id (`JobTag`). As JSON
these are fields of their own.
"""

import json
import logging
import logging.handlers
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from hotfolder.config.model import Config
from hotfolder.errors import ConfigError
from hotfolder.job_tag import JobTag
from hotfolder.limits import MAX_LOG_LINE, shortened

__all__ = ["JsonFormatter", "TextFormatter", "configure", "formatter"]


class TextFormatter(logging.Formatter):
    """`2026-11-24 23:40:03,393 INFO [ID NAME] done: outbox/cat.png`, one line a message."""

    def __init__(self, layout: str = "%(asctime)s %(levelname)s %(message)s") -> None:
        super().__init__(layout)

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if record.exc_info:  # A traceback keeps its lines.
            return text
        return shortened(text.replace("\n", " | "), MAX_LOG_LINE)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `time` (ISO 8601, UTC), `level`, `logger`, `message`; `id` and `job`
    if it is about a job; `traceback` if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": time, "level": record.levelname.lower(), "logger": record.name}
        tag = record.args[0] if isinstance(record.args, tuple) and record.args else None
        if isinstance(tag, JobTag):
            message = message.removeprefix(f"{tag} ")
            line |= {"id": tag.id, "job": tag.name} if tag.id else {"job": tag.name}
        line["message"] = shortened(message, MAX_LOG_LINE)
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def formatter(kind: Literal["text", "json"]) -> logging.Formatter:
    return JsonFormatter() if kind == "json" else TextFormatter()


def configure(config: Config, console: logging.Handler) -> None:
    """Log to `console`, and to the configuration's file if it names one.

    Raises:
        ConfigError: the file cannot be written.
    """
    handlers = [console]
    if config.log_file is not None:
        handlers.append(_file(Path(config.log_file), config))
    logging.basicConfig(level=config.log_level.upper(), handlers=handlers, force=True)


def _file(path: Path, config: Config) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            path,
            maxBytes=int(config.log_file_megabytes * 1_000_000),
            backupCount=config.log_files - 1,
            encoding="utf-8",
        )
    except OSError as error:
        raise ConfigError(f"log_file: {path}: cannot be written: {error.strerror}.") from None
    handler.setFormatter(formatter(config.log_format))
    return handler
