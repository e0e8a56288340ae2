"""The seconds that an evaluation takes on this machine: probed once, then as measured last."""

import time
from weakref import WeakKeyDictionary

import torch

from engine.network.allocator import is_out_of_memory, release
from engine.network.vgg import VGG19
from engine.objective import style_transfer_objective
from engine.settings import resolve

__all__ = ["probe", "remember", "seconds_a_pixel"]

PROBE, PROBE_ON_GPU = 192, 768
"""Pixels of the measured picture's sides. A GPU takes as long for a smaller picture: a pixel of it
would count 20 times as much as one of a picture of 2,048 px."""

_measured: WeakKeyDictionary[VGG19, float] = WeakKeyDictionary()


def seconds_a_pixel(vgg: VGG19) -> float:
    """Seconds a pixel of an untiled evaluation with its gradient: as `remember` was told last, or
    else by `probe`."""
    if vgg not in _measured:
        remember(vgg, probe(vgg))
    return _measured[vgg]


def remember(vgg: VGG19, seconds: float) -> None:
    """An evaluation with this network took so many seconds a pixel."""
    _measured[vgg] = seconds


def probe(vgg: VGG19) -> float:
    """Measure the seconds a pixel of an untiled evaluation with its gradient, in about a second."""
    if vgg.device.type != "cpu":
        try:
            return _probed(vgg, PROBE_ON_GPU)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        release()
    return _probed(vgg, PROBE)


def _probed(vgg: VGG19, side: int) -> float:
    generator = torch.Generator().manual_seed(0)
    picture = torch.rand((1, 3, side, side), generator=generator).to(vgg.device)
    objective = style_transfer_objective(vgg, picture, [picture], resolve({}))
    best = float("inf")
    for _ in range(3):  # the first loads and allocates
        started = time.perf_counter()
        variable = (picture + 0.01).requires_grad_()
        (gradient,) = torch.autograd.grad(objective(variable).sum(), variable)
        gradient.sum().item()  # waits for the device
        best = min(best, time.perf_counter() - started)
    return best / side**2
