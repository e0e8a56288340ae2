"""The guard of L-BFGS: no move is long, and one that raises the loss far is taken back."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple, Self

import torch
from torch import Tensor

from engine.optimisers.optimiser import Report, is_improved

__all__ = ["Guard", "Verdict"]

RADIUS = 0.1
"""Root mean square of a move at most, in the picture's units."""

RISE = 1.5
"""A loss above this many times the lowest is that of a move to be taken back."""

SHRINK = 0.25
"""The next move after one that was taken back is at most this long, relative to it. After one that
was kept twice as much as before is permitted, up to `RADIUS`."""

TERMS, LOSS, LIMIT = slice(0, 3), 3, 4
"""Of five numbers: the terms, their sum, and the loss from which on a move is taken back."""


class Verdict(NamedTuple):
    """On the picture that a move led to."""

    numbers: Tensor
    """Its `TERMS`, `LOSS` and `LIMIT`."""
    lower: Tensor
    """Whether no picture before had a lower loss."""
    kept: Tensor
    """Whether the move is not to be taken back."""


@dataclass(frozen=True)
class Guard:
    """The picture with the lowest loss so far, to which a move that raises the loss far is taken
    back, and the length permitted to the next one.

    A trust region (J. Nocedal, S. Wright: Numerical Optimization, 2nd ed., chapter 4), but that
    moderate rises are permitted: without a line search L-BFGS passes through some on its way. Every
    decision is a tensor, so that no number is read back from the device. No tensor is changed in
    place: an earlier guard stays valid.
    """

    picture: Tensor
    """That with the lowest loss."""
    gradient: Tensor
    """Its gradient, flat."""
    numbers: Tensor
    """Its `TERMS`, `LOSS` and `LIMIT`."""
    first: Tensor
    """The loss of the first picture."""
    radius: Tensor
    """`SHRINK` times this is the Euclidean length of the next move, at most: then what follows a
    move that is taken back is its length, and takes no operation."""
    rejections: Tensor
    """Number of moves that were taken back."""
    sums: Tensor
    """5 x 3, from terms to `numbers`."""

    @classmethod
    def at(cls, picture: Tensor, gradient: Tensor, terms: Tensor) -> Self:
        """At the picture that the descent begins with."""
        sums = torch.cat([torch.eye(3), torch.ones(1, 3), torch.full((1, 3), RISE)]).to(terms)
        numbers = sums @ terms
        return cls(
            picture.clone(),
            gradient,
            numbers,
            numbers[LOSS],
            torch.full_like(terms[0], _longest(gradient) / SHRINK, dtype=gradient.dtype),
            torch.zeros_like(terms[0]),
            sums,
        )

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor], device: torch.device) -> Self:
        return cls(**{name: tensor.to(device) for name, tensor in state.items()})

    def state(self) -> dict[str, Tensor]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def terms(self) -> Tensor:
        return self.numbers[TERMS]

    def report(self, terms: Tensor) -> Tensor:
        """All that `read` has to know of a picture with these terms."""
        facts = [self.sums @ terms, self.numbers, self.first[None], self.rejections[None]]
        return torch.cat(facts)

    @staticmethod
    def read(numbers: Sequence[float]) -> Report:
        """What has been reported, by the same comparisons as `judge` makes on the device."""
        here, best, (first, rejections) = numbers[:5], numbers[5:10], numbers[10:]
        rejected = not here[LOSS] <= best[LIMIT]
        return Report(
            (best if rejected else here)[TERMS],
            int(rejections) + rejected,
            rejected,
            is_improved(best[LOSS], first),
        )

    def judge(self, terms: Tensor) -> Verdict:
        """Whether a move that leads to a picture with these terms is to be taken back."""
        numbers = self.sums @ terms
        lower, kept = (numbers[LOSS] <= self.numbers[LOSS:]).unbind()
        return Verdict(numbers, lower, kept)  # not if the loss is no number

    def after(self, picture: Tensor, gradient: Tensor, verdict: Verdict, length: Tensor) -> Self:
        """The guard after a move of this length that led to this picture and gradient."""
        doubled, counted = torch._foreach_add(
            [self.radius, self.rejections], [self.radius, self.sums[LOSS, 0]]
        )
        allowed = torch.where(verdict.kept, doubled, length)
        return type(self)(
            torch.where(verdict.lower, picture, self.picture),
            torch.where(verdict.lower, gradient, self.gradient),
            torch.where(verdict.lower, verdict.numbers, self.numbers),
            self.first,
            allowed.clamp_(max=_longest(gradient) / SHRINK),
            torch.where(verdict.kept, self.rejections, counted),
            self.sums,
        )

    def ended(self, picture: Tensor, terms: Tensor) -> Self:
        """The guard after the last evaluation, which needs no gradient."""
        verdict = self.judge(terms)
        return type(self)(
            torch.where(verdict.lower, picture, self.picture),
            self.gradient,
            torch.where(verdict.lower, verdict.numbers, self.numbers),
            self.first,
            self.radius,
            self.rejections + ~verdict.kept,
            self.sums,
        )

    def limit(self, direction: Tensor, learning_rate: float) -> Tensor:
        """The move along a direction, in its place: the learning rate times it, or shorter, if
        that would be longer than permitted; none along one that is not finite."""
        norm, nothing = torch.linalg.vector_norm(direction), self.sums[0, 1]
        factor = torch.addcdiv(nothing, self.radius, norm, value=SHRINK).clamp_(max=learning_rate)
        return direction.mul_(factor).nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)


def _longest(flat: Tensor) -> float:
    return RADIUS * math.sqrt(flat.numel())
