"""What a plan says of the memory that is freed between evaluations."""

import pytest

from engine.memory import planned_scales
from engine.memory.planned_scales import PlannedScales
from engine.memory.planner import Planner
from engine.network.allocator import freed_memory_kept
from engine.network.vgg import VGG19
from engine.settings import resolve

SIZE = (1024, 768)


@pytest.mark.parametrize(
    ("device", "share", "kept"),
    [
        ("cpu", None, True),
        ("cpu", 3.0, True),
        ("cpu", 1.2, False),
        ("cpu", 0.5, False),
        ("meta", None, False),
    ],
)
def test_freed_memory_is_kept_where_its_gaps_fit_into_the_budget(
    vgg: VGG19, monkeypatch: pytest.MonkeyPatch, device: str, share: float | None, kept: bool
) -> None:
    """`share`: of what an untiled evaluation takes besides what every painting takes."""
    settings = resolve({})
    planner = Planner(vgg, settings)
    fixed = planner.predictor.fixed
    untiled = planner.unplanned(SIZE, 0, 220).peak
    budget = None if share is None else fixed + int(share * (untiled - fixed))
    entered = []

    def recorded() -> object:
        entered.append(True)
        return freed_memory_kept()

    monkeypatch.setattr(planned_scales, "freed_memory_kept", recorded)
    network = vgg if device == "cpu" else VGG19(vgg.weights, device, "float32")
    scales = PlannedScales(network, settings, budget)
    steps = scales.optimise(
        lambda layout: lambda picture: picture,  # type: ignore[arg-type, return-value]
        lambda objective, settings, resume: iter(()),
        SIZE,
        220,
        held=0,
    )
    assert not list(steps)
    assert bool(entered) == kept
