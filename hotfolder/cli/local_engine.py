"""The engine in this process, for the commands that paint without a server."""

import os
import time
from typing import TYPE_CHECKING

import typer

from engine import THREADS_ENVIRONMENT

if TYPE_CHECKING:
    from engine.network.vgg import VGG19
    from engine.settings import Settings

__all__ = ["load_network", "memory_budget", "process_started", "set_threads"]


def set_threads(threads: int | None) -> None:
    """To be called before the engine is imported. None leaves the number to torch."""
    for variable, value in THREADS_ENVIRONMENT.items():
        os.environ.setdefault(variable, value)
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def load_network(settings: "Settings", device: str) -> "VGG19":
    """The network that the settings name, on `device` or, if that is `auto`, the best one.

    Raises:
        EngineError: no such device, or no weights.
    """
    from engine.network.devices import prepare_process, resolve_devices
    from engine.network.vgg import load_vgg19

    prepare_process()
    where = resolve_devices(device if device == "auto" else [device])[0]
    return load_vgg19(settings.weights, where, settings.precision)


def memory_budget(text: str, device: str) -> int | None:
    """Bytes that may be held on a device; None if that cannot be found out.

    Raises:
        typer.BadParameter: neither `auto` nor an amount.
    """
    from engine.memory.budget import auto_budget, parse_memory

    try:
        return parse_memory(text) or auto_budget(device)
    except ValueError as error:
        raise typer.BadParameter(f"{error}.", param_hint="--memory") from None


def process_started() -> float:
    """`time.monotonic()` as it was when this process began."""
    import psutil

    return time.monotonic() - (time.time() - float(psutil.Process().create_time()))
