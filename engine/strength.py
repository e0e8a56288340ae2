"""`strength`: from the content (0) to a picture that is nearly all style (100).

A strength sets three things. Up to `STANDARD` the style's weight relative to the content's rises
over nearly four powers of ten, in steps that look even. Near 0 a faint style moves no colours, so
the start goes from the content's colours to the style's. Beyond `STANDARD` more weight alone
changes little, because the optimisation finds the style in the shapes that it starts from. There
the structure is freed: the painting begins at half the size, where the style's large shapes replace
the content's, and less of the content's fine structure is added at each larger scale. (A start from
noise frees it too; `docs/benchmarks.md` has both.)
"""

import bisect
from dataclasses import dataclass

__all__ = ["STANDARD", "StrengthPreset", "strength_preset"]

STANDARD = 75.0
"""The strength that changes nothing in the settings."""


@dataclass(frozen=True)
class StrengthPreset:
    """The values that a strength stands for."""

    style: float
    """Factor of the style's weight."""
    colours: float
    """Colours of the start: 0 the content's own, 1 those that `init_colours` asks for."""
    structure_freedom: float
    """0: the content's structure as it is. 1: all of `coarse_steps` at half the size that a
    painting begins at otherwise, and no fine structure of the content added at larger scales."""


# Strength -> log10 of the style's factor. Set so that at 256 px, on the mean of four pairs, the
# distance between painting and photograph grows evenly: the squared differences of VGG19's
# channels, normalised at each position, added up over relu1_2, 2_2, 3_4, 4_4 and 5_4
# (`python -m benchmarks strength`).
KNOTS = (
    (1.0, -3.7),
    (5.0, -2.55),
    (15.0, -2.17),
    (25.0, -2.05),
    (40.0, -1.56),
    (50.0, -1.18),
    (60.0, -0.77),
    (67.0, -0.44),
    (STANDARD, 0.0),
    (100.0, 2.0),
)
FULL_COLOURS = 25.0


def strength_preset(strength: float | None) -> StrengthPreset:
    """The preset of a strength of 0 to 100; None: as `STANDARD`."""
    if strength is None or strength == STANDARD:
        return StrengthPreset(1.0, 1.0, 0.0)
    beyond = max(0.0, (strength - STANDARD) / (100 - STANDARD))
    return StrengthPreset(_style(strength), min(1.0, strength / FULL_COLOURS), beyond)


def _style(strength: float) -> float:
    first, exponent = KNOTS[0]
    if strength <= first:  # down to 0
        return float(10**exponent * strength / first)
    after = bisect.bisect_left([knot for knot, _ in KNOTS], strength)
    (left, low), (right, high) = KNOTS[after - 1 : after + 1]
    share = (strength - left) / (right - left)
    return float(10 ** (low + share * (high - low)))
