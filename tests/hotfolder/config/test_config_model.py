from pathlib import Path
from typing import Any

import pytest

from engine.errors import SettingsError
from engine.settings import Settings, resolve
from hotfolder.config.layers import read_configuration
from hotfolder.config.model import Config, annotated_yaml

REPOSITORY = Path(__file__).parents[3]


def test_the_repositorys_config_is_the_annotated_defaults() -> None:
    """If this fails: python -m hotfolder.config.model > config.yaml"""
    assert (REPOSITORY / "config.yaml").read_text() == annotated_yaml()


def test_the_annotated_file_means_the_defaults() -> None:
    config = read_configuration(REPOSITORY / "config.yaml").config
    assert resolve(config.settings) == Settings()
    neutral = {"hot_folder": "", "settings": {}}
    assert config.model_copy(update=neutral) == Config().model_copy(update=neutral)


def test_every_key_is_in_the_annotated_file_under_a_comment() -> None:
    lines = annotated_yaml().splitlines()
    for key in [*Config.model_fields, *Settings.model_fields]:
        at = next(i for i, line in enumerate(lines) if line.strip().startswith(f"{key}:"))
        assert lines[at - 1].strip().startswith("#"), key


@pytest.mark.parametrize("layer", [{"texture": True}, {"texture_size": [64, 32]}])
def test_a_configuration_does_not_make_textures_of_all_jobs(layer: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="the sidecar of a job without a content has it"):
        Config(settings=layer)
    Config(settings={"texture": False, "texture_size": None})
