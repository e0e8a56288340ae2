"""Settings from layers of plain values: configuration, preset, sidecar, command line."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from engine.errors import Problem, SettingsError
from engine.settings.model import LARGEST_SIDE, SMALLEST_SIDE, Settings
from engine.settings.presets import PRESETS
from engine.settings.problems import OR_CONTENT, nearest, problems_of

ADAM_LEARNING_RATE = 0.02

WITH_PALETTE = ("palette", "blend")
"""Values of `colours` with which a `palette` is used."""


def resolve(*layers: Mapping[str, Any]) -> Settings:
    """Settings from layers of plain values, the later over the earlier.

    A layer's `preset` is laid down first, then the layer's own keys; so a preset named in a sidecar
    outranks keys of `config.yaml`, and keys beside it outrank the preset.

    Raises:
        SettingsError: with one `Problem` for each unknown key, wrong type or number out of range.
    """
    values: dict[str, Any] = {}
    for layer in layers:
        if "preset" in layer:
            name = layer["preset"]
            if not isinstance(name, str) or name not in PRESETS:
                raise SettingsError([_unknown_preset(name)])
            values |= PRESETS[name] | _implied_colours(PRESETS[name], values)
        if layer.get("texture") is True or layer.get("texture_size"):
            values = _without_content(values)
        values |= layer
        values |= _implied_colours(layer, values)
        values |= _implied_by_texture(layer)
    if values.get("optimiser") == "adam" and not any("learning_rate" in each for each in layers):
        values["learning_rate"] = ADAM_LEARNING_RATE
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems = problems_of(error, Settings)
        if values.get("texture") is True:  # It has no content, and so no size of one.
            problems = [replace(p, expected=p.expected.removesuffix(OR_CONTENT)) for p in problems]
        raise SettingsError(problems) from None
    _check_together(settings)
    return settings


def _implied_colours(layer: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """What a layer says of the colours besides what it names. `keep_colours`, `colours` and
    `palette` are words for one thing: the later layer has the last one, and what is said twice
    within a layer is refused by `_wrong_colours`."""
    palette, keeps = layer.get("palette"), layer.get("keep_colours") is True
    if "colours" not in layer and not keeps:
        used = palette is not None and values.get("colours") != "blend"
        return {"colours": "palette", "keep_colours": False} if used else {}
    implied: dict[str, Any] = {"colours": "palette" if palette else "painting"}
    implied["keep_colours"] = False
    if keeps or layer["colours"] not in WITH_PALETTE:
        implied["palette"] = None
    return {key: value for key, value in implied.items() if key not in layer}


def _without_content(below: Mapping[str, Any]) -> dict[str, Any]:
    """The layers below one that asks for a texture, without what they say of the content of a
    painting."""
    of_content = {"strength", "keep_colours"}
    if below.get("colours") == "content" or not below.get("palette"):
        of_content.add("colours")
    return {key: value for key, value in below.items() if key not in of_content}


def _implied_by_texture(layer: Mapping[str, Any]) -> dict[str, Any]:
    sides = layer.get("texture_size")
    if sides is None:
        none = {"texture_size": None, "tile": False} if layer.get("texture") is False else {}
        return {key: value for key, value in none.items() if key not in layer}
    plain = isinstance(sides, list) and len(sides) == 2 and all(type(each) is int for each in sides)
    implied: dict[str, Any] = {} if "texture" in layer else {"texture": True}
    if plain and all(SMALLEST_SIDE <= each <= LARGEST_SIDE for each in sides):
        implied["size"] = max(sides)
    return implied  # Else the model refuses the sides, by their own key.


def _check_together(settings: Settings) -> None:
    """Refuse combinations that each field alone would allow."""
    problems = []
    if settings.init == "file" and not settings.init_file:
        problems.append(Problem(("init_file",), "missing", "a picture, since `init` is `file`"))
    problems += _wrong_colours(settings)
    if settings.optimiser == "lbfgs" and settings.learning_rate > 2:
        problems.append(
            Problem(("learning_rate",), f"{settings.learning_rate:g}", "at most 2 for `lbfgs`")
        )
    if not any(settings.content_layers.values()) and not any(settings.style_layers.values()):
        problems.append(Problem(("style_layers",), "no weight above 0", "a layer to optimise"))
    if settings.bits == 16 and settings.format in ("jpeg", "webp", "avif"):
        expected = f"8 or auto, since `format` is `{settings.format}`"
        problems.append(Problem(("bits",), "16", expected))
    if settings.seconds is not None and settings.scale_steps is not None:
        given = f"{settings.seconds:g}"
        problems.append(Problem(("seconds",), given, "none, since `scale_steps` are given"))
    if settings.texture and not any(settings.style_layers.values()):
        problems.append(Problem(("style_layers",), "no weight above 0", "a layer to paint from"))
    if settings.style_blend is not None and not any(settings.style_blend):
        problems.append(Problem(("style_blend",), "nothing above 0", "a share for some style"))
    if settings.style_regions and len(settings.regions or ()) != 1:
        given = f"{len(settings.regions)} pictures" if settings.regions else "missing"
        expected = "one label picture of the content, since there are `style_regions`"
        problems.append(Problem(("regions",), given, expected))
    if settings.style_statistic == "histogram" and (settings.mask or settings.regions):
        given = "histogram, which sorts a layer's positions and cannot weigh them"
        expected = "gram, covariance or wasserstein with a mask or regions"
        problems.append(Problem(("style_statistic",), given, expected))
    problems += _wrong_series(settings)
    problems += _wrong_texture(settings)
    if settings.progression == 1:
        problems.append(Problem(("progression",), "1", "0, or from 2: the start and the result"))
    if problems:
        raise SettingsError(problems)


def _wrong_series(settings: Settings) -> list[Problem]:
    if settings.interpolate is None and settings.interpolate_strength is not None:
        expected = "how many paintings, since there is an `interpolate_strength`"
        return [Problem(("interpolate",), "missing", expected)]
    if settings.interpolate is not None and settings.variations > 1:
        return [Problem(("variations",), f"{settings.variations}", "1 with `interpolate`")]
    return []


def _wrong_texture(settings: Settings) -> list[Problem]:
    if not settings.texture:
        given = {"texture_size": settings.texture_size, "tile": settings.tile}
        without = "no such key, or `texture: true` beside it"
        return [Problem((key,), str(it).lower(), without) for key, it in given.items() if it]
    problems = []
    if settings.size == "content":
        problems.append(Problem(("size",), "content", "pixels, since a `texture` has no content"))
    elif settings.tile:
        sides: dict[tuple[str | int, ...], int] = {("size",): settings.size}
        if settings.texture_size:
            sides = {("texture_size", at): side for at, side in enumerate(settings.texture_size)}
        for path, side in sides.items():
            if side % 16:
                nearest = f"{max(32, side // 16 * 16)} or {side // 16 * 16 + 16}"
                expected = f"a multiple of 16 with `tile`, such as {nearest}"
                problems.append(Problem(path, f"{side}", expected))
    of_content: dict[str, object] = {
        "mask": settings.mask,
        "regions": settings.regions,
        "strength": settings.strength,
        "interpolate_strength": settings.interpolate_strength,
        "keep_colours": settings.keep_colours,
    }
    if settings.colours != "painting" and not settings.palette:
        of_content["colours"] = settings.colours
    problems += [
        Problem((key,), f"{value}", "nothing, since a `texture` has no content")
        for key, value in of_content.items()
        if value not in (None, False)
    ]
    return problems


def _wrong_colours(settings: Settings) -> list[Problem]:
    if settings.keep_colours and settings.colours != "painting":
        other = f"since `colours` is {settings.colours}"
        if settings.colours == "palette" and settings.palette:
            other = "or no `palette`: the colours are the content's or the palette's"
        return [Problem(("keep_colours",), "true", f"false, {other}")]
    if settings.colours == "palette" and not settings.palette:
        return [Problem(("palette",), "missing", "a picture, since `colours` is `palette`")]
    if settings.palette and not settings.takes_palette:
        expected = "palette or blend, since there is a `palette`, or no `palette`"
        return [Problem(("colours",), settings.colours, expected)]
    if settings.colour_method != "luminance" or settings.colours == "painting":
        return []
    if settings.takes_palette or settings.recolour == "styles":
        other = "a palette" if settings.takes_palette else "`recolour: styles`"
        expected = f"linear or histogram with {other}, which has no colour for each place"
        return [Problem(("colour_method",), "luminance", expected)]
    return []


def _unknown_preset(name: object) -> Problem:
    expected = f"one of {', '.join(PRESETS)}"
    return Problem(("preset",), repr(name)[:80], expected, nearest(name, PRESETS))
