"""The device's numbers beside the CPU's: the objective's terms, its gradient, a short descent.

Beside them whether the descent has the same pixels a second time, and without graphs.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from benchmarks.pictures.pairs import CONTENT, STYLE
from engine.images.picture import Picture, read_picture
from engine.network.vgg import VGG19, load_vgg19
from engine.objective import style_transfer_objective
from engine.settings import Settings, resolve
from engine.stylise import Result, stylise

__all__ = ["COLUMNS", "rows"]

COLUMNS = (
    *("size", "precision", "terms", "gradient", "cosine", "loss after 12 steps", "pixels, rms"),
    *("a second time", "without graphs"),
)

STEPS = 12

PRECISIONS = {
    "float32, IEEE": ("float32", False),
    "float32, TF32 in convolutions": ("float32", True),
    "bfloat16": ("bfloat16", True),
}
"""torch permits TF32 in cuDNN's convolutions unless it is told otherwise."""


def rows(
    device: str, sizes: Sequence[int], time_is_left: Callable[[], bool]
) -> Iterator[Sequence[object]]:
    """Of the smallest size, which the CPU can follow."""
    side = min(*sizes[:2], 256)
    exact = _measured(load_vgg19("caffe", "cpu", "float32"), side) if time_is_left() else None
    for name, (precision, tf32) in PRECISIONS.items():
        if exact is None or not time_is_left():
            yield (side, name, "no time left")
            continue
        with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=tf32):
            vgg = load_vgg19("caffe", device, precision)
            ours = _measured(vgg, side)
            repeated = [_descended(vgg, side, graphs=graphs) for graphs in (True, False)]
        found = ["the same" if _distance(each, ours[2]) == 0 else "differs" for each in repeated]
        yield (side, name, *_compared(ours, exact), *found)


def _compared(
    ours: tuple[Tensor, Tensor, Result], exact: tuple[Tensor, Tensor, Result]
) -> Iterator[str]:
    (terms, gradient, result), (terms_there, gradient_there, there) = ours, exact
    yield f"{float(((terms - terms_there).abs() / terms_there.abs().clamp(min=1e-12)).max()):.1e}"
    yield f"{float((gradient - gradient_there).norm() / gradient_there.norm()):.1e}"
    yield f"{float(torch.cosine_similarity(gradient, gradient_there, dim=0)):.6f}"
    yield f"{result.losses.total / there.losses.total - 1:+.2%}"
    yield f"{_distance(result, there):.4f}"


def _distance(one: Result, other: Result) -> float:
    away = torch.from_numpy(one.picture.pixels - other.picture.pixels)
    return float(away.square().mean().sqrt())


def _measured(vgg: VGG19, side: int) -> tuple[Tensor, Tensor, Result]:
    """Terms and gradient at the content, and the end of a short descent, on the CPU."""
    settings, content, style = _order(side)
    picture = content.to_tensor(vgg.device).requires_grad_()
    objective = style_transfer_objective(vgg, picture.detach(), [style], settings)
    terms = objective(picture * 0.9)
    (gradient,) = torch.autograd.grad(terms.sum(), picture)
    result = _descended(vgg, side, graphs=True)
    return terms.detach().double().cpu(), gradient.detach().double().cpu().flatten(), result


def _descended(vgg: VGG19, side: int, *, graphs: bool) -> Result:
    settings, content, style = _order(side)
    *_, result = stylise(content, [style], settings, vgg, preview_seconds=None, graphs=graphs)
    assert isinstance(result, Result)
    return result


def _order(side: int) -> tuple[Settings, Picture, Picture]:
    content, style = (read_picture(path).thumbnail(side) for path in (CONTENT, STYLE))
    return resolve({"size": side, "scales": 1, "steps": STEPS}), content, style
