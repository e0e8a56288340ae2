"""Style transfer: paints one picture in the style of others, from coarse to fine scales.

L. Gatys, A. Ecker, M. Bethge: Image Style Transfer Using Convolutional Neural Networks, CVPR 2016:
the picture's pixels are optimised until its VGG19 features resemble the content's and their Gram
matrices the style's.
"""

import bisect
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from engine.delivery import delivered, preview_of, with_alpha_of
from engine.errors import (
    BudgetError,
    NumericalError,
    PictureError,
    Problem,
    SettingsError,
    StateError,
)
from engine.images.picture import Picture
from engine.images.pyramid import SMALLEST_SIDE, Size, crop, enlarge, extend
from engine.images.scaling import scaled
from engine.losses.targets import StyleTargets, digest
from engine.memory.plan import Plan
from engine.memory.planner import Planner
from engine.memory.segments import Layout
from engine.network.allocator import is_out_of_memory, release
from engine.network.vgg import VGG19
from engine.objective import style_transfer_objective
from engine.optimisers.minimise import Losses, Objective, Snapshot, Step
from engine.output import output_of
from engine.pace import Pace
from engine.settings import Settings
from engine.stages import Stage, optimise_scale, scales_of, stages_of
from engine.start import initial_canvas, recolouring
from engine.state import State
from engine.strength import strength_preset

__all__ = ["Progress", "Result", "stylise"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """The progress of a painting: `step` of `steps` evaluations at `scale` of `scales` (from 1)."""

    scale: int
    scales: int
    size: tuple[int, int]
    """Width and height of this scale, in pixels."""
    step: int
    steps: int
    fraction: float
    """Fraction of the whole work that is done, 0 to 1; scales count by their pixels."""
    losses: Losses
    rejected_moves: int
    """Moves of L-BFGS that were taken back so far, since the loss had risen far."""
    seconds: float
    """Seconds of computing, those before an interruption included."""
    eta_seconds: float | None
    state: Callable[[], State]
    """The state for `stylise(..., resume=)` at the moment of the call. Any thread may call it, even
    while the next step is computed."""
    preview: Picture | None = None
    """The picture at this scale, with sides of at most `PREVIEW_SIDE`."""


@dataclass(frozen=True)
class Result:
    """The painting, and how it was computed."""

    picture: Picture
    losses: Losses
    size: tuple[int, int]
    steps: int
    """Evaluations at all scales together."""
    rejected_moves: int
    """Moves of L-BFGS that were taken back."""
    seconds: float
    device: str
    precision: str
    weights_name: str
    weights_sha256: str
    plans: tuple[Plan, ...] = ()
    """How each scale was computed, if it was planned: without a budget, or with an ample one, the
    network is computed as a whole. A scale where memory ran out has more than one."""


def stylise(
    content: Picture,
    styles: Sequence[Picture],
    settings: Settings,
    vgg: VGG19,
    *,
    initial: Picture | None = None,
    preview_seconds: float | None = 2.0,
    preview_at: Sequence[float] = (),
    targets: StyleTargets | None = None,
    resume: State | None = None,
    budget: int | None = None,
) -> Iterator[Progress | Result]:
    """Paint `content` in the style of `styles`: progress after progress, then one result.

    To cancel, close the generator or stop asking for more.

    Args:
        content: whose composition is kept; the result has its aspect and its alpha.
        styles: one or more paintings, blended by `settings.style_blend`.
        settings: everything that changes the result, except `weights` and `precision`, which are
            `vgg`'s.
        initial: what to start from with `init: file`.
        preview_seconds: least time between two previews; None for none.
        preview_at: ascending fractions of the work; the first report at or after each has a preview
            besides.
        targets: a cache of style statistics, shared by jobs. It changes no pixel.
        resume: the state of the same painting when it was interrupted. With everything else equal
            (the number of CPU threads, too) the result is bit for bit what it would have been. The
            step that was interrupted is computed, and reported, again.
        budget: bytes that the process (on a GPU: the device) may hold. Each scale is planned to fit
            into it (`engine.memory`); None: no limit. If memory runs out all the same, the scale
            goes on where it is with a smaller plan.

    Raises:
        BudgetError: nothing fits into the budget, or into what there is; says what would.
        SettingsError: settings that these pictures cannot fulfil.
        StateError: `resume` is of another painting.
        PictureError: a picture too narrow for the network at this size, or too long for a JPEG.
        NumericalError: the loss is no longer finite, or no scale lowered it.
    """
    pace = Pace(before=resume.seconds if resume else 0.0)
    sizes, steps = zip(*scales_of(content.size, settings), strict=True)
    _check(content, styles, settings, initial, sizes[-1])
    work = [count * width * height for count, (width, height) in zip(steps, sizes, strict=True)]
    previewed, previews = 0.0, 0
    # Even one job can use it twice: a small style has the same size at two scales.
    targets = StyleTargets() if targets is None else targets
    digests = [digest(style) for style in styles]
    strength = strength_preset(settings.strength)
    settings = settings.model_copy(update={"style_weight": settings.style_weight * strength.style})
    planner = Planner(vgg, settings)
    plans: list[Plan] = []
    pictures = [content, *styles, *([initial] if initial is not None else [])]
    on_host = sum(each.nbytes for each in pictures) if vgg.device.type == "cpu" else 0
    recoloured_by = recolouring(content, styles, settings, strength)
    generator = torch.Generator().manual_seed(settings.seed)
    rejected_moves, improved = 0, False
    snapshot, resumed_plan = None, None
    if resume is not None:
        snapshot, resumed_plan = _checked(resume, sizes, settings), resume.plan
        generator.set_state(resume.generator)

    for scale, (size, count) in enumerate(zip(sizes, steps, strict=True)):
        if resume is not None and scale < resume.scale:
            continue
        if snapshot is not None:
            canvas = snapshot.picture.to(vgg.device, copy=True)
            resume = None
        else:
            recoloured = scaled(content, size, recoloured_by).to(vgg.device)
            if scale == 0:
                picture = initial_canvas(settings, recoloured, styles, initial, generator)
            else:
                coarser = scaled(content, sizes[scale - 1], recoloured_by).to(vgg.device)
                picture = enlarge(picture, coarser, recoloured, 1 - strength.structure_freedom)
                del coarser
            canvas = extend(picture, settings.margin).clone()
            del recoloured, picture
        target = scaled(content, size).to(vgg.device) if settings.keep_colours else None
        final = scale == len(sizes) - 1
        stages = stages_of(size, sizes[:scale], count, settings.content_boost, final=final)
        optimised = _within_memory(
            planner,
            budget,
            on_host + canvas.nbytes + (target.nbytes if target is not None else 0),
            resumed_plan,
            plans,
            partial(_objective, vgg, content, styles, size, settings, targets, digests),
            canvas,
            stages,
            settings,
            snapshot,
        )
        # Else the optimiser's old state would stay in memory.
        snapshot, resumed_plan = None, None
        for step in optimised:
            now = pace.seconds
            done = sum(work[:scale]) + work[scale] * step.number / count
            fraction = done / sum(work)
            preview = None
            wanted = bisect.bisect_right(preview_at, fraction)
            due = preview_seconds is not None and now - previewed >= preview_seconds
            if due or wanted > previews:
                previewed, previews = now, wanted
                preview = preview_of(crop(step.picture(), size), target)
            yield Progress(
                scale=scale + 1,
                scales=len(sizes),
                size=size,
                step=step.number,
                steps=count,
                fraction=fraction,
                losses=step.losses,
                rejected_moves=rejected_moves + step.rejected_moves,
                seconds=now,
                eta_seconds=pace.to_go(fraction),
                state=partial(
                    _state, scale, step, generator, pace, plans, rejected_moves, improved
                ),
                preview=preview,
            )
        picture = crop(canvas, size)
        rejected_moves += step.rejected_moves
        improved |= step.improved

    if rejected_moves:
        logger.info("%d of %d moves were taken back", rejected_moves, sum(steps) - len(steps))
    if not improved and any(count > 1 for count in steps):
        raise _no_better(step.losses, sum(steps), rejected_moves, settings)
    yield Result(
        picture=with_alpha_of(content, delivered(picture, target)),
        losses=step.losses,
        size=sizes[-1],
        steps=sum(steps),
        rejected_moves=rejected_moves,
        seconds=pace.seconds,
        device=str(vgg.device),
        precision=vgg.precision,
        weights_name=vgg.weights.name,
        weights_sha256=vgg.weights.sha256,
        plans=tuple(plans),
    )


def _objective(
    vgg: VGG19,
    content: Picture,
    styles: Sequence[Picture],
    size: Size,
    settings: Settings,
    targets: StyleTargets,
    digests: Sequence[str],
    layout: Layout | None,
) -> Objective:
    return style_transfer_objective(
        vgg,
        extend(scaled(content, size).to(vgg.device), settings.margin),
        styles,
        settings,
        targets=targets,
        digests=digests,
        layout=layout,
    )


def _within_memory(
    planner: Planner,
    budget: int | None,
    held: int,
    resumed_plan: Mapping[str, Any] | None,
    plans: list[Plan],
    objective_in: Callable[[Layout | None], Objective],
    canvas: Tensor,
    stages: Sequence[Stage],
    settings: Settings,
    snapshot: Snapshot | None,
) -> Iterator[Step]:
    """One scale, as planned; with a smaller plan each time that memory runs out.

    Args:
        held: bytes of pictures.
        resumed_plan: `Plan.document` of an interrupted scale.
        plans: every plan that is tried is appended.
    """
    size = (canvas.shape[-1], canvas.shape[-2])
    steps = sum(stage.steps for stage in stages)
    plan: Plan | None = None
    if resumed_plan is not None:
        plan = planner.from_document(size, held, resumed_plan)
    elif budget is not None and not planner.fits_without_plan(size, held, steps, budget):
        plan = planner.plan(size, held, steps, budget)
    latest: Callable[[], Snapshot] | None = None
    while True:
        if plan is not None:
            plans.append(plan)
            settings = settings.model_copy(update={"history": max(1, plan.history)})
        try:
            objective = objective_in(plan.layout if plan else None)
            for step in optimise_scale(objective, canvas, stages, settings, snapshot):
                snapshot, latest = None, step.snapshot
                yield step
            return
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        # Only after the exception's block does nothing refer to the evaluation's tensors.
        objective = step = None  # type: ignore[assignment]
        release()
        plan = plan or planner.unplanned(size, held, steps)
        smaller = planner.smaller(plan, held)
        if smaller is None:
            raise BudgetError(planner.does_not_fit(plan, budget))
        logger.warning("out of memory with %s; trying %s", plan.describe(), smaller.describe())
        plan = replace(smaller, after_out_of_memory=True)
        snapshot = latest() if latest else snapshot


def _state(
    scale: int,
    step: Step,
    generator: torch.Generator,
    pace: Pace,
    plans: Sequence[Plan],
    rejected_moves: int,
    improved: bool,
) -> State:
    """The state; the last two are of the scales before this one."""
    snapshot = step.snapshot()
    return State(
        scale=scale,
        done=snapshot.done,
        canvas=snapshot.picture,
        optimiser=snapshot.optimiser,
        generator=generator.get_state(),
        seconds=pace.seconds,
        rejected_moves=rejected_moves + snapshot.rejected_moves,
        improved=improved or snapshot.improved,
        plan=plans[-1].document() if plans else None,
    )


def _checked(state: State, sizes: Sequence[Size], settings: Settings) -> Snapshot:
    """The optimiser's snapshot in `state`.

    Raises:
        StateError: this painting has no such scale, another size there, or another optimiser.
    """
    width, height = sizes[state.scale] if state.scale < len(sizes) else (0, 0)
    margin = min(settings.margin, width - 1, height - 1)  # as `extend` has it
    expected = (1, 3, height + 2 * margin, width + 2 * margin)
    if tuple(state.canvas.shape) != expected:
        raise StateError(
            f"a state at scale {state.scale + 1} of {tuple(state.canvas.shape)} does not fit a "
            f"painting in {len(sizes)} scales, where {expected} is expected: it is of other "
            "pictures or settings. Start anew."
        )
    if ("moves" in state.optimiser) != (settings.optimiser == "lbfgs"):
        raise StateError(
            f"a state of another optimiser than {settings.optimiser} cannot be gone on from. "
            "Start anew."
        )
    return Snapshot(state.done, state.canvas, state.optimiser, state.rejected_moves, state.improved)


def _no_better(
    losses: Losses, steps: int, rejected_moves: int, settings: Settings
) -> NumericalError:
    advice = (
        "lower `learning_rate`, which is in units of the range 0 to 1"
        if settings.optimiser == "adam"
        else "more `steps`, a smaller `first_move`, or another `init` or `seed`"
    )
    return NumericalError(
        f"after {steps} steps, of which {rejected_moves} were taken back, the loss "
        f"({losses.total:g}) is no lower than it was at the start: nothing was painted. "
        f"What helps: {advice}."
    )


def _check(
    content: Picture,
    styles: Sequence[Picture],
    settings: Settings,
    initial: Picture | None,
    size: tuple[int, int],
) -> None:
    if not styles:
        raise SettingsError([Problem(("styles",), "none", "at least one style picture")])
    if settings.style_blend is not None and len(settings.style_blend) != len(styles):
        given = f"{len(settings.style_blend)} numbers"
        expected = f"one for each of the {len(styles)} style pictures"
        raise SettingsError([Problem(("style_blend",), given, expected)])
    if settings.init == "file" and initial is None:
        raise SettingsError([Problem(("init_file",), "no picture", "one to start from")])
    output_of(settings, content, size)
    if min(size) < SMALLEST_SIDE:
        raise PictureError(
            f"the content of {content.width} x {content.height} px would be painted at "
            f"{size[0]} x {size[1]} px; the network needs {SMALLEST_SIDE} px on the shorter side. "
            f"Raise `size` (now {settings.size}) or crop the picture."
        )
