"""What a status says of the devices: which are lost, and which workers make no progress. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from hotfolder.workers.dispatcher import DeviceState

__all__ = ["device_document", "no_progress", "no_worker"]

QUIET_SECONDS = 120.0
"""A worker without a message for longer is shown to make no progress."""

LOST_SECONDS = 5.0
"""A worker that died is mostly back before."""


def device_document(device: DeviceState, names: Mapping[str, str]) -> dict[str, Any]:
    """An item of `devices` in `status/server.json`. `names` are those of jobs, by id."""
    return {
        "device": device.device,
        "state": device.state,
        "job": names.get(device.job_id or ""),
        "style_cache": asdict(device.style_cache) if device.style_cache else None,
        "message": device.message or no_progress(device),
    }


def no_progress(device: DeviceState) -> str | None:
    """That the worker makes no progress, and what comes of it; None if it does."""
    if device.state not in ("busy", "starting") or not _is_quiet(device, QUIET_SECONDS):
        return None
    silent = device.silent
    time = f"{silent / 60:.0f} min" if silent >= 60 else f"{silent:.0f} s"
    if device.stall_seconds is None:
        return f"no progress for {time}"
    return f"no progress for {time}; the worker is ended after {device.stall_seconds / 60:g} min"


def no_worker(devices: Sequence[DeviceState]) -> str | None:
    """Why no device can take a job, now and for a while; None if one can, or soon will."""
    if not devices or any(device.state in ("idle", "busy") for device in devices):
        return None
    quiet = [
        device
        for device in devices
        if _is_quiet(device, LOST_SECONDS if device.state == "lost" else QUIET_SECONDS)
    ]
    if len(quiet) < len(devices):
        return None
    reasons = (f"{d.device}: {d.message or no_progress(d) or d.state}" for d in quiet)
    return f"there is no worker ({'; '.join(reasons)})"


def _is_quiet(device: DeviceState, seconds: float) -> bool:
    if device.stall_seconds is not None:
        seconds = min(seconds, device.stall_seconds / 2)
    return device.silent >= seconds
