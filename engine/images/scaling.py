"""Pictures of any size as tensors of the size that is painted, made strip by strip on the host."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from engine.images.picture import HALF_A_LEVEL, Picture
from engine.images.pyramid import Size, resize
from engine.images.strips import Samples, strips, white_of

__all__ = ["scaled", "tensor_of"]


def scaled(
    picture: Picture, size: Size, transform: Callable[[Tensor], Tensor] | None = None
) -> Tensor:
    """1 x 3 x H x W at (width, height), float32 on the host: bit for bit `resize` of the whole
    picture, of which no more than a strip becomes a tensor.

    The filter is separable. Strips are made narrower first, then all of them shorter together.

    With alpha, colours are weighed by it, so that what is invisible does not bleed into what is
    visible. Where nothing is visible is the mean visible colour: it has no texture to paint, and
    shifts the Gram matrices least.

    Args:
        transform: applied to each strip, 1 x 3 x h x W in 0 to 1, at the picture's own size.
    """
    alpha = picture.visible_alpha
    width = size[0]
    narrow = torch.empty((1, 3 if alpha is None else 4, picture.height, width))
    mean = torch.zeros(3, dtype=torch.float64)
    for rows in strips(*picture.size):
        strip = tensor_of(picture.samples[rows])
        if transform is not None:
            strip = transform(strip)
        if alpha is not None:
            cover = torch.from_numpy(np.ascontiguousarray(alpha[rows]))[None, None]
            strip = torch.cat([strip * cover, cover], dim=1)
            mean += strip[0, :3].sum(dim=(1, 2), dtype=torch.float64)
        narrow[..., rows, :] = resize(strip, (width, strip.shape[-2]), clamp=False)
    if picture.size != size:
        narrow = resize(narrow, size, clamp=False)
    if alpha is not None:
        mean /= alpha.sum(dtype=np.float64)
        return _unweighed(narrow, mean.float().view(1, 3, 1, 1))
    return narrow if picture.size == size else narrow.clamp_(0, 1)


def _unweighed(weighed: Tensor, mean: Tensor) -> Tensor:
    """The colours of 1 x 4 x H x W, in which they are multiplied by the fourth channel."""
    cover = weighed[:, 3:]
    visible = cover >= HALF_A_LEVEL  # less is ringing
    return torch.where(visible, weighed[:, :3] / cover, mean).clamp_(0, 1)


def tensor_of(samples: Samples) -> Tensor:
    """H x W x 3 of any kind -> 1 x 3 x H x W, float32, in 0 to 1."""
    planes = torch.from_numpy(np.ascontiguousarray(samples.transpose(2, 0, 1), np.float32))
    return (planes if samples.dtype == np.float32 else planes / white_of(samples))[None]
