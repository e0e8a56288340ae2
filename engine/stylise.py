"""Style transfer: paints one picture in the style of others, from coarse to fine scales.

L. Gatys, A. Ecker, M. Bethge: Image Style Transfer Using Convolutional Neural Networks, CVPR 2016:
the picture's pixels are optimised until its VGG19 features resemble the content's and their Gram
matrices the style's.
"""

import bisect
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from engine.estimate import timetable_of
from engine.images.picture import Picture
from engine.losses.targets import StyleTargets
from engine.memory.plan import Plan
from engine.network.vgg import VGG19
from engine.optimisers.minimise import Losses
from engine.painting import Painting
from engine.regions.areas import MaskPictures
from engine.scheduling.pace import Pace
from engine.settings import Settings
from engine.speed import remember
from engine.state import State

__all__ = ["Progress", "Result", "stylise"]


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
    settings: Settings
    """With which the same pixels are made again: what `seconds` and `settle` left open is told."""
    ended: tuple[str, ...]
    """Why each scale ended: `steps`, `time` or `settled`."""
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
    notes: tuple[str, ...] = ()
    """What was made of the masks, in words."""
    graphs: str | None = None
    """Which steps were replayed as CUDA graphs, in words; None where none were to be."""


def stylise(
    content: Picture,
    styles: Sequence[Picture],
    settings: Settings,
    vgg: VGG19,
    *,
    initial: Picture | None = None,
    palette: Picture | None = None,
    masks: MaskPictures | None = None,
    preview_seconds: float | None = 2.0,
    preview_at: Sequence[float] = (),
    targets: StyleTargets | None = None,
    resume: State | None = None,
    budget: int | None = None,
    started: float | None = None,
    graphs: bool = True,
) -> Iterator[Progress | Result]:
    """Paint `content` in the style of `styles`: progress after progress, then one result.

    To cancel, close the generator or stop asking for more.

    Args:
        content: whose composition is kept; the result has its aspect and its alpha.
        styles: one or more paintings, blended by `settings.style_blend`.
        settings: everything that changes the result, except `weights` and `precision`, which are
            `vgg`'s.
        initial: what to start from with `init: file`.
        palette: whose colours are used where `palette` is set.
        masks: where to paint and in which style, with `mask` and `regions`.
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
        started: `time.monotonic()` from which `settings.seconds` are counted; None: from now.
        graphs: on CUDA, capture the steps of a scale once and replay them. What cannot be captured
            is computed step by step.

    Raises:
        TimeLimitError: `settings.seconds` do not suffice for the shortest painting.
        BudgetError: nothing fits into the budget, or into what there is; says what would.
        SettingsError: settings that these pictures cannot fulfil.
        StateError: `resume` is of another painting.
        PictureError: a picture too narrow for the network at this size, or too long for a JPEG; a
            mask or a region that means nothing.
        NumericalError: the loss is no longer finite, or no scale lowered it.
    """
    spent = time.monotonic() - started if started is not None else 0.0
    pace = Pace(before=spent + (resume.seconds if resume else 0.0))
    elapsed = (lambda: pace.seconds) if resume is None else None
    timetable = timetable_of(content.size, settings, vgg, budget, elapsed)
    painting = Painting(
        content,
        styles,
        settings,
        vgg,
        initial,
        palette,
        masks or MaskPictures(),
        targets,
        budget,
        graphs,
        pace,
        timetable,
    )
    previewed, previews = 0.0, 0
    optimised = painting.optimise(resume)
    resume = None  # Else the optimiser's old state would stay in memory.
    for scale, step in optimised:
        now, preview = pace.seconds, None
        fraction = painting.schedule.fraction(scale, step.number)
        wanted = bisect.bisect_right(preview_at, fraction)
        due = preview_seconds is not None and now - previewed >= preview_seconds
        if due or wanted > previews:
            previewed, previews = now, wanted
            preview = painting.preview(scale, step)
        yield Progress(
            scale=scale + 1,
            scales=len(painting.sizes),
            size=painting.sizes[scale],
            step=step.number,
            steps=painting.schedule.steps[scale],
            fraction=fraction,
            losses=step.losses,
            rejected_moves=step.tally.rejected_moves,
            seconds=now,
            eta_seconds=painting.schedule.to_go(fraction),
            state=partial(painting.state, scale, step, pace),
            preview=preview,
        )
    if timetable is not None:
        remember(vgg, timetable.pace)  # for the next painting that has a time to keep
    yield Result(
        picture=painting.delivered(step),
        losses=step.losses,
        size=painting.sizes[-1],
        steps=sum(painting.schedule.steps),
        settings=settings.model_copy(update=painting.schedule.chosen()),
        ended=tuple(painting.schedule.reasons),
        rejected_moves=step.tally.rejected_moves,
        seconds=pace.seconds,
        device=str(vgg.device),
        precision=vgg.precision,
        weights_name=vgg.weights.name,
        weights_sha256=vgg.weights.sha256,
        plans=tuple(painting.plans),
        notes=tuple(painting.areas.notes) if painting.areas is not None else (),
        graphs=painting.graphs.describe() if painting.graphs is not None else None,
    )
