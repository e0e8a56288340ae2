"""Reconstructs a picture's content or style from VGG19's layers, starting from white noise.

The two figures of E. Huang's article (2019), after figure 1 of L. Gatys, A. Ecker, M. Bethge (CVPR
2016): the content from one layer's mapping at a time, and the style from the Gram matrices of the
first 1, 2, ..., 5 layers. Each is a painting by `stylise` with one half of its objective.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch

from engine.errors import Problem, SettingsError
from engine.images.picture import Picture
from engine.images.pyramid import extend, pyramid_sizes
from engine.images.scaling import scaled
from engine.losses.functional import gram_matrix
from engine.network.layers import multiplications_of
from engine.network.vgg import VGG19
from engine.scheduling.pace import Pace
from engine.settings import CONVOLUTIONS, LAYERS, Settings, resolve
from engine.stylise import Progress, Result, stylise

__all__ = [
    "FIRST_OF_EACH_BLOCK",
    "RECIPES",
    "Kind",
    "Reconstruction",
    "check_layers",
    "groups_of",
    "reconstruct",
]

Kind = Literal["content", "style"]

FIRST_OF_EACH_BLOCK = tuple(f"conv{block}_1" for block in range(1, len(CONVOLUTIONS) + 1))
"""The layers of both figures: conv1_1, conv2_1, ..., conv5_1."""

# One scale: between scales `stylise` adds the content's fine structure, which here only the layers
# should supply. Average pooling, as Gatys et al. advise, and the total variation remove the
# high-frequency noise that deep layers do not see; chosen by looking at Tuebingen and Starry Night.
# No clamp, as in the preset `article`.
_FROM_NOISE: dict[str, Any] = {
    "size": 256,
    "scales": 1,
    "steps": 100,
    "history": 100,
    "content_boost": 1.0,
    "preconditioning": 0.0,  # it slows fine grain down, and noise is fine grain
    "style_evenness": 0.0,
    "init": "noise",
    "init_colours": "content",
    "clamp": False,
    "pooling": "average",
    "style_scale": 1.0,
}
RECIPES: dict[Kind, dict[str, Any]] = {
    "content": {**_FROM_NOISE, "tv_weight": 1.0},
    "style": {**_FROM_NOISE, "tv_weight": 0.03},
}
"""Settings to start from; the layers' weights follow from the picture."""

FAINTEST = 1e-6
"""Floor of a layer's mean square, of which its weight is the inverse."""


@dataclass(frozen=True)
class Reconstruction:
    """The picture that these layers together reconstruct."""

    layers: tuple[str, ...]
    result: Result


def groups_of(kind: Kind, layers: Sequence[str]) -> list[tuple[str, ...]]:
    """The layers behind each picture of the figure: one at a time, or the first 1, 2, ... of them.

    >>> groups_of("style", ["conv1_1", "conv2_1"])
    [('conv1_1',), ('conv1_1', 'conv2_1')]
    """
    if kind == "content":
        return [(layer,) for layer in layers]
    return [tuple(layers[:count]) for count in range(1, len(layers) + 1)]


def reconstruct(
    kind: Kind, picture: Picture, layers: Sequence[str], settings: Settings, vgg: VGG19
) -> Iterator[Progress | Reconstruction]:
    """Paint each picture of the figure: progress after progress, and each picture when it is done.

    Progress tells the step of the picture under way, but the fraction, the seconds and the time to
    go of the whole figure. The picture's alpha is ignored.

    Args:
        layers: names from `engine.settings.LAYERS`, each once.
        settings: such as `resolve(RECIPES[kind])`; what they say of layers, of the weights of
            content and style, and of the start is replaced, and one scale is painted.

    Raises:
        SettingsError: no such layer, one twice, or none.
        PictureError, NumericalError: as `stylise`.
    """
    check_layers(layers)
    pace = Pace()
    opaque = picture.opaque()
    shares = _shares(kind, opaque, layers, settings, vgg)
    groups = groups_of(kind, layers)
    costs = [_cost(group) for group in groups]
    done = [cost / sum(costs) for cost in itertools.accumulate(costs, initial=0.0)]
    for group, before, after in zip(groups, done, done[1:], strict=False):
        own = _alone(kind, {name: shares[name] for name in group}, settings)
        for step in stylise(opaque, [opaque], own, vgg, preview_seconds=None):
            if isinstance(step, Result):
                yield Reconstruction(group, step)
                continue
            fraction = before + (after - before) * step.fraction
            yield replace(
                step, fraction=fraction, seconds=pace.seconds, eta_seconds=pace.to_go(fraction)
            )


def check_layers(layers: Sequence[str]) -> None:
    """Refuse layers that a figure cannot be made of.

    Raises:
        SettingsError: no such layer, one twice, or none.
    """
    problems = []
    if not layers:
        problems.append(Problem(("layers",), "none", "at least one layer of VGG19"))
    try:
        resolve({"style_layers": dict.fromkeys(layers, 1.0)})
    except SettingsError as error:
        problems += [replace(each, path=("layers",)) for each in error.problems]
    twice = sorted({name for name in layers if layers.count(name) > 1})
    problems += [Problem(("layers",), f"{name} twice", "each layer once") for name in twice]
    if problems:
        raise SettingsError(problems)


def _alone(kind: Kind, shares: dict[str, float], settings: Settings) -> Settings:
    """The settings with these layers as the whole objective."""
    other: Kind = "style" if kind == "content" else "content"
    fixed = {"init": "noise", "init_colours": "content", "scales": 1, "style_blend": None}
    fixed |= {"scale_steps": None, "seconds": None}
    own: dict[str, Any] = {f"{kind}_layers": shares, f"{kind}_weight": 1.0}
    none: dict[str, Any] = {f"{other}_layers": {}, f"{other}_weight": 0.0}
    return resolve(settings.model_dump() | fixed | own | none)


def _shares(
    kind: Kind, picture: Picture, layers: Sequence[str], settings: Settings, vgg: VGG19
) -> dict[str, float]:
    """A weight for each layer: 1 over the mean square of its target.

    A layer's loss is then near 1 for a picture without any of it, whatever its depth, so that one
    weight of the total variation means the same for all layers.
    """
    (size,) = pyramid_sizes(
        picture.size, settings.longest_side(picture.size), 1, settings.scale_factor
    )
    small = scaled(picture, size).to(vgg.device)
    with torch.no_grad():
        targets = vgg.features(
            extend(small, settings.margin), layers, settings.pooling, settings.padding
        )
        if kind == "style":
            targets = {name: gram_matrix(f, settings.gram) for name, f in targets.items()}
        squares = {name: float(targets[name].float().square().mean()) for name in layers}
    return {name: 1 / max(square, FAINTEST) for name, square in squares.items()}


def _cost(layers: Sequence[str]) -> float:
    """Multiplications up to the deepest of the layers."""
    deepest = max(LAYERS.index(name) for name in layers)
    computed = LAYERS[: deepest + 1]
    return sum(multiplications_of(name) for name in computed if name.startswith("conv"))
