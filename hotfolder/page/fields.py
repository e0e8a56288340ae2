"""The form for a painting, made from the settings model: kinds of inputs, ranges, help, errors."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from engine.errors import SettingsError
from engine.settings import PICTURES, Settings, problems_of
from engine.settings.presets import PRESETS
from hotfolder.config.setting_facts import facts, plain
from hotfolder.errors import ConfigError
from hotfolder.inbox.sidecar import resolve_untrusted
from hotfolder.job_options import JobOptions
from hotfolder.yaml_document import parse_document

__all__ = ["GROUPS", "MASKS", "TEXTURE", "Field", "Filled", "fill", "form_values", "groups"]

TEXTURE = "Texture"
"""The group of the settings that take a picture's place."""

MASKS = "Masks"
"""The group of what is beside the masks."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "": ("preset", "size", "strength"),
    TEXTURE: ("texture", "tile", "texture_size"),
    MASKS: ("mask_feather",),
    "The look": (
        *("style_scale", "style_rotate", "style_crop"),
        *("colours", "colour_amount", "colour_method", "recolour", "keep_colours"),
        *("style_statistic", "style_blend", "style_evenness"),
        *("content_weight", "style_weight", "tv_weight", "grain", "content_boost"),
    ),
    "The work": (
        *(
            "seconds",
            "time_limit",
            "steps",
            "coarse_steps",
            "scale_steps",
            "settle",
            "boosted_steps",
            "plain_steps",
            "scales",
            "scale_factor",
            "optimiser",
            "learning_rate",
        ),
        *("history", "first_move", "preconditioning", "clamp", "init", "init_colours"),
        *("init_noise", "seed", "variations", "interpolate", "interpolate_strength"),
    ),
    "The network": (
        *("content_layers", "style_layers", "gram", "pooling", "padding", "margin"),
        *("weights", "precision"),
    ),
    "The file": (
        *("format", "bits", "profile", "metadata", "jpeg_quality", "jpeg_chroma"),
        *("page", "progression"),
    ),
}
"""Every setting of the form, in groups. Those that name pictures come with an upload only."""

LONGEST_VALUE = 2000

_SIDES = re.compile(r"(\d+) ?[x\u00d7] ?(\d+)", re.I)
"""Width and height as people write them."""


@dataclass(frozen=True)
class Field:
    """One input."""

    name: str
    label: str
    kind: str
    """`choice`, `number`, `switch` or `text`."""
    help: str
    default: str
    allowed: str
    choices: tuple[str, ...] = ()
    least: str | None = None
    most: str | None = None
    step: str = "any"


@dataclass(frozen=True)
class Filled:
    """What somebody has put into the form."""

    settings: Mapping[str, Any]
    options: Mapping[str, Any]
    errors: Mapping[str, str]
    """By field; empty if all is well."""


def groups() -> list[tuple[str, list[Field]]]:
    """The form's groups and their fields. A setting that no group names comes last."""
    known = {fact.name: fact for fact in facts()}
    schema = Settings.model_json_schema()["properties"]
    grouped = {name for names in GROUPS.values() for name in names}
    rest = tuple(name for name in known if name not in {*grouped, *PICTURES})
    made = []
    for title, names in {**GROUPS, **({"More": rest} if rest else {})}.items():
        fields = [
            _field(name, known[name].allowed, known[name].default, known[name].description, schema)
            for name in names
        ]
        made.append((title, fields))
    return made


def form_values(settings: Mapping[str, Any]) -> dict[str, str]:
    """Settings of a record as the form shows them: those that differ from the model's defaults."""
    values = {}
    for name, info in Settings.model_fields.items():
        if name in settings and name not in PICTURES and settings[name] != info.default:
            values[name] = plain(settings[name])
    for name, picture in (("init", "file"), ("colours", "palette")):
        if values.get(name) == picture:
            del values[name]
    return values


def fill(given: Mapping[str, str], pictures: Mapping[str, Any]) -> Filled:
    """Check what was put in, by the rules that the server has for a sidecar.

    Args:
        pictures: the settings that name the pictures which come with it.
    """
    settings: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name in Settings.model_fields:
        text = given.get(name, "").strip()
        if not text or name in PICTURES:
            continue
        if len(text) > LONGEST_VALUE:
            errors[name] = f"at most {LONGEST_VALUE} characters"
            continue
        if name == "texture_size":
            text = _SIDES.sub(r"[\1, \2]", text)
        try:
            settings[name] = parse_document(f"{name}: {text}".encode(), name).values[name]
        except (ConfigError, KeyError):
            errors[name] = "cannot be read; the help below says what may stand here"
    options: dict[str, Any] = {}
    if priority := given.get("priority", "").strip():
        options["priority"] = int(priority) if priority.isdecimal() else priority
    try:
        resolve_untrusted({**settings, **pictures}, [])
    except SettingsError as error:
        for problem in error.problems:
            key = str(problem.path[0])
            hint = f" Did you mean {problem.nearest}?" if problem.nearest else ""
            words = f"{problem.given}: expected {problem.expected}.{hint}"
            errors.setdefault(key, words.replace("`", ""))
    try:
        JobOptions.model_validate(options)
    except ValidationError as refused:
        for problem in problems_of(refused, JobOptions):
            errors.setdefault(str(problem.path[0]), f"expected {problem.expected}.")
    return Filled(settings, options, errors)


def _field(name: str, allowed: str, default: str, help: str, schema: Mapping[str, Any]) -> Field:
    details = schema[name]
    kind, least, most, step = "text", None, None, "any"
    choices: tuple[str, ...] = ()
    parts = [p for p in details.get("anyOf", [details]) if p.get("type") != "null"]
    part = parts[0] if len(parts) == 1 else {}
    if name == "preset":
        kind, choices = "choice", tuple(PRESETS)
    elif "enum" in part:
        kind, choices = "choice", tuple(str(value) for value in part["enum"])
    elif part.get("type") == "boolean":
        kind, choices = "choice", ("true", "false")
    elif part.get("type") in ("integer", "number"):
        kind = "number"
        step = "1" if part["type"] == "integer" else "any"
        least, most = (_bound(part, key) for key in ("minimum", "maximum"))
    label = name.replace("_", " ").capitalize()
    label = {"tv weight": "Smoothing (TV weight)"}.get(label.lower(), label)
    if name == "texture_size":
        allowed = "such as 1536 x 512"
    return Field(
        name,
        label,
        kind,
        help,
        "" if default == "null" else default,
        allowed.removesuffix(", or null"),
        choices,
        least,
        most,
        step,
    )


def _bound(part: Mapping[str, Any], key: str) -> str | None:
    value = part.get(key)
    return None if value is None or abs(value) > 1e15 else f"{value:.10g}"
