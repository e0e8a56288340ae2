"""A picture's samples in the form that a file has them: 8 or 16 bits, its colour space, alpha."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.images.profiles import conversion
from engine.images.strips import Floats, Samples, in_unit, strips

__all__ = ["Levels"]

SEED = 0


class Levels:
    """Rows of a picture, top to bottom, as integers: H x W x 3, or x 4 with alpha.

    On the way down to 8 bits the rest is dithered (evenly distributed noise of one level), so that
    a smooth gradient shows no bands; what is a level already stays as it is. Always the same noise.
    """

    def __init__(
        self,
        samples: Samples,
        alpha: Floats | None,
        *,
        bits: int,
        with_alpha: bool,
        profile: bytes | None,
    ) -> None:
        """
        Args:
            bits: 8 or 16.
            with_alpha: otherwise the picture is laid on white.
            profile: of RGB, to whose colours the samples are converted; None: they stay sRGB's.

        Raises:
            ProfileError: a profile without the direction from L*a*b* or XYZ to its colours.
        """
        self.height, self.width = samples.shape[:2]
        self.alpha = alpha if with_alpha else None
        self.channels = 3 if self.alpha is None else 4
        self.kind: Any = np.uint8 if bits == 8 else np.uint16
        self._samples = samples
        self._ground = alpha if not with_alpha else None
        self._convert = conversion(None, profile, "RGB") if profile else None

    @property
    def size(self) -> tuple[int, int]:
        """Width, height."""
        return self.width, self.height

    def bands(self, height: int | None = None) -> Iterator[NDArray[Any]]:
        """All rows, `height` at a time; None: as many as a strip has."""
        noise = np.random.default_rng(SEED)
        parts = (
            strips(*self.size)
            if height is None
            else (slice(top, top + height) for top in range(0, self.height, height))
        )
        for rows in parts:
            yield self._band(rows, noise)

    def _band(self, rows: slice, noise: np.random.Generator) -> NDArray[Any]:
        samples = self._samples[rows]
        if self._ground is not None:
            cover = self._ground[rows, :, None]
            samples = in_unit(samples) * cover + (1 - cover)
        if self._convert is not None:
            samples = self._convert(samples)
        band = self._integers(samples, noise)
        if self.alpha is None:
            return band
        cover = self._integers(self.alpha[rows, :, None], None)
        return np.concatenate([band, cover], axis=2)

    def _integers(self, samples: Samples, noise: np.random.Generator | None) -> NDArray[Any]:
        if samples.dtype == self.kind:
            return samples
        white = np.float32(np.iinfo(self.kind).max)
        if samples.dtype == np.uint8:  # to 16 bits
            return samples * np.uint16(257)
        levels = in_unit(samples).clip(0, 1) * white
        if noise is None or self.kind == np.uint16:
            levels += np.float32(0.5)
        else:
            # Half a level at most, and a little less: a whole level is never left by rounding.
            levels += noise.random(levels.shape, np.float32) * np.float32(0.998) + np.float32(0.001)
        return levels.astype(self.kind)
