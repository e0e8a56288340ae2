"""Preconditioning of L-BFGS by spatial frequency."""

import torch
from torch import Tensor

__all__ = ["FrequencyPreconditioner"]


class FrequencyPreconditioner:
    """Scales a gradient by spatial frequency f, so that large shapes move further than fine grain:
    (f_N / f)^exponent.

    f_N is the Nyquist frequency; below four cycles along the longest side the factor stays what it
    is there. The network answers to fine grain far more strongly than to broad shapes, and L-BFGS
    would have to learn that from its pairs.
    """

    BROADEST = 4  # cycles along the longest side

    def __init__(self, size: tuple[int, int], exponent: float, *, at_once: bool = False) -> None:
        """`at_once`: in fewer operations, for the memory of all spectra instead of one."""
        self._size = size
        self._exponent = exponent
        self._at_once = at_once
        self._gain: Tensor | None = None

    def __call__(self, gradient: Tensor) -> Tensor:
        """Flat, three channels of the size's pixels, or several of these as rows -> the same."""
        width, height = self._size
        if self._gain is None:
            down = torch.fft.fftfreq(height, dtype=gradient.dtype, device=gradient.device)
            across = torch.fft.rfftfreq(width, dtype=gradient.dtype, device=gradient.device)
            frequency = (down[:, None].square() + across[None].square()).sqrt()
            lowest = self.BROADEST / max(width, height)
            self._gain = (0.5 / frequency.clamp(min=lowest)) ** self._exponent
        channels = gradient.view(*gradient.shape[:-1], 3, height, width)
        if self._at_once:
            return self._weighed(channels).flatten(-3)
        # Channel by channel, since a spectrum takes as much memory as what it is of.
        weighed = torch.empty_like(channels)
        for index in range(3):
            weighed[..., index, :, :] = self._weighed(channels[..., index, :, :])
        return weighed.flatten(-3)

    def _weighed(self, channels: Tensor) -> Tensor:
        spectrum = torch.fft.rfft2(channels).mul_(self._gain)
        weighed: Tensor = torch.fft.irfft2(spectrum, s=channels.shape[-2:])
        return weighed
