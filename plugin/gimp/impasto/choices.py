"""What the artist chose: one frozen value, from the dialog, a script or a painted layer."""

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from i18n import _

__all__ = [
    "COLOURS",
    "MAX_REGIONS",
    "MAX_SCALE",
    "MAX_SECONDS",
    "MAX_SIZE",
    "MIN_SCALE",
    "MIN_SIDE",
    "MIN_SIZE",
    "NO_FOLDER",
    "PRESETS",
    "Choices",
    "Refusal",
    "StyledRegion",
    "is_text",
    "strength_tip",
    "style_file",
    "style_title",
]

PRESETS = (
    ("standard", _("Standard"), _("Coarse to fine")),
    ("quick", _("Quick"), _("A tenth of the time: the shortest that looks painted")),
    ("fine", _("Fine"), _("Three times the time, for the last details")),
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

STRENGTH = 75.0
"""The dial's place where the preset is as it is."""


def strength_tip() -> str:
    """What the dial means, for a person."""
    return _(
        "0 is nearly the picture, 100 nearly all style; at {usual:g} the preset is as it is"
    ).format(usual=STRENGTH)


MIN_SIZE, MAX_SIZE = 32, 16_384
"""Longest side of a painting, in pixels."""

MIN_SIDE = 16
"""Shortest side of a picture that can be painted, in pixels."""

MIN_SCALE, MAX_SCALE = 0.05, 20.0
"""Of the style picture's size."""

MAX_SECONDS = 1_000_000
"""Of the time to paint in."""

MAX_REGIONS = 64

MAX_SEED = 2**31 - 1
"""GIMP's integers have 32 bits; Impasto's seeds have 63."""


NO_FOLDER = _("No hot folder is known. Choose the folder through which the server paints.")


class Refusal(Exception):  # noqa: N818  (raised before any work starts)
    """This cannot be painted; the message says why and what to do."""


@dataclass(frozen=True)
class StyledRegion:
    """A part of the image with a style of its own."""

    kind: str
    """`channel`, or `mask`: of a layer."""
    name: str
    """The channel's, or that of the mask's layer."""
    tattoo: int
    """Its number in the image, which it keeps when it is renamed."""
    style: str = ""
    """As `Choices.style`."""


@dataclass(frozen=True)
class Choices:
    """Everything that a painting depends on, besides the layer. Checked by `check`."""

    style: str = ""
    """A picture file's whole path, or the name of a picture of the style library."""
    regions: tuple[StyledRegion, ...] = ()
    """What is painted, each in its own style; none: everything, in `style`."""
    preset: str = "standard"
    strength: float = STRENGTH
    size: int = 0
    """Longest side in pixels; 0: as the layer."""
    seconds: int = 0
    """Time to paint in; 0: as long as it takes."""
    colours: str = "painting"
    """Whose colours the painting has: see COLOURS."""
    colour_amount: float = 0.5
    """How far a blend goes, from 0, the painting's colours, to 1."""
    palette: str = ""
    """The picture whose colours are used, as `style` is named."""
    style_scale: float = 1.0
    seed: int = 0
    output: str = "layer"
    """`layer` or `image`."""
    selection_only: bool = True
    """Paint no more than what is selected, if anything is."""
    hot_folder: str = ""

    def check(self) -> None:
        """Raises Refusal for what no server could paint."""
        self._check_styles()
        _one_of("preset", self.preset, NAMES["preset"])
        _one_of("output", self.output, NAMES["output"])
        _one_of("colours", self.colours, NAMES["colours"])
        if self.colours == "palette":
            self._check_palette()
        for name, (least, most) in RANGES.items():
            value = getattr(self, name)
            if value or name not in OPTIONAL:
                _within(name.replace("_", "-"), value, least, most)
        if not self.hot_folder:
            raise Refusal(NO_FOLDER)

    def _check_styles(self) -> None:
        if len(self.regions) > MAX_REGIONS:
            raise Refusal(
                _("There are {count} regions; at most {most} can be painted at once.").format(
                    count=len(self.regions), most=MAX_REGIONS
                )
            )
        for region in self.regions:
            if not region.style:
                raise Refusal(
                    _("No style is chosen for the region {name}. Choose a painting.").format(
                        name=region.name
                    )
                )
        for style in self.styles:
            if not style:
                raise Refusal(_("No style is chosen. Choose a painting."))
            path = style_file(style)
            if path is not None and not path.is_file():
                raise Refusal(
                    _(
                        "The style picture {path} is not there (any more). Choose another one."
                    ).format(path=path)
                )

    def _check_palette(self) -> None:
        if not self.palette:
            raise Refusal(_("No palette is chosen. Choose a picture, or other colours."))
        path = style_file(self.palette)
        if path is not None and not path.is_file():
            raise Refusal(
                _("The palette {path} is not there (any more). Choose another one.").format(
                    path=path
                )
            )

    @property
    def styles(self) -> Sequence[str]:
        """Those that are painted with: one for each region, or one for all."""
        return [region.style for region in self.regions] or [self.style]

    @property
    def style_name(self) -> str:
        """The style, or the regions' styles, as a person calls them."""
        return " + ".join(dict.fromkeys(map(style_title, self.styles)))

    @property
    def layer_name(self) -> str:
        """`STYLE - strength`."""
        return f"{self.style_name} - {self.strength:g}"

    def settings(self, longest_side: int) -> dict[str, Any]:
        """The sidecar's keys, for a layer whose longer side has so many pixels."""
        # Whatever the server's own configuration is: as deep as it was sent, in its colours.
        kept = {"format": "png", "bits": "auto", "profile": "content"}
        settings: dict[str, Any] = {"preset": self.preset, **kept}
        if self.size or self.preset != "preview":
            settings["size"] = self.size or longest_side
        if self.strength != STRENGTH:
            settings["strength"] = self.strength
        if self.colours != "painting":
            settings["colours"] = self.colours
        if self.colours == "blend":
            settings["colour_amount"] = self.colour_amount
        if self.style_scale != 1:
            settings["style_scale"] = self.style_scale
        if self.seed:
            settings["seed"] = self.seed
        if self.seconds:
            settings["seconds"] = self.seconds
        return settings

    def to_json(self) -> str:
        """One line; `from_json` reads it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Choices":
        """What is understood of `text`. Whatever is unknown or of a wrong type is passed over: the
        text may be of another version, or come from anywhere.
        """
        try:
            document = json.loads(text)
        except ValueError:
            return cls()
        return cls().updated_with(document) if isinstance(document, dict) else cls()

    def updated_with(self, values: Mapping[str, Any]) -> "Choices":
        """These choices with those of `values` that have a known name, the right type, and a value
        that could be chosen: the file may be damaged, or another's."""
        taken: dict[str, Any] = {}
        if "regions" in values:
            taken["regions"] = _regions_of(values["regions"])
        if values.get("keep_colours") is True:  # as the server, and earlier versions, call it
            values = {**values, "colours": "content"}
        for field in fields(self):
            value = values.get(field.name)
            kind = type(field.default)
            if kind is tuple:
                continue
            if kind is float and type(value) is int:
                value = float(value)
            if type(value) is kind and _is_choice(field.name, value):
                taken[field.name] = value
        return replace(self, **taken)

    def as_shown(self) -> "Choices":
        """These, rounded to what the dials of the dialog show: what is shown is what is sent."""
        return replace(
            self,
            strength=round(self.strength, 1),
            style_scale=float(f"{self.style_scale:.2g}"),
            colour_amount=round(self.colour_amount, 2),
        )


def style_file(style: str) -> Path | None:
    """The picture file that a style is; None for the name of a picture of the library. The `~` of a
    user that does not exist stays as it is."""
    path = Path(style)
    with contextlib.suppress(RuntimeError):
        path = path.expanduser()
    return path if path.is_absolute() else None


def style_title(style: str) -> str:
    """A style as a person calls it."""
    return Path(style).stem


RANGES: Mapping[str, tuple[float, float]] = {
    "strength": (0, 100),
    "colour_amount": (0, 1),
    "style_scale": (MIN_SCALE, MAX_SCALE),
    "seed": (0, MAX_SEED),
    "size": (MIN_SIZE, MAX_SIZE),
    "seconds": (1, MAX_SECONDS),
}

OPTIONAL = ("size", "seconds")
"""Those that 0 leaves open."""

NAMES = {
    "preset": [name for name, *_rest in PRESETS],
    "output": ["layer", "image"],
    "colours": [name for name, *_rest in COLOURS],
}


def is_text(text: str) -> bool:
    """Whether GTK can show it and a sidecar say it: the name of a file may be no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_choice(name: str, value: Any) -> bool:
    if isinstance(value, str):
        return value in NAMES.get(name, [value]) and is_text(value)
    least, most = RANGES.get(name, (value, value))
    return least <= value <= most or (name in OPTIONAL and value == 0)


def _regions_of(value: Any) -> tuple[StyledRegion, ...]:
    """Regions as `to_json` writes them; those that are none are passed over."""
    regions = []
    for each in value if isinstance(value, list) else ():
        with contextlib.suppress(TypeError):  # not a mapping, or not of these keys
            region = StyledRegion(**each)
            texts = (region.kind, region.name, region.style)
            is_number = type(region.tattoo) is int and 0 < region.tattoo < 2**31
            if is_number and all(isinstance(text, str) and is_text(text) for text in texts):
                regions.append(region)
    return tuple(regions[:MAX_REGIONS])


def _one_of(argument: str, value: str, allowed: list[str]) -> None:
    if value not in allowed:
        raise Refusal(
            _("{argument} is {value!r}; it must be one of {allowed}.").format(
                argument=argument, value=value, allowed=", ".join(allowed)
            )
        )


def _within(argument: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise Refusal(
            _("{argument} is {value:g}; it must be from {least:g} to {most:g}.").format(
                argument=argument, value=value, least=least, most=most
            )
        )
