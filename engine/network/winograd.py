"""Convolutions with 3 x 3 kernels in a quarter of the multiplications, for CPUs and float32.

A. Lavin, S. Gray: Fast Algorithms for Convolutional Neural Networks, CVPR 2016: F(4 x 4, 3 x 3).
Tiles of 6 x 6 positions are transformed to 36 values, multiplied with the kernel's 36, summed over
the channels, and transformed back to 4 x 4 positions. It is the algorithm of Toom and Cook: the
values are those of polynomials at five points and at infinity. With the points of B. Barabasz et
al. (Error Analysis and Improving the Accuracy of Winograd Convolution, 2020) the relative error is
some 1e-6, of a plain float32 convolution 2e-7.
"""

import functools

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from numpy.polynomial import polynomial
from torch import Tensor

__all__ = ["FEWEST_CHANNELS", "Edges", "convolve", "gradient", "transformed_kernel"]

POINTS = (0.0, 1.0, -1.0, 0.5, -2.0)
"""And infinity: closed under x -> -1 / x, so that one transformed kernel serves both directions."""

OUTPUT, INPUT = 4, 6
"""Positions of a tile's side."""

VALUES = INPUT * INPUT

FEWEST_CHANNELS = 256
"""In and out together: with fewer the transforms cost what the multiplications save."""

Edges = tuple[int, int, int, int]
"""Positions of padding: left, right, top, bottom. In the order of `F.pad`."""

TILES = 256
"""At a time, about: what they are transformed to stays in the processor's cache."""

_Matrix = npt.NDArray[np.float64]


def transformed_kernel(weight: Tensor) -> Tensor:
    """Out x in x 3 x 3 -> 36 x in x out, in the type and on the device of `weight`."""
    _, kernel, _ = _transforms(POINTS)
    across = torch.from_numpy(np.kron(kernel, kernel)).to(weight)
    taps = weight.permute(2, 3, 1, 0).reshape(9, -1)
    return torch.mm(across, taps).view(VALUES, weight.shape[1], weight.shape[0])


def convolve(
    x: Tensor, kernel: Tensor, bias: Tensor, edges: Edges, padding: str, rectified: bool
) -> Tensor:
    """Pad a picture and convolve it.

    Args:
        x: 1 x C x H x W.
        kernel: of `transformed_kernel`.
        bias: one value a channel of the result.
        edges: left, right, top, bottom: positions of padding.
        padding: a mode of `torch.nn.functional.pad`, or `zeros`.
        rectified: negative values of the result are 0.

    Returns:
        1 x C' x H' x W', channels last.
    """
    mode = "constant" if padding == "zeros" else padding
    return _correlated(x, kernel, _matrices(False, x.device), edges, mode, bias, rectified)


def gradient(g: Tensor, kernel: Tensor, padding: int) -> Tensor:
    """Convolve a gradient, padded with so many zeros all around, with the same kernel, in and out
    exchanged and rotated by 180 degrees. Shapes as of `convolve`."""
    edges = (padding,) * 4
    return _correlated(g, kernel.transpose(1, 2), _matrices(True, g.device), edges)


def _correlated(
    x: Tensor,
    kernel: Tensor,
    matrices: tuple[Tensor, Tensor],
    edges: Edges,
    mode: str = "constant",
    bias: Tensor | None = None,
    rectified: bool = False,
) -> Tensor:
    inwards, outwards = matrices
    left, right, top, bottom = edges
    inputs, outputs = kernel.shape[1:]
    height, width = x.shape[2] + top + bottom - 2, x.shape[3] + left + right - 2
    rows, columns = -(-height // OUTPUT), -(-width // OUTPUT)
    image = _padded(x, edges, mode, rows * OUTPUT - height, columns * OUTPUT - width)
    row, column, _ = image.stride()
    at_a_time = max(1, TILES // columns)
    most = min(rows * columns, max(TILES, columns))
    y = x.new_empty(height, width, outputs)
    # Allocated once: new memory costs more than what is computed in it.
    tiles, values, sums, parts = (
        x.new_empty(count * most)
        for count in (VALUES * inputs, VALUES * inputs, VALUES * outputs, OUTPUT**2 * outputs)
    )
    # Every round works in that memory, so without data one shows what all of them hold.
    for first in range(0, 1 if x.is_meta else rows, at_a_time):
        count = min(at_a_time, rows - first)
        d = tiles[: VALUES * count * columns * inputs].view(INPUT, INPUT, count, columns, inputs)
        d.copy_(
            image[first * OUTPUT :].as_strided(
                d.shape, (row, column, OUTPUT * row, OUTPUT * column, 1)
            )
        )
        v = torch.mm(inwards, d.view(VALUES, -1), out=values[: d.numel()].view(VALUES, -1))
        m = sums[: VALUES * count * columns * outputs].view(VALUES, -1, outputs)
        torch.bmm(v.view(VALUES, -1, inputs), kernel, out=m)
        z = parts[: OUTPUT**2 * count * columns * outputs].view(OUTPUT**2, -1)
        torch.mm(outwards, m.view(VALUES, -1), out=z)
        part = y[first * OUTPUT : (first + count) * OUTPUT]
        _put(z.view(OUTPUT, OUTPUT, count, columns, outputs), part)
        if bias is not None:
            part += bias
        if rectified:
            part.relu_()
    return y.permute(2, 0, 1)[None]


def _padded(x: Tensor, edges: Edges, mode: str, more_rows: int, more_columns: int) -> Tensor:
    """H x W x C with its padding, and with further rows and columns to whole tiles, whatever they
    hold."""
    left, right, top, bottom = edges
    if mode == "circular":
        x = F.pad(x, edges, mode=mode)
        left = right = top = bottom = 0
        mode = "constant"
    wide = (left, right + more_columns, top, bottom + more_rows)
    if any(wide):
        x = F.pad(x, wide, mode=mode)
    return x[0].permute(1, 2, 0).contiguous()


def _put(values: Tensor, onto: Tensor) -> None:
    """Four x four x rows x columns x C onto the H x W x C that those tiles cover.

    The last row of tiles may reach beyond H, the last column beyond W.
    """
    height, width, _ = onto.shape
    row, column, _ = onto.stride()
    down, right = height // OUTPUT, width // OUTPUT
    for tile_rows, inner_rows in _whole_and_rest(down, height):
        for tile_columns, inner_columns in _whole_and_rest(right, width):
            part = values[inner_rows, inner_columns, tile_rows, tile_columns]
            target = onto[tile_rows.start * OUTPUT :, tile_columns.start * OUTPUT :].as_strided(
                part.shape, (row, column, OUTPUT * row, OUTPUT * column, 1)
            )
            target.copy_(part)


def _whole_and_rest(whole: int, length: int) -> list[tuple[slice, slice]]:
    """Tiles and their positions: of the tiles that lie within the length, and of the last one."""
    found = [(slice(0, whole), slice(0, OUTPUT))] if whole else []
    if rest := length - whole * OUTPUT:
        found.append((slice(whole, whole + 1), slice(0, rest)))
    return found


@functools.cache
def _matrices(transposed: bool, device: torch.device) -> tuple[Tensor, Tensor]:
    """Of a tile's 36 positions to its values, and of 36 values to its 16 positions, float32.

    With the kernel rotated, the polynomial of three coefficients g(x) becomes x² g(1 / x): at the
    point -p it is p² times g's value at -1 / p, which is one of the points.
    """
    if not transposed:
        picture, _, back = _transforms(POINTS)
    else:
        picture, kernel, back = _transforms(tuple(-point for point in POINTS))
        _, given, _ = _transforms(POINTS)
        rotated = kernel[:, ::-1]
        # Row i of `rotated` is `factor` times row j of `given`.
        order, factors = zip(*(_proportional(row, given) for row in rotated), strict=True)
        place = np.argsort(order)
        picture, back = picture[place], (back * np.array(factors))[:, place]
    inwards, outwards = (
        torch.from_numpy(np.kron(matrix, matrix)).to(device, torch.float32)
        for matrix in (picture, back)
    )
    return inwards, outwards


def _proportional(row: _Matrix, rows: _Matrix) -> tuple[int, float]:
    """Which of the rows is proportional to this one, and what this one is of it."""
    for index, other in enumerate(rows):
        factor = float(row @ other / (other @ other))
        if np.allclose(row, factor * other):
            return index, factor
    raise AssertionError(row)


@functools.cache
def _transforms(points: tuple[float, ...]) -> tuple[_Matrix, _Matrix, _Matrix]:
    """Of six values of a picture, of three of a kernel, and back to four, along one axis.

    y = back @ ((kernel @ g) * (picture @ d)) is the correlation of d with g.
    """
    back, kernel, picture = (
        np.zeros((OUTPUT, INPUT)),
        np.zeros((INPUT, 3)),
        np.zeros((INPUT, INPUT)),
    )
    for index, point in enumerate(points):
        others = [other for other in points if other != point]
        kernel[index] = point ** np.arange(3) / np.prod([point - other for other in others])
        back[:, index] = point ** np.arange(OUTPUT)
        picture[index, : INPUT - 1] = polynomial.polyfromroots(others)
    picture[-1] = polynomial.polyfromroots(points)
    kernel[-1, -1] = back[-1, -1] = 1.0
    return picture, kernel, back
