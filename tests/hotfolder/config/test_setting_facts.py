"""docs/settings.md says what the model says."""

import re
import runpy
from pathlib import Path

from engine.settings import LAYERS, Settings, resolve
from engine.settings.presets import PRESETS
from hotfolder.config.setting_facts import facts, plain
from hotfolder.yaml_document import parse_document

DOCS = Path(__file__).parents[3] / "docs"


def page() -> str:
    text: str = runpy.run_path(str(DOCS / "draw_settings.py"))["page"]()
    return text


def test_the_page_is_up_to_date() -> None:
    assert (DOCS / "settings.md").read_text(encoding="utf-8") == page(), "make docs"


def test_every_setting_is_described() -> None:
    assert [fact.name for fact in facts()] == list(Settings.model_fields)
    assert all(fact.description and fact.allowed and fact.default for fact in facts())


def test_every_layer_is_listed_once_with_its_block() -> None:
    layers = page().partition("## Layers")[2].partition("## Presets")[0].partition("layers are:")[2]
    assert re.findall(r"`(\w+)`", layers) == list(LAYERS)


def test_what_the_page_shows_of_a_preset_can_be_copied() -> None:
    for name, values in PRESETS.items():
        copied = "\n".join(f"{key}: {plain(value)}" for key, value in values.items())
        layer = parse_document(copied.encode(), name).values
        assert resolve(layer) == resolve(values)
