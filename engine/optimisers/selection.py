"""The optimiser that a painting's settings ask for."""

from engine.optimisers.adam import Adam
from engine.optimisers.lbfgs import LBFGS
from engine.optimisers.optimiser import Optimiser
from engine.optimisers.preconditioner import FrequencyPreconditioner
from engine.settings import Settings

__all__ = ["optimiser_of"]


def optimiser_of(settings: Settings, size: tuple[int, int]) -> Optimiser:
    """A new one, for a picture of (width, height), its margin included."""
    if settings.optimiser == "adam":
        return Adam(settings.learning_rate)
    exponent = settings.preconditioning
    precondition = FrequencyPreconditioner(size, exponent) if exponent else None
    return LBFGS(settings.learning_rate, settings.history, settings.first_move, precondition)
