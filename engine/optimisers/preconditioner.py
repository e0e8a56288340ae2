"""Preconditioning of L-BFGS by spatial frequency and colour."""

import math
from collections.abc import Sequence
from typing import NamedTuple, TypedDict

import torch
from torch import Tensor

__all__ = ["FrequencyPreconditioner"]

OPPONENT = ((1, 1, 1), (1, 0, -1), (1, -2, 1))
"""Directions of colour, not of length 1: lightness, red against blue, green against both."""

BROADEST = 4
"""Cycles along the longest side, at least, in the lowest octave."""


class FrequencyPreconditioner:
    """Divides a gradient by the curvature in each octave of spatial frequency of each opponent
    colour.

    The network answers to fine grain far more strongly than to broad shapes: before anything is
    learnt, the curvature grows with the frequency to the power of `exponent`, in all colours alike.
    What this picture's objective is like is learnt from a move s and the change y of the gradient:
    the curvature of a band is |y| / |s| there. L-BFGS itself would need many pairs for each band.
    Between the middles of two octaves the curvature is interpolated.
    """

    def __init__(self, size: tuple[int, int], exponent: float, *, at_once: bool = False) -> None:
        """
        Args:
            size: width, height.
            at_once: in fewer operations, for the memory of all spectra instead of one.
        """
        self._size = size
        self._exponent = exponent
        self._at_once = at_once
        self._octaves = max(1, math.floor(math.log2(max(size) / 2 / BROADEST)) + 1)
        self._constants: _Constants | None = None

    def assumed(self, like: Tensor) -> Tensor:
        """Curvatures before any is learnt, in no unit: 3 colours x octaves, the finest last."""
        return self._at(like).assumed

    def __call__(self, gradient: Tensor, curvatures: Tensor) -> Tensor:
        """Flat, three channels of the size's pixels -> the same, divided by the curvatures."""
        divided: Tensor | None = None
        for colours, each in zip(self._turns(gradient), self._split(curvatures), strict=True):
            part = self._divided(self._spectra(gradient[None], colours), each, colours)
            divided = part if divided is None else divided.add_(part)
        assert divided is not None
        return divided

    def learnt(self, change: Tensor, move: Tensor) -> Tensor:
        """The curvatures, 3 x octaves, that a pair tells of. Flat each."""
        amplitudes = [
            torch.cat([self._amplitudes(self._spectra(x[None], colours)) for x in (change, move)])
            for colours in self._turns(move)
        ]
        changed, moved = torch.cat(amplitudes, dim=1).unbind()
        return changed / moved

    def divided_as_learnt(self, rows: Tensor) -> Tensor:
        """The first row divided by the curvatures that the others tell of: a gradient, a move and
        a change, flat each. In as few operations as can be."""
        colours = self._at(rows).colours
        spectra = self._spectra(rows, colours)
        moved, changed = self._amplitudes(spectra[1:]).unbind()
        return self._divided(spectra[:1], changed / moved, colours)

    def _turns(self, like: Tensor) -> Sequence[Tensor]:
        """Colours that are computed at once: a spectrum takes as much memory as what it is of."""
        return self._split(self._at(like).colours)

    def _split(self, by_colour: Tensor) -> Sequence[Tensor]:
        return [by_colour] if self._at_once else by_colour.unsqueeze(1).unbind()

    def _spectra(self, rows: Tensor, colours: Tensor) -> Tensor:
        """Of the parts of some colours: rows x colours x H x (W // 2 + 1)."""
        width, height = self._size
        parts = torch.bmm(colours.expand(len(rows), -1, -1), rows.view(len(rows), 3, -1))
        spectra: Tensor = torch.fft.rfft2(parts.view(len(rows), -1, height, width))
        return spectra

    def _amplitudes(self, spectra: Tensor) -> Tensor:
        """Their sums in each octave: rows x colours x octaves."""
        bands, least = self._at(spectra).bands, self._at(spectra).least
        sums = torch.addmm(least, spectra.abs().view(-1, bands.shape[1]), bands.T)
        return sums.view(*spectra.shape[:2], -1)

    def _divided(self, spectra: Tensor, curvatures: Tensor, colours: Tensor) -> Tensor:
        """Of one row of spectra, which is changed: flat, the sum of the colours' parts."""
        width, height = self._size
        spectra.div_((curvatures @ self._at(curvatures).bands).view(spectra.shape))
        parts = torch.fft.irfft2(spectra, s=(height, width)).view(len(colours), -1)
        divided: Tensor = colours.T @ parts
        return divided.view(-1)

    def _at(self, like: Tensor) -> "_Constants":
        if self._constants is None:
            width, height = self._size
            kind: _Kind = {"dtype": like.dtype, "device": like.device}
            down, across = torch.fft.fftfreq(height, **kind), torch.fft.rfftfreq(width, **kind)
            frequency = (down[:, None].square() + across[None].square()).sqrt().flatten()
            octaves = torch.arange(1.0 - self._octaves, 1, **kind)
            at = (2 * frequency).log2_().clamp_(min=1.0 - self._octaves, max=0)
            bands = torch.empty(self._octaves, len(at), **kind)
            for band, octave in zip(bands, octaves, strict=True):
                torch.sub(at, octave, out=band).abs_().neg_().add_(1).clamp_(min=0)
            self._constants = _Constants(
                torch.nn.functional.normalize(torch.tensor(OPPONENT, **kind)),
                bands,
                torch.full((self._octaves,), torch.finfo(like.dtype).tiny, **kind),
                (self._exponent * octaves).exp2_().expand(3, -1),
            )
        return self._constants


class _Constants(NamedTuple):
    colours: Tensor
    """Of length 1, as rows."""
    bands: Tensor
    """The share of each octave at each frequency of a spectrum: octaves x H (W // 2 + 1)."""
    least: Tensor
    """What a sum of amplitudes has at least: octaves."""
    assumed: Tensor
    """Curvatures: 3 x octaves."""


class _Kind(TypedDict):
    dtype: torch.dtype
    device: torch.device
