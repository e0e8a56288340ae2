"""The scales of one painting, coarse to fine, each within a memory plan."""

import logging
from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from engine.brush import brushed
from engine.colours import ColourMatch, recoloured_styles, transfer_of
from engine.delivery import delivered, laid_over, preview_of, with_alpha_of
from engine.errors import NumericalError, PictureError, Problem, SettingsError, StateError
from engine.images.picture import Picture
from engine.images.pyramid import SMALLEST_SIDE, Size, crop, enlarge, extend, resize
from engine.images.scaling import scaled
from engine.losses.grain import BYTES_A_PIXEL
from engine.losses.guides import visibility_of
from engine.losses.targets import StyleTargets
from engine.memory.plan import Plan
from engine.memory.planned_scales import PlannedScales
from engine.memory.segments import Layout
from engine.network.vgg import VGG19
from engine.objective import StyleTransferObjective, style_transfer_objective
from engine.optimisers.minimise import Snapshot, Step, Tally
from engine.optimisers.replay import CudaGraphs
from engine.output import output_of
from engine.regions.areas import MaskPictures, areas_of
from engine.scheduling.pace import Pace
from engine.scheduling.schedule import Schedule
from engine.scheduling.stages import optimise_scale, scales_of
from engine.scheduling.timetable import Timetable
from engine.settings import Settings
from engine.start import Recolouring, initial_canvas
from engine.state import State
from engine.strength import strength_preset
from engine.texture.canvas import resize_wrapped, texture_settings, texture_start

__all__ = ["Painting"]

logger = logging.getLogger(__name__)


class Painting:
    """The scales of one painting, each of which begins with what the one before has come to."""

    def __init__(
        self,
        content: Picture,
        styles: Sequence[Picture],
        settings: Settings,
        vgg: VGG19,
        initial: Picture | None,
        palette: Picture | None,
        masks: MaskPictures,
        targets: StyleTargets | None,
        budget: int | None,
        graphs: bool,
        pace: Pace,
        timetable: Timetable | None,
    ) -> None:
        self.sizes, steps = zip(*scales_of(content.size, settings), strict=True)
        _check(content, styles, settings, initial, palette, self.sizes[-1])
        styles = recoloured_styles(brushed(styles, settings), content, settings, palette)
        self._content, self._styles, self._initial, self._vgg = content, styles, initial, vgg
        # Even one job can use it twice: a small style has the same size at two scales.
        self._targets = StyleTargets() if targets is None else targets
        self._strength = strength_preset(settings.strength)
        style_weight = settings.style_weight * self._strength.style
        settings = texture_settings(settings)
        self._settings = settings.model_copy(update={"style_weight": style_weight})
        self.graphs = CudaGraphs() if graphs and vgg.device.type == "cuda" else None
        self.areas = areas_of(masks, content, len(styles), settings)
        regions = len(self.areas.regions) if self.areas is not None else 0
        self._planned = PlannedScales(vgg, self._settings, budget, regions)
        pictures = [each for each in (content, *styles, initial, palette) if each is not None]
        on_host = vgg.device.type == "cpu"
        self._held = sum(each.nbytes for each in pictures) if on_host else 0
        if self.areas is not None and on_host:
            self._held += masks.nbytes + self.areas.nbytes
        self.schedule = Schedule(self.sizes, steps, settings, pace, timetable)
        self._recoloured = Recolouring(content, styles, settings, self._strength, self.areas)
        self._generator = torch.Generator().manual_seed(settings.seed)
        self._transfer = transfer_of(content, settings, palette)
        self._colours: ColourMatch | None = None
        """What gives the painting other colours at this scale, if they are asked for."""

    @property
    def plans(self) -> list[Plan]:
        return self._planned.plans

    def optimise(self, resume: State | None) -> Iterator[tuple[int, Step]]:
        """Each step, with the number of its scale (from 0).

        Raises:
            StateError, BudgetError, NumericalError: as `stylise`.
        """
        tally, snapshot, planned, picture = Tally(), None, None, None
        if resume is not None:
            snapshot = _checked(resume, self.sizes, self._settings, self._vgg.device.type)
            planned = resume.plan
            self.schedule.restore(resume.schedule, resume.done)
            self._generator.set_state(resume.generator)
        for scale in range(resume.scale if resume is not None else 0, len(self.sizes)):
            size, resume = self.sizes[scale], None
            if snapshot is not None:
                canvas = snapshot.picture.to(self._vgg.device, copy=True)
            else:
                canvas = extend(self._start(scale, picture), self._settings.margin).clone()
            picture = None
            self._colours = self._colours_at(size)
            colours = self._colours.nbytes if self._colours is not None else 0
            grain = BYTES_A_PIXEL * canvas[0, 0].numel() if self._settings.grain else 0
            stages = self.schedule.begin(scale, resumed=snapshot is not None)
            ending = partial(self.schedule.last, scale) if self.schedule.is_open else None
            optimised = self._planned.optimise(
                partial(self._objective, size),
                partial(optimise_scale, canvas, stages, tally, ending, graphs=self.graphs),
                (canvas.shape[-1], canvas.shape[-2]),
                self.schedule.steps_planned_for(scale),
                held=self._held + canvas.nbytes + colours + grain,
                resume=snapshot,
                planned=planned,
            )
            snapshot = planned = None  # Else the optimiser's old state would stay in memory.
            for step in optimised:
                yield scale, step
            tally, picture = step.tally, crop(canvas, size)
        if tally.rejected_moves:
            moves = sum(self.schedule.steps) - len(self.sizes)
            logger.info("%d of %d moves were taken back", tally.rejected_moves, moves)
        if not tally.improved and any(count > 1 for count in self.schedule.steps):
            raise _no_better(step, sum(self.schedule.steps), self._settings)

    def preview(self, scale: int, step: Step) -> Picture:
        preview = preview_of(crop(step.picture(), self.sizes[scale]), self._colours)
        return preview if self.areas is None else laid_over(self._content, preview, self.areas)

    def delivered(self, last: Step) -> Picture:
        painted = delivered(crop(last.picture(), self.sizes[-1]), self._colours)
        if self.areas is not None:
            painted = laid_over(self._content, painted, self.areas)
        return with_alpha_of(self._content, painted)

    def state(self, scale: int, step: Step, pace: Pace) -> State:
        """At the moment of the call."""
        snapshot = step.snapshot()
        return State(
            scale=scale,
            done=snapshot.done,
            canvas=snapshot.picture,
            optimiser=snapshot.optimiser,
            generator=self._generator.get_state(),
            seconds=pace.seconds,
            rejected_moves=snapshot.before.rejected_moves,
            improved=snapshot.before.improved,
            plan=self.plans[-1].document() if self.plans else None,
            schedule=self.schedule.document() if self.schedule.is_open else {},
        )

    def _start(self, scale: int, coarser: Tensor | None) -> Tensor:
        """What a scale begins with: 1 x 3 x H x W."""
        if self._settings.texture and (coarser is not None or self._settings.init == "content"):
            return self._texture(self.sizes[scale], coarser).to(self._vgg.device)
        recoloured = self._recoloured.at(self.sizes[scale]).to(self._vgg.device)
        if coarser is None:
            return initial_canvas(
                self._settings,
                recoloured,
                self._styles,
                self._initial,
                self._generator,
                self.areas,
            )
        content = self._recoloured.at(self.sizes[scale - 1]).to(self._vgg.device)
        return enlarge(coarser, content, recoloured, 1 - self._strength.structure_freedom)

    def _texture(self, size: Size, coarser: Tensor | None) -> Tensor:
        if coarser is None:
            blend = self._settings.style_blend or [1.0] * len(self._styles)
            return texture_start(self._styles, blend, size, self._generator)
        return resize_wrapped(coarser, size) if self._settings.tile else resize(coarser, size)

    def _content_at(self, size: Size) -> Tensor:
        return scaled(self._content, size).to(self._vgg.device)

    def _colours_at(self, size: Size) -> ColourMatch | None:
        if self._transfer is None:
            return None
        target = self._content_at(size) if self._transfer.pixel_by_pixel else None
        return ColourMatch(self._transfer, self._content, target)

    def _objective(self, size: Size, layout: Layout | None) -> StyleTransferObjective:
        margin, device = self._settings.margin, self._vgg.device
        return style_transfer_objective(
            self._vgg,
            extend(self._content_at(size), margin),
            self._styles,
            self._settings,
            targets=self._targets,
            layout=layout,
            visibility=visibility_of(self._content, size, margin, device),
            regions=self.areas.placed(self._content, size, margin, device) if self.areas else None,
        )


def _checked(state: State, sizes: Sequence[Size], settings: Settings, device: str) -> Snapshot:
    """The optimiser's snapshot in `state`.

    Raises:
        StateError: this painting has no such scale, another size there, another optimiser, or
            another form of its memory.
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
    if settings.optimiser == "lbfgs" and ("inverse" in state.optimiser) != (device != "cpu"):
        raise StateError(
            f"a state of another kind of device than {device} cannot be gone on from: L-BFGS's "
            "pairs are kept in another form there. Start anew."
        )
    before = Tally(state.rejected_moves, state.improved)
    return Snapshot(state.done, state.canvas, state.optimiser, before)


def _no_better(last: Step, steps: int, settings: Settings) -> NumericalError:
    advice = (
        "lower `learning_rate`, which is in units of the range 0 to 1"
        if settings.optimiser == "adam"
        else "more `steps`, a smaller `first_move`, or another `init` or `seed`"
    )
    return NumericalError(
        f"after {steps} steps, of which {last.tally.rejected_moves} were taken back, the loss "
        f"({last.losses.total:g}) is no lower than it was at the start: nothing was painted. "
        f"What helps: {advice}."
    )


def _check(
    content: Picture,
    styles: Sequence[Picture],
    settings: Settings,
    initial: Picture | None,
    palette: Picture | None,
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
    if settings.takes_palette:
        if palette is None:
            raise SettingsError([Problem(("palette",), "no picture", "one whose colours are used")])
        if palette.alpha is not None and not palette.alpha.any():
            raise PictureError(f"{settings.palette}: transparent everywhere, so it has no colours.")
    output_of(settings, content, size)
    if min(size) < SMALLEST_SIDE:
        raise PictureError(
            f"the content of {content.width} x {content.height} px would be painted at "
            f"{size[0]} x {size[1]} px; the network needs {SMALLEST_SIDE} px on the shorter side. "
            f"Raise `size` (now {settings.size}) or crop the picture."
        )
