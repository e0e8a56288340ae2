"""Every setting in words, from the settings model: for the command line, docs/settings.md and the
page. Pure."""

import json
from dataclasses import dataclass
from typing import Any

from engine.settings import Settings
from engine.settings.presets import PRESETS

__all__ = ["SettingFact", "facts", "plain"]


@dataclass(frozen=True)
class SettingFact:
    """One setting, in words."""

    name: str
    allowed: str
    default: str
    description: str


def facts() -> list[SettingFact]:
    """Every setting, in the model's order."""
    schema = Settings.model_json_schema()
    return [
        SettingFact(
            name,
            _allowed(name, details),
            plain(Settings.model_fields[name].default),
            " ".join(details.get("description", "").split()),
        )
        for name, details in schema["properties"].items()
    ]


def plain(value: Any) -> str:
    """A value as YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {plain(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, float):
        short = f"{value:g}".replace("e+0", "e")
        return short if float(short) == value else repr(value)
    return value if isinstance(value, str) else json.dumps(value)


def _allowed(name: str, details: dict[str, Any]) -> str:
    if name == "preset":
        return ", ".join(PRESETS)
    if "enum" in details:
        return ", ".join(str(value) for value in details["enum"])
    if "const" in details:
        return str(details["const"])
    if "oneOf" in details:
        return ", or ".join(_allowed("", part) for part in details["oneOf"])
    if "anyOf" in details:
        inner = [_allowed("", part) for part in details["anyOf"] if part.get("type") != "null"]
        return f"{', '.join(inner)}, or null"
    match details.get("type"):
        case "boolean":
            return "true, false"
        case "integer":
            return f"whole number{_range(details)}"
        case "number":
            return f"number{_range(details)}"
        case "array" if details.get("items", {}).get("type") == "string":
            return "list of names"
        case "array":
            return f"list of numbers{_range(details.get('items', {}))}"
        case "object":
            return "layers and weights"
    return "text"


def _range(details: dict[str, Any]) -> str:
    words = {"minimum": "from", "exclusiveMinimum": "above"}
    words |= {"maximum": "to", "exclusiveMaximum": "below"}
    return "".join(
        f" {word} {_number(details[key])}" for key, word in words.items() if key in details
    )


def _number(value: float) -> str:
    return "2^63" if value == 2**63 else f"{value:,}".replace(",", " ").removesuffix(".0")
