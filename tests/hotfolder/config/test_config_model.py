from pathlib import Path

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
