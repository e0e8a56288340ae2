"""Writes docs/settings.md from the settings model; `make docs` runs it, a test compares."""

import re
import sys

from engine.settings import LAYERS
from engine.settings.presets import PRESETS
from hotfolder.config.setting_facts import facts, plain

INTRODUCTION = """\
# Settings

<!-- Made by `make docs` from engine/settings/model.py; do not edit by hand. -->

Everything that changes a result. The same keys are understood in a sidecar, under
`settings:` in `config.yaml`, and as `--set KEY=VALUE` on the command line. Later layers win:
built-in defaults, `config.yaml`, the sidecar or the command. Within a layer, its
`preset` comes first, then the other keys.

An unknown key, a wrong type or a number out of range is refused, with the nearest valid key.
"""


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


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
