"""How fast the machine is just now, by a kernel that never changes.

One convolution of VGG19's kind (128 channels to 128, 3 x 3, at 128 x 128 positions, channels_last;
4.8 GFLOP) in float32 and in bfloat16. It is timed before and after every run. A shared or a warm
machine drifts by tens of percent within the hours that a comparison takes; seconds divided by the
kernel's are comparable all the same.
"""

from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F

from benchmarks.timing import seconds_of

SIDE, AT_LEAST = 128, 0.7
"""Positions of the kernel's sides, and seconds for which each type is timed."""


@dataclass(frozen=True)
class Calibration:
    """Seconds of the kernel in each type."""

    float32: float
    bfloat16: float

    @classmethod
    def measure(cls, device: str) -> Self:
        return cls(_kernel(device, torch.float32), _kernel(device, torch.bfloat16))

    def of(self, precision: str) -> float:
        """Seconds in this type; float32's for integers, which have no kernel of their own."""
        return self.bfloat16 if precision == "bfloat16" else self.float32


def drift(before: Calibration, after: Calibration, fastest: Calibration, precision: str) -> float:
    """How many times slower the machine was during a run than at its fastest.

    A run's seconds are divided by this: the mean of the kernel before and after it, in the run's
    type, over the fastest kernel that is known.
    """
    return (before.of(precision) + after.of(precision)) / 2 / fastest.of(precision)


def fastest_of(calibrations: list[Calibration]) -> Calibration:
    return Calibration(min(c.float32 for c in calibrations), min(c.bfloat16 for c in calibrations))


@torch.no_grad()
def _kernel(device: str, dtype: torch.dtype) -> float:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 128, SIDE, SIDE, generator=generator)
    weight = torch.randn(128, 128, 3, 3, generator=generator)
    x = x.to(device, dtype, memory_format=torch.channels_last)
    weight = weight.to(device, dtype, memory_format=torch.channels_last)
    return seconds_of(lambda: F.conv2d(x, weight, padding=1), device, AT_LEAST)
