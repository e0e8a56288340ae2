"""docs/settings.md, made from the settings model: `python -m hotfolder.cli.settings_page`.

A test keeps the file equal to `page()`; `impasto settings` shows the same facts.
"""

import json
import re
import sys
from dataclasses import dataclass
from typing import Any

from engine.presets import PRESETS
from engine.settings import LAYERS, Settings

__all__ = ["SettingFact", "facts", "page", "plain"]

INTRODUCTION = """\
# Settings

<!-- Made by `make docs` from engine/settings.py; do not edit by hand. -->

Everything that changes the pixels of a result. The same keys are understood in a sidecar, under
`settings:` in `config.yaml`, and as `--set KEY=VALUE` on the command line. Later layers win:
built-in defaults, `config.yaml`, the sidecar or the command. Within a layer, its
`preset` comes first, then the other keys.

An unknown key, a wrong type or a number out of range is refused, with the nearest valid key.
"""


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


def page() -> str:
    """The whole file."""
    lines = [INTRODUCTION, "| setting | allowed | default | meaning |", "|---|---|---|---|"]
    lines += [
        f"| `{fact.name}` | {_cell(fact.allowed)} | `{fact.default}` | {_cell(fact.description)} |"
        for fact in facts()
    ]
    lines += [
        "",
        "## Layers",
        "",
        "`content_layers` and `style_layers` are mappings from a layer of VGG19 to its weight, such"
        " as `{relu4_2: 1}`. A mapping replaces the one below it as a whole. The layers are:",
        "",
    ]
    for block in range(1, 6):
        names = [f"`{name}`" for name in LAYERS if re.fullmatch(rf"[a-z]+{block}(_\d)?", name)]
        lines.append(f"- {', '.join(names)}")
    lines += ["", "## Presets", ""]
    for name, values in PRESETS.items():
        keys = [f"{key}: {plain(value)}" for key, value in values.items()]
        text = ["```yaml", *keys, "```"] if keys else ["The defaults above."]
        lines += [f"### `{name}`", "", *text, ""]
    return "\n".join(lines).rstrip() + "\n"


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
        return ", ".join(details["enum"])
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


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
