"""The optimiser that a painting's settings ask for."""

from engine.optimisers.adam import Adam
from engine.optimisers.lbfgs import LBFGS
from engine.optimisers.optimiser import Optimiser
from engine.optimisers.preconditioner import FrequencyPreconditioner
from engine.optimisers.stacked import StackedLBFGS
from engine.settings import Settings

__all__ = ["optimiser_of"]


def optimiser_of(settings: Settings, size: tuple[int, int], device: str) -> Optimiser:
    """A new one, for a picture of (width, height), its margin included.

    `device` is its type. CPUs walk L-BFGS's list of pairs faster, and its states share memory with
    it; elsewhere the many operations would take longer than what they compute.
    """
    if settings.optimiser == "adam":
        return Adam(settings.learning_rate)
    exponent = settings.preconditioning
    at_once = device != "cpu"
    precondition = FrequencyPreconditioner(size, exponent, at_once=at_once) if exponent else None
    form = LBFGS if device == "cpu" else StackedLBFGS
    return form(settings.learning_rate, settings.history, settings.first_move, precondition)
