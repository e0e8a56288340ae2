from pathlib import Path

import pytest

from engine.settings import Settings, resolve
from hotfolder.config import Config, annotated_yaml, find_config, load_config, search_path
from hotfolder.errors import ConfigError

REPOSITORY = Path(__file__).parents[2]


def refusal(tmp_path: Path, text: str) -> str:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    return str(caught.value).replace(f"{tmp_path}/", "")


def test_the_repositorys_config_is_the_annotated_defaults() -> None:
    """If this fails: python -m hotfolder.config > config.yaml"""
    assert (REPOSITORY / "config.yaml").read_text() == annotated_yaml()


def test_the_annotated_file_means_the_defaults() -> None:
    config = load_config(REPOSITORY / "config.yaml")
    assert resolve(config.settings) == Settings()
    neutral = {"hot_folder": "", "settings": {}}
    assert config.model_copy(update=neutral) == Config().model_copy(update=neutral)


def test_every_key_is_in_the_annotated_file_under_a_comment() -> None:
    lines = annotated_yaml().splitlines()
    for key in [*Config.model_fields, *Settings.model_fields]:
        at = next(i for i, line in enumerate(lines) if line.strip().startswith(f"{key}:"))
        assert lines[at - 1].strip().startswith("#"), key


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: cannot be read"):
        load_config(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("settle: 2", "config.yaml, line 1: settle: unknown key"),
        ("\nsettle_secnds: 2", "Did you mean 'settle_seconds'?"),
        ("watch:\n  polling: maybe", "config.yaml, line 2: watch.polling: 'maybe'; expected true"),
        ("retry: {lots: 3}", "line 1: retry.lots: unknown key; expected one of lost."),
        ("devices: 3", "devices: 3; expected `auto` or a list"),
        ("threads: 0", "threads: 0; expected a whole number from 1"),
        ("settings:\n  size: 64\n  styel_weight: 1", "line 3: settings.styel_weight: unknown key"),
        ("settings:\n  size: big", "line 2: settings.size: 'big'; expected a whole number"),
        ("a: [", "not valid YAML"),
    ],
)
def test_problems_are_named_with_file_line_key_and_what_was_expected(
    tmp_path: Path, text: str, expected: str
) -> None:
    assert expected in refusal(tmp_path, text)


def test_the_hot_folder_is_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("hot_folder: hot")
    assert load_config(tmp_path / "config.yaml").hot_folder == str(tmp_path / "hot")


def test_the_working_folder_comes_before_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.chdir(tmp_path)
    here, users = search_path()
    assert find_config() is None
    users.parent.mkdir(parents=True)
    users.write_text("overwrite: true")
    assert load_config().overwrite
    here.write_text("overwrite: false")
    assert not load_config().overwrite
