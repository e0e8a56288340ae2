"""The guard of L-BFGS: no move is long, and one that raises the loss far is taken back."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor

__all__ = ["Guard"]

RADIUS = 0.1
"""Root mean square of a move at most, in the picture's units."""

RISE = 1.5
"""A loss above this many times the lowest is that of a move to be taken back."""

SHRINK = 0.25
"""The next move after one that was taken back is at most this long, relative to it."""

GROW = 2.0
"""Factor of the longest move permitted after one that was kept, up to `RADIUS`."""


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
    terms: Tensor
    """Its terms, of which the loss is the sum."""
    first: Tensor
    """The loss of the first picture."""
    radius: Tensor
    """Root mean square of the next move, at most."""
    rejected: Tensor
    """Number of moves that were taken back."""

    @classmethod
    def at(cls, picture: Tensor, gradient: Tensor, terms: Tensor) -> Self:
        """At the picture that the descent begins with."""
        loss = terms.sum()
        return cls(
            picture.clone(),
            gradient,
            terms,
            loss,
            torch.full_like(loss, RADIUS, dtype=gradient.dtype),
            torch.zeros_like(loss),
        )

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor], device: torch.device) -> Self:
        return cls(**{name: tensor.to(device) for name, tensor in state.items()})

    def state(self) -> dict[str, Tensor]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def rejects(self, terms: Tensor) -> Tensor:
        """Whether a move that leads to a picture with these terms is to be taken back."""
        return ~(terms.sum() <= RISE * self.terms.sum())  # one that is not a number, too

    @property
    def improved(self) -> Tensor:
        """Whether the loss was lowered, or was 0 from the start."""
        return (self.terms.sum() < self.first) | (self.first == 0)

    def after(self, picture: Tensor, gradient: Tensor, terms: Tensor, move: Tensor) -> Self:
        """The guard after a move that led to a picture with this gradient and these terms."""
        rejected, lower = self.rejects(terms), self._lower(terms)
        allowed = torch.where(rejected, root_mean_square(move) * SHRINK, self.radius * GROW).clamp(
            max=RADIUS
        )
        return type(self)(
            torch.where(lower, picture, self.picture),
            torch.where(lower, gradient, self.gradient),
            torch.where(lower, terms, self.terms),
            self.first,
            allowed,
            self.rejected + rejected,
        )

    def ended(self, picture: Tensor, terms: Tensor) -> Self:
        """The guard after the last evaluation, which needs no gradient."""
        lower = self._lower(terms)
        return type(self)(
            torch.where(lower, picture, self.picture),
            self.gradient,
            torch.where(lower, terms, self.terms),
            self.first,
            self.radius,
            self.rejected + self.rejects(terms),
        )

    def limit(self, move: Tensor) -> None:
        """Shorten a move in place to the length permitted; one that is not finite becomes none."""
        length = root_mean_square(move)
        tiny = torch.finfo(move.dtype).tiny
        move.mul_((self.radius / length.clamp(min=tiny)).clamp(max=1))
        move.masked_fill_(~torch.isfinite(length), 0)

    def _lower(self, terms: Tensor) -> Tensor:
        return terms.sum() < self.terms.sum()


def root_mean_square(flat: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(flat)
    return length / math.sqrt(flat.numel())
