"""The record of a painting: what it was made of, how, and what came of it. Imports torch."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

import engine
from engine.images.picture import Picture
from engine.optimisers.minimise import Losses
from engine.settings import Settings
from engine.stylise import Result
from hotfolder.folder_access import opener
from hotfolder.job import now
from hotfolder.workers.checkpoints import sha256_of
from hotfolder.workers.pictures import PictureFile, Pictures

__all__ = ["losses_document", "record_of"]

_SINGLE = (("init", "init_file"), ("palette", "palette"))
"""Keys of pictures of which there is one, and the settings that name them."""

_MASKS = ("mask", "regions", "style_regions")


def record_of(
    pictures: Pictures,
    asked: Settings,
    result: Result,
    output: Mapping[str, Any],
    started: str,
    series: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """The content of `NAME.result.yaml`, but for the names of the files beside it.

    Args:
        asked: the settings as they were asked for.
        output: how the result is written (`engine.output`).
        started: ISO 8601, UTC.
        series: which painting of a series it is (`Member.document`).
    """
    others = pictures.others
    return {
        **({"content": _input(*pictures.content)} if pictures.content is not None else {}),
        "styles": [_input(*style) for style in pictures.styles],
        **{key: _input(*others[named][0]) for key, named in _SINGLE if others.get(named)},
        **_masks({key: others.get(key, ()) for key in _MASKS}, result),
        **({"series": dict(series)} if series else {}),
        "settings": result.settings.model_dump(),
        **_schedule(asked, result),
        "weights": {"name": result.weights_name, "sha256": result.weights_sha256},
        "size": list(result.size),
        "seed": asked.seed,
        "losses": losses_document(result.losses),
        "steps": result.steps,
        "rejected_moves": result.rejected_moves,
        "seconds": round(result.seconds, 3),
        "device": result.device,
        "precision": result.precision,
        "output": dict(output),
        **({"memory": [plan.document() for plan in result.plans]} if result.plans else {}),
        **({"cuda_graphs": result.graphs} if result.graphs is not None else {}),
        "versions": {
            "impasto": engine.__version__,
            "torch": str(torch.__version__),
            "python": platform.python_version(),
        },
        "started": started,
        "finished": now(),
    }


def losses_document(losses: Losses) -> dict[str, float]:
    return {**asdict(losses), "total": losses.total}


def _schedule(asked: Settings, result: Result) -> dict[str, Any]:
    """What was asked of the time, and what it came to: the record's settings have the steps that
    were painted."""
    wanted = {key: getattr(asked, key) for key in ("seconds", "settle")}
    if not any(wanted.values()):
        return {}
    return {"schedule": {**wanted, "ended": list(result.ended)}}


def _masks(masks: Mapping[str, Sequence[PictureFile]], result: Result) -> dict[str, Any]:
    """The pictures that said where to paint, and what was made of them."""
    found: dict[str, Any] = {
        key: [_input(*each) for each in files] for key, files in masks.items() if files
    }
    if "mask" in found:
        (found["mask"],) = found["mask"]
    if result.notes:
        found["notes"] = list(result.notes)
    return {"masks": found} if found else {}


def _input(path: Path, picture: Picture) -> dict[str, Any]:
    return {"file": path.name, "size": list(picture.size), "sha256": sha256_of(path, opener)}
