"""Pictures of any size as tensors of the size that is painted, made strip by strip on the host."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from engine.images.picture import Picture
from engine.images.pyramid import Size, resize
from engine.images.strips import Samples, strips

__all__ = ["scaled"]


def scaled(
    picture: Picture, size: Size, transform: Callable[[Tensor], Tensor] | None = None
) -> Tensor:
    """1 x 3 x H x W at (width, height), float32 on the host: bit for bit `resize` of the whole
    picture, of which no more than a strip becomes a tensor.

    The filter is separable. Strips are made narrower first, then all of them shorter together.

    Args:
        transform: applied to each strip, 1 x 3 x h x W in 0 to 1, at the picture's own size.
    """
    width = size[0]
    narrow = torch.empty((1, 3, picture.height, width))
    for rows in strips(*picture.size):
        strip = _tensor(picture.samples[rows])
        if transform is not None:
            strip = transform(strip)
        narrow[..., rows, :] = resize(strip, (width, strip.shape[-2]), clamp=False)
    if picture.size == size:
        return narrow
    return resize(narrow, size, clamp=False).clamp_(0, 1)


def _tensor(samples: Samples) -> Tensor:
    planes = torch.from_numpy(np.ascontiguousarray(samples.transpose(2, 0, 1), np.float32))
    return (planes / 255 if samples.dtype == np.uint8 else planes)[None]
