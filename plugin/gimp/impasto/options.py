"""What can be chosen of a painting: names with their labels, and numbers with their ranges."""

from collections.abc import Mapping

from i18n import _

__all__ = [
    "COLOURS",
    "MAX_REGIONS",
    "MAX_SCALE",
    "MAX_SECONDS",
    "MAX_SEED",
    "MAX_SIZE",
    "MIN_SCALE",
    "MIN_SIDE",
    "MIN_SIZE",
    "NAMES",
    "OPTIONAL",
    "PRESETS",
    "PREVIEW_SIDE",
    "RANGES",
    "STRENGTH",
    "TEXTURE_COLOURS",
    "TILE_STEP",
    "strength_tip",
    "tile_tip",
]

PRESETS = (
    ("standard", _("Standard"), _("Coarse to fine")),
    ("quick", _("Quick"), _("A tenth of the time: the shortest that looks painted")),
    ("fine", _("Fine"), _("More than twice the time, for the last details")),
    ("preview", _("Quick look"), _("A draft at 256 pixels, unless a size is chosen")),
    ("gatys", "Gatys 2016", _("As the reference code of the CVPR 2016 paper")),
    ("tutorial", _("PyTorch tutorial"), _("Needs torchvision's weights, downloaded once")),
    ("article", "Huang 2019", _("From white noise")),
)
"""Name, label, explanation."""

COLOURS = (
    ("painting", _("The painting's"), _("As they are painted")),
    ("content", _("The layer's"), _("Light and shade of the painting, the layer's colours")),
    ("blend", _("A blend of both"), _("From the painting's colours, 0, to the layer's, 1")),
    ("palette", _("A picture's"), _("Those of another picture, the palette")),
)
"""Name, label, explanation."""

TEXTURE_COLOURS = tuple(each for each in COLOURS if each[0] in ("painting", "palette"))
"""Those of a texture: it has no layer."""

STRENGTH = 75.0
"""The dial's place where the preset is as it is."""


def strength_tip() -> str:
    """What the dial means, for a person."""
    return _(
        "0 is nearly the picture, 100 nearly all style; at {usual:g} the preset is as it is"
    ).format(usual=STRENGTH)


def tile_tip() -> str:
    """What a seamless texture is, for a person."""
    return _("Opposite edges meet, so that copies lie side by side without a seam")


MIN_SIZE, MAX_SIZE = 32, 16_384
"""Longest side of a painting, in pixels."""

MIN_SIDE = 16
"""Shortest side of a picture that can be painted, in pixels."""

MIN_SCALE, MAX_SCALE = 0.05, 20.0
"""Of the style picture's size."""

TILE_STEP = 16
"""What the sides of a seamless texture are multiples of, in pixels."""

PREVIEW_SIDE = 256
"""Longest side of a texture's preview, in pixels."""

MAX_SECONDS = 1_000_000
"""Of the time to paint in."""

MAX_REGIONS = 64

MAX_SEED = 2**31 - 1
"""GIMP's integers have 32 bits; Impasto's seeds have 63."""

RANGES: Mapping[str, tuple[float, float]] = {
    "strength": (0, 100),
    "colour_amount": (0, 1),
    "style_scale": (MIN_SCALE, MAX_SCALE),
    "seed": (0, MAX_SEED),
    "size": (MIN_SIZE, MAX_SIZE),
    "width": (MIN_SIZE, MAX_SIZE),
    "height": (MIN_SIZE, MAX_SIZE),
    "seconds": (1, MAX_SECONDS),
}

OPTIONAL = ("size", "seconds")
"""Those that 0 leaves open."""

NAMES = {
    "preset": [name for name, *_rest in PRESETS],
    "output": ["layer", "image"],
    "colours": [name for name, *_rest in COLOURS],
}
