"""Two recipes as they are published, each a process of its own: torch's L-BFGS, float32.

`plain`: the loss of Gatys et al. (2016; `preset: gatys`), the strongest baseline that is known.
`tutorial`: A. Jacq, Neural Transfer Using PyTorch (pytorch.org; `preset: tutorial`). Both clamp in
the closure, as the tutorial does, leave L-BFGS its defaults, and have torch's convolutions (for the
gradient one with the kernels turned, which on a CPU is faster than torch's gradient).

    python -m benchmarks.race.plain plain CONTENT STYLE --steps 500 --every 25 --folder OUT

writes OUT/NNNNN.png after every 25 evaluations, and their seconds into OUT/trajectory.json.
"""

import argparse
import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.race.recorder import Recorder
from engine.images.picture import Picture, read_picture
from engine.images.pyramid import pyramid_sizes, resize
from engine.network.devices import prepare_process
from engine.network.vgg import VGG19
from engine.network.weights import load_weights
from engine.objective import style_transfer_objective
from engine.settings import Settings, resolve

VERSION = 1
"""Of the recipes; cached runs of another are not used."""

TRIAL, RISE = 25, 5.0
"""A run has gone astray whose loss is not below the first after so many evaluations, or after a
multiple of them above so many times that of an earlier multiple."""

FIRST_MOVE = 0.01
"""Root mean square of the first move of a second attempt, in the range 0 to 1."""


class _Finished(Exception):  # noqa: N818
    pass


class _Astray(Exception):  # noqa: N818
    pass


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.race.plain", description=__doc__)
    parser.add_argument("recipe", choices=["plain", "tutorial"])
    parser.add_argument("content", type=Path)
    parser.add_argument("style", type=Path)
    parser.add_argument("--size", type=int, default=512, help="longest side, in pixels")
    parser.add_argument("--steps", type=int, default=500, help="evaluations of the loss")
    parser.add_argument("--every", type=int, default=25, help="evaluations between pictures")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    recorder = Recorder(options.folder, options.every, options.steps)
    prepare_process()  # subnormal numbers cost it as much as they would us

    settings = resolve({"preset": "gatys" if options.recipe == "plain" else "tutorial"})
    settings, note = with_weights_at_hand(settings)
    if note:
        recorder.note(note)
    source = read_picture(options.content)
    (size,) = pyramid_sizes(source.size, options.size, 1, 2.0)
    target = resize(source.to_tensor(options.device), size)
    painting = read_picture(options.style).to_tensor(options.device)
    vgg = VGG19(load_weights(settings.weights), options.device, "float32", winograd=False)
    objective = style_transfer_objective(vgg, target, [painting], settings)

    recorder.mark()
    attempt = _Attempt(objective, target, recorder, options.steps)
    try:
        attempt.paint()
    except _Astray:
        recorder.rewind(
            f"torch's first move led astray; begun again with one of {FIRST_MOVE:g} (root mean "
            "square), the seconds until then not counted"
        )
        attempt.paint(first_move=FIRST_MOVE)
    recorder.save()


def with_weights_at_hand(settings: Settings) -> tuple[Settings, str]:
    """The settings with Oxford's weights where torchvision's are asked for and not on this machine.

    Oxford's network is shown 0 to 255, torchvision's 0 to 1 over a deviation of 0.225; ReLU and
    pooling keep the factor between them all the way up. So the content weight is divided by its
    square and the style weight by its fourth power: the recipe's balance stays.
    """
    folder = Path(torch.hub.get_dir(), "checkpoints")
    if settings.weights != "torchvision" or any(folder.glob("vgg19-*.pth")):
        return settings, ""
    factor = 255 * 0.225
    changes = {
        "weights": "caffe",
        "content_weight": settings.content_weight / factor**2,
        "style_weight": settings.style_weight / factor**4,
    }
    note = "Oxford's weights for want of torchvision's, loss weights scaled to match"
    return resolve(settings.model_dump(), changes), note


class _Attempt:
    """One optimisation by torch's L-BFGS, which ends by an exception from its closure."""

    def __init__(
        self, objective: Callable[[Tensor], Tensor], start: Tensor, recorder: Recorder, steps: int
    ) -> None:
        self._objective = objective
        self._start = start
        self._recorder = recorder
        self._steps = steps
        self._limit = math.nan
        self._rate_of_a_move_of_1 = math.nan

    def paint(self, first_move: float = 0.0) -> None:
        """Paint to the last evaluation.

        torch's first move is the gradient over its sum of magnitudes: no pixel changes by more than
        a millionth or so, the change of the gradient is rounding noise, and so is the second move.
        On some pictures that throws the run far off for good, on others a later move does: the
        painting is black, and stays so. `first_move` is the length that the first one has instead,
        through the learning rate of the first iteration alone.
        """
        picture = self._start.clone().requires_grad_()
        optimiser = torch.optim.LBFGS([picture], lr=1.0, history_size=100)
        evaluations = 0

        def closure() -> Tensor:
            nonlocal evaluations
            with torch.no_grad():
                picture.clamp_(0, 1)
            if self._recorder.wants(evaluations):
                self._recorder.keep(evaluations, Picture.from_tensor(picture))
            if evaluations == self._steps:
                raise _Finished
            optimiser.zero_grad()
            loss = self._objective(picture).sum()
            loss.backward()  # type: ignore[no-untyped-call]
            evaluations += 1
            if evaluations == 1:
                self._remember(loss, picture)
            if evaluations % TRIAL == 0 and not first_move:
                self._check(loss.item())
            return loss

        try:
            if first_move:
                (group,) = optimiser.param_groups
                usual = {"lr": group["lr"], "max_iter": group["max_iter"]}
                group.update(lr=first_move * self._rate_of_a_move_of_1, max_iter=1)
                optimiser.step(closure)  # type: ignore[no-untyped-call]
                group.update(usual)
            while True:
                optimiser.step(closure)  # type: ignore[no-untyped-call]
        except _Finished:
            pass

    def _remember(self, loss: Tensor, picture: Tensor) -> None:
        assert picture.grad is not None
        self._limit = loss.item()
        gradient = picture.grad
        usual = (1 / gradient.abs().sum()).clamp(max=1)  # torch.optim.LBFGS, first iteration
        self._rate_of_a_move_of_1 = (1 / (gradient.square().mean().sqrt() * usual)).item()

    def _check(self, loss: float) -> None:
        if not loss < self._limit:
            raise _Astray
        self._limit = min(self._limit, RISE * loss)


if __name__ == "__main__":
    main()
