"""What the artist chose: one frozen value, from a dialog, a script or a painted layer."""

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from i18n import _
from options import (
    COLOURS,
    MAX_REGIONS,
    MIN_SIZE,
    NAMES,
    OPTIONAL,
    PREVIEW_SIDE,
    RANGES,
    STRENGTH,
    TEXTURE_COLOURS,
    TILE_STEP,
)
from pictures import OpenPicture, is_text, open_picture, picture_title, style_file

__all__ = ["NO_FOLDER", "Choices", "Refusal", "StyledRegion"]

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
    """A picture file's whole path, the name of a picture of the style library, or one that is open
    in GIMP: see `pictures`."""
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
    texture: bool = False
    """Paint the style alone, without a layer: `strength`, `size`, `regions` and `selection_only`
    say nothing then."""
    width: int = 512
    """Of a texture, in pixels."""
    height: int = 512
    tile: bool = False
    """A texture whose opposite edges meet."""
    hot_folder: str = ""

    def check(self) -> None:
        """Raises Refusal for what no server could paint."""
        self._check_styles()
        _one_of("preset", self.preset, NAMES["preset"])
        _one_of("output", self.output, NAMES["output"])
        colours = TEXTURE_COLOURS if self.texture else COLOURS
        _one_of("colours", self.colours, [name for name, *_rest in colours])
        if self.colours == "palette":
            self._check_palette()
        for name, (least, most) in RANGES.items():
            value = getattr(self, name)
            if value or name not in OPTIONAL:
                _within(name.replace("_", "-"), value, least, most)
        if self.texture and self.tile:
            self._check_tile()
        if not self.hot_folder:
            raise Refusal(NO_FOLDER)

    def _check_tile(self) -> None:
        for name, side in (("width", self.width), ("height", self.height)):
            if side % TILE_STEP:
                below = max(MIN_SIZE, side - side % TILE_STEP)
                raise Refusal(
                    _(
                        "{argument} is {value}; of a seamless texture it must be a multiple of "
                        "{step}, such as {below} or {above}."
                    ).format(
                        argument=name,
                        value=side,
                        step=TILE_STEP,
                        below=below,
                        above=side - side % TILE_STEP + TILE_STEP,
                    )
                )

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
        regions = () if self.texture else self.regions
        return [region.style for region in regions] or [self.style]

    @property
    def style_name(self) -> str:
        """The style, or the regions' styles, as a person calls them."""
        return " + ".join(dict.fromkeys(map(picture_title, self.styles)))

    @property
    def layer_name(self) -> str:
        """`STYLE - strength`."""
        if self.texture:
            return _("{style} - texture").format(style=self.style_name)
        return f"{self.style_name} - {self.strength:g}"

    def settings(self, longest_side: int, *, deep: bool = False) -> dict[str, Any]:
        """The sidecar's keys.

        Args:
            longest_side: of the layer, in pixels.
            deep: whether a texture is to have 16 bits a channel; a layer is as deep as it was sent.
        """
        # Whatever the server's own configuration is: as deep as it was sent, in its colours.
        kept: dict[str, Any] = {"format": "png", "bits": "auto", "profile": "content"}
        settings: dict[str, Any] = {"preset": self.preset, **kept}
        if self.texture:
            settings |= {"bits": 16 if deep else 8, "profile": "srgb"}
            settings["texture_size"] = [self.width, self.height]
            settings["tile"] = self.tile
        else:
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

    def as_preview(self) -> "Choices":
        """Those of the preview: what it does not show is as usual."""
        usual = Choices()
        small = replace(self, preset="preview", size=0, seconds=0, output=usual.output)
        if not self.texture:
            return small
        factor = min(1.0, PREVIEW_SIDE / max(self.width, self.height))
        width, height = (
            max(MIN_SIZE, round(side * factor / TILE_STEP) * TILE_STEP)
            for side in (self.width, self.height)
        )
        return replace(small, width=width, height=height)

    def with_files(self, file_of: Callable[[OpenPicture], Path]) -> "Choices":
        """These, with a file in place of each picture that is open in GIMP."""

        def name(picture: str) -> str:
            found = open_picture(picture)
            return picture if found is None else str(file_of(found))

        if self.regions and not self.texture:
            regions = tuple(replace(each, style=name(each.style)) for each in self.regions)
            choices = replace(self, regions=regions)
        else:
            choices = replace(self, style=name(self.style))
        if self.colours != "palette":
            return choices
        return replace(choices, palette=name(self.palette))

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
        if "texture_size" in values:  # as the server calls it
            values = {**values, **_sides_of(values["texture_size"])}
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


def _sides_of(value: Any) -> dict[str, Any]:
    """What `settings` calls `texture_size`: width and height, which make it a texture."""
    match value:
        case [int() as width, int() as height]:
            return {"texture": True, "width": width, "height": height}
    return {}


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
