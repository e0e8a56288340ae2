"""Where the seconds of one optimisation step go, by torch's profiler, in the engine itself."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

from torch.profiler import ProfilerActivity, profile, record_function

from benchmarks.timing import synchronise
from engine.images.picture import Picture
from engine.network.vgg import VGG19
from engine.optimisers.lbfgs import LBFGS
from engine.settings import Settings
from engine.stylise import Progress, stylise

STAGES = ("convolutions forward", "convolutions backward", "Gram matrices", "optimiser", "rest")


@dataclass(frozen=True)
class StepTime:
    seconds: float
    """Of a step, without the profiler."""
    stages: dict[str, float]
    """Seconds of each stage; they add up to `seconds`."""
    kernels: float
    """Launched on CUDA in a step."""
    busy: float
    """Seconds of a step in which a kernel ran on CUDA."""


def step_time(
    content: Picture,
    style: Picture,
    settings: Settings,
    vgg: VGG19,
    *,
    after: int,
    steps: int,
    graphs: bool = True,
) -> StepTime:
    """Time `steps` steps of `stylise`, and profile as many more.

    Args:
        graphs: on CUDA, whether steps are replayed.
        after: steps that go before. L-BFGS's moves take longer the more of them it remembers.
    """
    # A report comes every few steps on an accelerator: enough are asked for to overshoot.
    settings = settings.model_copy(update={"steps": after + 2 * steps + 20, "scales": 1})
    device = str(vgg.device)
    with mock.patch.object(LBFGS, "step", _marked(LBFGS.step)):
        painting: Any = stylise(
            content, [style], settings, vgg, preview_seconds=None, graphs=graphs
        )
        reached = _advance(painting, after)
        count, seconds = _timed(painting, reached, steps, device)
        activities = [ProfilerActivity.CPU]
        if device.startswith("cuda"):
            activities.append(ProfilerActivity.CUDA)
        with profile(activities=activities) as profiler:
            profiled, profiled_seconds = _timed(painting, count + reached, steps, device)
        painting.close()
    events = profiler.events() or []
    launched = [each for each in events if "CUDA" in str(each.device_type)]

    spent = dict.fromkeys(STAGES, 0.0)
    for event in events:
        own = event.self_cpu_time_total
        if device.startswith("cuda"):
            own = event.self_device_time_total if "CPU" in str(event.device_type) else 0.0
        spent[_stage(event)] += own / 1e6
    # What no operation accounts for is Python's and the profiler's, and belongs to the rest.
    spent["rest"] = max(0.0, profiled_seconds - sum(spent[stage] for stage in STAGES[:-1]))
    per_step = seconds / count
    return StepTime(
        per_step,
        {stage: per_step * spent[stage] / sum(spent.values()) for stage in STAGES},
        kernels=len(launched) / profiled,
        busy=sum(each.self_device_time_total for each in launched) / 1e6 / profiled,
    )


def _timed(painting: Iterator[Any], reached: int, steps: int, device: str) -> tuple[int, float]:
    """Steps made, at least `steps`, and their seconds."""
    synchronise(device)
    started = time.perf_counter()
    count = _advance(painting, reached + steps) - reached
    synchronise(device)
    return count, time.perf_counter() - started


def _advance(painting: Iterator[Any], step: int) -> int:
    """Go on until at least `step`; returns the step that is reached."""
    for progress in painting:
        if isinstance(progress, Progress) and progress.step >= step:
            return progress.step
    raise AssertionError("the painting ended early")


def _marked(method: Any) -> Any:
    def step(self: Any, *arguments: Any) -> Any:
        with record_function("optimiser"):
            return method(self, *arguments)

    return step


def _stage(event: Any) -> str:
    """The outermost that is recognised: a product within a Gram matrix belongs to it."""
    found = "rest"
    while event is not None:
        name = event.name
        if name == "optimiser":
            found = "optimiser"
        elif "_Gram" in name:
            found = "Gram matrices"
        elif "onvolutionBackward" in name or "convolution_backward" in name:
            found = "convolutions backward"
        elif name == "Convolution":
            found = "convolutions forward"
        event = event.cpu_parent
    return found
