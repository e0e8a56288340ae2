"""How the variations of a painting differ from the first.

Another seed alone changes nothing where the optimisation starts from the content. White noise in
the start stays as grain. What gives paintings that are as good, and that a person tells apart, is
soft noise (`init_noise`), which moves the large shapes and their colours; and another part of the
style, turned by quarters, at a slightly larger scale, which gives other strokes.
"""

from engine.settings import Settings

__all__ = ["varied"]

NOISE = 0.12
"""`init_noise`, unless more is asked for. From 0.2 faces lose their highlights."""

CROP = 0.75
"""Side of the part of the style, as a share. `style_scale` shrinks with it: strokes keep their
size."""

SCALES = (1.25, 1.0, 1.1)
"""Factors of `style_scale`. Below 1 the content is lost among smaller strokes."""

SPREAD = (0.7548776662, 0.5698402910)
"""Of the parts' corners: 1 / p and 1 / p^2 with p^3 = p + 1, whose multiples fill the unit square
evenly (M. Roberts: The unreasonable effectiveness of quasirandom sequences, 2018)."""


def varied(settings: Settings, number: int) -> Settings:
    """The settings of variation `number`; the first is as it is.

    A `style_crop` that was chosen stays. So does where the styles lie that have label pictures.
    """
    if number == 1:
        return settings
    seed = (settings.seed + number - 1) % 2**63
    if settings.texture:  # which starts from noise
        return settings.model_copy(update={"seed": seed})
    scale = settings.style_scale * SCALES[number % len(SCALES) - 2]
    changes: dict[str, object] = {"seed": seed, "init_noise": settings.init_noise or NOISE}
    if not settings.style_regions:
        changes["style_rotate"] = (settings.style_rotate + 90 * (number - 1)) % 360
        if settings.style_crop is None:
            corner = [round((0.5 + seed % 4096 * each) % 1 * (1 - CROP), 4) for each in SPREAD]
            changes["style_crop"] = [*corner, CROP, CROP]
            scale *= CROP
    changes["style_scale"] = round(min(20.0, max(0.05, scale)), 4)
    return settings.model_copy(update=changes)
