"""The device's numbers beside the CPU's: the objective's terms, its gradient, a short descent."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from benchmarks.pictures.pairs import CONTENT, STYLE
from engine.images.picture import read_picture
from engine.network.vgg import VGG19, load_vgg19
from engine.objective import style_transfer_objective
from engine.settings import resolve
from engine.stylise import Result, stylise

__all__ = ["COLUMNS", "rows"]

COLUMNS = ("size", "precision", "terms", "gradient", "cosine", "loss after 12 steps", "pixels, rms")

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
            ours = _measured(load_vgg19("caffe", device, precision), side)
        yield (side, name, *_compared(ours, exact))


def _compared(
    ours: tuple[Tensor, Tensor, Result], exact: tuple[Tensor, Tensor, Result]
) -> Iterator[str]:
    (terms, gradient, result), (terms_there, gradient_there, there) = ours, exact
    yield f"{float(((terms - terms_there).abs() / terms_there.abs().clamp(min=1e-12)).max()):.1e}"
    yield f"{float((gradient - gradient_there).norm() / gradient_there.norm()):.1e}"
    yield f"{float(torch.cosine_similarity(gradient, gradient_there, dim=0)):.6f}"
    yield f"{result.losses.total / there.losses.total - 1:+.2%}"
    away = torch.from_numpy(result.picture.pixels - there.picture.pixels)
    yield f"{float(away.square().mean().sqrt()):.4f}"


def _measured(vgg: VGG19, side: int) -> tuple[Tensor, Tensor, Result]:
    """Terms and gradient at the content, and the end of a short descent, on the CPU."""
    settings = resolve({"size": side, "scales": 1, "steps": STEPS})
    content, style = (read_picture(path).thumbnail(side) for path in (CONTENT, STYLE))
    picture = content.to_tensor(vgg.device).requires_grad_()
    objective = style_transfer_objective(vgg, picture.detach(), [style], settings)
    terms = objective(picture * 0.9)
    (gradient,) = torch.autograd.grad(terms.sum(), picture)
    *_, result = stylise(content, [style], settings, vgg, preview_seconds=None)
    assert isinstance(result, Result)
    return terms.detach().double().cpu(), gradient.detach().double().cpu().flatten(), result
