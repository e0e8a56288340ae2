"""Colour spaces by their codes: PNG's cICP, and nclx of HEIF. ITU-T H.273."""

from engine.images.matrix_profile import (
    BT709,
    BT709_CURVE,
    BT2020,
    D65,
    DISPLAY_P3,
    SRGB_CURVE,
    Primaries,
)

__all__ = ["LINEAR", "Space", "UnknownSpaceError", "coded_space"]

# Codes of H.273, tables 2 and 3.
PRIMARIES: dict[int, tuple[Primaries, tuple[float, float]]] = {
    1: (BT709, D65),
    4: (((0.67, 0.33), (0.21, 0.71), (0.14, 0.08)), (0.310, 0.316)),
    5: (((0.64, 0.33), (0.29, 0.60), (0.15, 0.06)), D65),
    6: (((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)), D65),
    7: (((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)), D65),
    9: (BT2020, D65),
    11: (DISPLAY_P3, (0.314, 0.351)),
    12: (DISPLAY_P3, D65),
}
LINEAR = (1.0,)
CURVES: dict[int, tuple[float, ...]] = {
    **dict.fromkeys((1, 6, 14, 15), BT709_CURVE),
    4: (2.2,),
    5: (2.8,),
    8: LINEAR,
    13: SRGB_CURVE,
}
UNSPECIFIED = 2
HDR = {16: "high dynamic range (PQ)", 18: "high dynamic range (HLG)"}

Space = tuple[Primaries, tuple[float, ...], tuple[float, float]]
"""Primaries, curve and white."""


class UnknownSpaceError(Exception):
    """Colours that are not converted; the message says what they are."""


def coded_space(primaries: int, transfer: int) -> Space | None:
    """The space of two codes; None if they leave it open.

    Raises:
        UnknownSpaceError: high dynamic range, or reserved codes.
    """
    if UNSPECIFIED in (primaries, transfer):
        return None
    if transfer in HDR:
        raise UnknownSpaceError(HDR[transfer])
    if primaries not in PRIMARIES or transfer not in CURVES:
        raise UnknownSpaceError(f"of a space that is not known (codes {primaries}, {transfer})")
    space, white = PRIMARIES[primaries]
    return space, CURVES[transfer], white
