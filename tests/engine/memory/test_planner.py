"""Plans: what is counted, what is chosen, and what happens when memory runs out all the same."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import engine.painting
from engine.errors import BudgetError
from engine.images.picture import Picture, read_picture
from engine.memory.peak_memory import PeakMemoryCounter
from engine.memory.planner import Planner
from engine.memory.segmented_network import SegmentedNetwork
from engine.memory.segments import Layout
from engine.network.allocator import is_out_of_memory
from engine.network.vgg import VGG19, load_vgg19
from engine.optimisers.minimise import Objective
from engine.settings import resolve
from engine.stylise import Progress, Result, stylise

SIZE = (640, 512)


@pytest.fixture(scope="module")
def planner(vgg: VGG19) -> Planner:
    return Planner(vgg, resolve({}))


def test_the_counter_counts_what_lives_at_once() -> None:
    with PeakMemoryCounter() as counter:
        x = torch.empty(1000, device="meta")
        y = x + x + x
        view = y[:10]
        del x
    assert (counter.peak, counter.live) == (12_000, 4_000)
    assert view.numel() == 10


def test_without_a_limit_nothing_is_split(planner: Planner) -> None:
    plan = planner.plan(SIZE, 0, 220, None)
    assert (plan.mode, plan.tiles, plan.history, plan.cost) == ("untiled", 1, 50, 1.0)


@pytest.mark.parametrize("budget", [None, 10**12])
def test_what_a_gpu_would_count_in_64_bits_is_tiled(vgg: VGG19, budget: int | None) -> None:
    size = (8192, 5456)
    elsewhere = VGG19(vgg.weights, "meta", "bfloat16")
    for device, settings, mode in (
        (elsewhere, resolve({}), "tiled"),
        (elsewhere, resolve({"style_statistic": "histogram"}), "untiled"),
        (vgg, resolve({}), "untiled"),
    ):
        planner = Planner(device, settings)
        assert planner.plan(size, 0, 220, budget).mode == mode
        assert planner.has_to_be_tiled(size) == (mode == "tiled")
    assert not Planner(elsewhere, resolve({})).has_to_be_tiled((6000, 4000))


def test_no_more_pairs_are_planned_than_steps_make(planner: Planner) -> None:
    assert planner.plan(SIZE, 0, 10, None).history == 8


def test_a_tighter_budget_costs_time_first_and_then_pairs(planner: Planner) -> None:
    untiled = planner.plan(SIZE, 0, 220, None)
    slower = planner.plan(SIZE, 0, 220, int(0.95 * untiled.peak))
    assert (slower.mode, slower.history) == ("tiled", 50)
    assert slower.peak <= 0.95 * untiled.peak
    assert slower.cost > 1
    # The fixed part, the pictures, and room for about ten pairs.
    forgetful = planner.plan(SIZE, 0, 220, planner.predictor.fixed + 30 * 12 * SIZE[0] * SIZE[1])
    assert forgetful.history < 50


def test_what_does_not_fit_is_refused_with_size_budget_and_what_would_fit(vgg: VGG19) -> None:
    with pytest.raises(BudgetError) as refused:
        Planner(vgg, resolve({})).plan((4096, 4096), 0, 220, 1_500_000_000)
    message = str(refused.value)
    assert "4096 x 4096 px need" in message
    assert "budget is 1.50 GB" in message
    assert "px on the longer side would fit" in message
    assert "adam" not in message


def test_what_only_adam_could_paint_is_refused_with_that_advice(vgg: VGG19) -> None:
    planner, size = Planner(vgg, resolve({})), (4096, 4096)
    least = min(
        planner.predictor.predict(size, 0, 1, layout).peak for layout in planner._layouts(size)
    )
    with pytest.raises(BudgetError, match=r"So would this size with `optimiser: adam`"):
        planner.plan(size, 0, 220, least - 10_000_000)


def test_two_tiles_of_each_segment_tell_what_all_of_them_hold(vgg: VGG19) -> None:
    """The count behind a plan, against one in which every tile is run."""
    planner = Planner(vgg, resolve({}))
    layout = Layout(("pool2", "pool3"), (64, 128, None))
    # A process makes the 15 kB of Winograd's matrices once, within the first count that needs them.
    planner.predictor._evaluation((64, 64), layout)
    sketched = planner.predictor._evaluation((300, 200), layout)
    planner.predictor._evaluations.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.memory.prediction._LargestTiles", SegmentedNetwork)
        assert planner.predictor._evaluation((300, 200), layout) == sketched


def test_what_fits_nowhere_else_is_planned_with_the_contents_features_offloaded(
    vgg: VGG19,
) -> None:
    planner = Planner(vgg, resolve({"optimiser": "adam"}))
    size = (4096, 4096)
    choices = planner.choices(size, 0, 220)
    kept = min(plan.peak for plan in choices if not (plan.layout and plan.layout.offloaded))
    plan = planner.plan(size, 0, 220, kept - 200_000_000)
    assert plan.layout is not None
    assert plan.layout.offloaded
    assert planner.from_document(size, 0, plan.document()) == plan
    # Of relu4_2 alone: 512 channels, an eighth of the sides, two bytes or four.
    width = 2 if vgg.precision == "bfloat16" else 4
    aside = width * 512 * (4096 // 8) ** 2
    least = min(choice.peak for choice in choices)
    assert 0.8 * aside < kept - least < 1.3 * aside


def test_small_pictures_are_not_worth_a_plan(planner: Planner) -> None:
    untiled = planner.plan(SIZE, 0, 220, None)
    assert planner.fits_without_plan(SIZE, 0, 220, 20_000_000_000)
    assert not planner.fits_without_plan(SIZE, 0, 220, untiled.peak)


def test_histograms_are_never_taken_in_tiles(vgg: VGG19) -> None:
    planner = Planner(vgg, resolve({"style_statistic": "histogram"}))
    modes = {plan.mode for plan in planner.choices((200, 200), 0, 10)}
    assert modes == {"untiled", "checkpointed"}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to ..."), True),
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be ..."), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 17.93 GB, ..."), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("cuFFT error: CUFFT_ALLOC_FAILED"), True),
        (RuntimeError("cusolver error: CUSOLVER_STATUS_ALLOC_FAILED, when calling ..."), True),
        (RuntimeError("sizes do not match"), False),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_torch_has_several_words_for_out_of_memory(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


@pytest.fixture(scope="module")
def pictures(photograph: Path, painting: Path) -> tuple[Picture, Picture]:
    return read_picture(photograph).thumbnail(128), read_picture(painting).thumbnail(128)


SMALL: dict[str, Any] = {"size": 64, "scales": 1, "steps": 6, "content_boost": 1.0}


@pytest.fixture
def always_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small the picture."""
    monkeypatch.setattr(Planner, "fits_without_plan", lambda *_: False)


def painted(pictures: tuple[Picture, Picture], vgg: VGG19, **options: Any) -> Result:
    content, style = pictures
    *progress, result = stylise(
        content, [style], resolve(SMALL), vgg, preview_seconds=None, **options
    )
    assert isinstance(result, Result)
    assert [step.step for step in progress if isinstance(step, Progress)] == [1, 2, 3, 4, 5, 6]
    return result


@pytest.mark.usefixtures("always_planned")
def test_a_tiled_painting_is_the_untiled_one(
    pictures: tuple[Picture, Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In float64: in float32 rounding decides now and then which of two activations is pooled."""
    vgg = load_vgg19("caffe", "cpu", "float64")
    untiled = painted(pictures, vgg)
    layout = Layout(("pool2", "pool3"), (16, 32, 48))

    def in_tiles(planner: Planner, size: Any, held: int, steps: int, budget: Any) -> Any:
        return planner.predictor.predict(size, held, 50, layout)

    monkeypatch.setattr(Planner, "plan", in_tiles)
    tiled = painted(pictures, vgg, budget=1)
    (plan,) = tiled.plans
    assert (plan.mode, plan.tiles > 5) == ("tiled", True)
    difference = np.abs(tiled.picture.pixels - untiled.picture.pixels).max()
    assert difference < 0.1 / 255


def running_out(at: int) -> Callable[..., Objective]:
    """`style_transfer_objective` whose untiled one finds no memory at its n-th evaluation."""
    original = engine.painting.style_transfer_objective

    def make(*arguments: Any, layout: Layout | None = None, **named: Any) -> Objective:
        objective = original(*arguments, layout=layout, **named)
        evaluations = 0

        def evaluated(picture: torch.Tensor) -> torch.Tensor:
            nonlocal evaluations
            evaluations += 1
            if layout is None and evaluations >= at:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
            return objective(picture)

        return evaluated

    return make


@pytest.mark.usefixtures("always_planned")
@pytest.mark.parametrize("at", [1, 4])
def test_out_of_memory_goes_on_from_the_same_step_in_a_smaller_plan(
    pictures: tuple[Picture, Picture], vgg: VGG19, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    whole = painted(pictures, vgg)
    monkeypatch.setattr(engine.painting, "style_transfer_objective", running_out(at))
    result = painted(pictures, vgg, budget=2**50)
    first, second = result.plans
    assert (first.mode, first.after_out_of_memory) == ("untiled", False)
    assert second.mode in ("checkpointed", "tiled")
    assert second.after_out_of_memory
    assert second.peak < first.peak
    difference = np.abs(result.picture.pixels - whole.picture.pixels).max()
    assert difference < 2 / 255


def test_every_picture_that_is_held_counts_with_its_alpha(
    pictures: tuple[Picture, Picture], vgg: VGG19, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def ample(planner: Planner, size: Any, held: int, *_: int) -> bool:
        asked.append(held - 12 * size[0] * size[1])
        return True

    monkeypatch.setattr(Planner, "fits_without_plan", ample)
    content, style = pictures
    alpha = np.ones(content.samples.shape[:2], np.float32)
    settings = resolve(SMALL | {"steps": 1, "init": "file", "init_file": "a.png"})
    work = stylise(
        Picture(content.samples, alpha), [style], settings, vgg, initial=style, budget=2**50
    )
    next(work)
    held = content.samples.nbytes + alpha.nbytes + 2 * style.samples.nbytes
    assert asked == [held]


class ShortOfMemory(TorchDispatchMode):
    """Counts the operations that take memory, and fails at one of them."""

    def __init__(self, at: int | None = None) -> None:
        super().__init__()
        self.count = 0
        self._at = at

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if any(returned.alias_info is None for returned in func._schema.returns):
            self.count += 1
            if self.count == self._at:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return func(*args, **(kwargs or {}))


def test_wherever_in_a_step_memory_runs_out_the_painting_becomes_the_same(
    pictures: tuple[Picture, Picture], vgg: VGG19, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gone on with by the very plan that ran out of it, so that not even rounding differs."""
    content, style = (picture.thumbnail(48) for picture in pictures)
    shallow = {"content_layers": {"conv1_1": 1.0}, "style_layers": {"conv1_1": 1.0}}
    settings = resolve({"size": 48, "scales": 1, "steps": 3, "content_boost": 1.0} | shallow)
    planner = Planner(vgg, settings)
    plan = planner.unplanned((56, 40), 0, settings.steps)
    monkeypatch.setattr(Planner, "unplanned", lambda *_: plan)
    monkeypatch.setattr(Planner, "smaller", lambda *_: plan)
    original = engine.painting.optimise_scale

    def painted_short_of(memory: ShortOfMemory) -> tuple[Result, list[int]]:
        def optimise_scale(*arguments: Any, **named: Any) -> Any:
            steps = original(*arguments, **named)
            while True:
                with memory:
                    step = next(steps, None)
                if step is None:
                    return
                yield step

        monkeypatch.setattr(engine.painting, "optimise_scale", optimise_scale)
        steps = stylise(content, [style], settings, vgg, preview_seconds=None)
        *_, (_, result) = reached = [(memory.count, step) for step in steps]
        assert isinstance(result, Result)
        return result, [count for count, _ in reached]

    whole, counts = painted_short_of(ShortOfMemory())
    for at in range(counts[0] + 1, counts[1] + 1):  # a move, and the evaluation after it
        result, _ = painted_short_of(ShortOfMemory(at))
        assert len(result.plans) == 1, at
        assert result.losses == whole.losses, at
        assert np.array_equal(result.picture.samples, whole.picture.samples), at
    assert counts[1] - counts[0] > 50


def test_when_nothing_smaller_is_left_it_says_so(
    pictures: tuple[Picture, Picture], vgg: VGG19, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*arguments: Any, **named: Any) -> Objective:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(engine.painting, "style_transfer_objective", never)
    with pytest.raises(BudgetError, match="px need"):
        painted(pictures, vgg)
