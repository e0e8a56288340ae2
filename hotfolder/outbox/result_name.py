"""What a result is called: as its job, or as `name` of a sidecar, preset, batch or config says."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import PurePath
from typing import Any

from engine.settings import Settings
from engine.strength import STANDARD
from plugin.client.protocol import parse_picture_stem, usable_name

__all__ = ["result_name"]


def result_name(
    pattern: str | None,
    name: str,
    content: str,
    styles: Sequence[str],
    settings: Settings,
    *,
    record: Mapping[str, Any],
    finished: str,
) -> str:
    """The name without suffix, which others may have.

    Args:
        pattern: with fields in braces (`job_options.NAME_FIELDS`); None for `name`.
        name: the job's.
        content, styles: names of its pictures.
        record: of the result; `size` is its size in pixels.
        finished: when the job ended, ISO 8601.
    """
    if pattern is None:
        return name
    size: Any = settings.size
    if not isinstance(size, int):
        size = max(record.get("size") or [0])
    strength = STANDARD if settings.strength is None else settings.strength
    return usable_name(
        pattern.format(
            name=name,
            content=_stem(content),
            style="+".join(map(_stem, styles)),
            preset=settings.preset,
            size=size,
            strength=f"{strength:g}",
            seed=settings.seed,
            date=datetime.fromisoformat(finished).astimezone().date().isoformat(),
        )
    )


def _stem(picture: str) -> str:
    """`cat` of cat.jpg and of cat.content.jpg."""
    stem = PurePath(picture).stem
    named = parse_picture_stem(stem)
    return named[0] if named else stem
