"""Flag, environment, ./config.yaml, the user's config.yaml: who outranks whom, and who is named."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from engine.settings import resolve
from hotfolder.config.layers import read_configuration, search_path
from hotfolder.errors import ConfigError


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The working folder's file and the user's; neither is there yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.chdir(tmp_path)
    here, users = search_path()
    users.parent.mkdir(parents=True)
    return here, users


def refusal(tmp_path: Path, text: str) -> str:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_configuration(path)
    return str(caught.value).replace(f"{tmp_path}/", "")


def test_each_layer_outranks_those_below_key_by_key(places: tuple[Path, Path]) -> None:
    here, users = places
    users.write_text("overwrite: true\nthreads: 1\nstatus_seconds: 2\nwatch: {polling: true}")
    here.write_text("threads: 2\nstatus_seconds: 3\nwatch: {poll_seconds: 9}")
    environment = {"IMPASTO_STATUS_SECONDS": "4", "IMPASTO_SETTLE_SECONDS": "4"}
    read = read_configuration(flags={"settle_seconds": 5.0}, environment=environment)
    config = read.config
    assert (config.overwrite, config.threads, config.status_seconds) == (True, 2, 4)
    assert config.settle_seconds == 5
    assert (config.watch.polling, config.watch.poll_seconds) == (True, 9)
    assert read.origin("overwrite") == f"{users}, line 1"
    assert read.origin("watch", "polling") == f"{users}, line 4"
    assert read.origin("watch", "poll_seconds") == f"{here}, line 3"
    assert read.origin("status_seconds") == "IMPASTO_STATUS_SECONDS"
    assert read.origin("settle_seconds") == "the command line"
    assert read.origin("retry", "lost") == "default"


def test_a_named_file_stands_in_for_the_others(places: tuple[Path, Path], tmp_path: Path) -> None:
    here, users = places
    here.write_text("overwrite: true")
    users.write_text("overwrite: true")
    named = tmp_path / "other.yaml"
    named.write_text("threads: 3")
    for read in (
        read_configuration(named),
        read_configuration(environment={"IMPASTO_CONFIG": str(named)}),
    ):
        assert (read.config.threads, read.config.overwrite) == (3, False)
        assert read.files == (named,)


def test_a_named_file_that_is_missing_is_an_error_with_every_place_looked_at(
    places: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        read_configuration(tmp_path / "nowhere.yaml")
    assert all(str(path) in str(caught.value) for path in places)
    with pytest.raises(ConfigError, match="IMPASTO_CONFIG names it"):
        read_configuration(environment={"IMPASTO_CONFIG": "nowhere.yaml"})


def test_a_preset_named_above_outranks_the_settings_below(places: tuple[Path, Path]) -> None:
    here, users = places
    users.write_text("settings: {preset: gatys, size: 1024, seed: 7}")
    here.write_text("settings: {preset: preview, jpeg_quality: 80}")
    read = read_configuration(environment={"IMPASTO_SETTINGS__STEPS": "9"})
    in_turn = resolve(
        {"preset": "gatys", "size": 1024, "seed": 7},
        {"preset": "preview", "jpeg_quality": 80},
        {"steps": 9},
    )
    assert resolve(read.config.settings) == in_turn
    assert read.origin("settings", "size") == f"preset preview, {here}, line 1"
    assert read.origin("settings", "seed") == f"{users}, line 1"
    assert read.origin("settings", "steps") == "IMPASTO_SETTINGS__STEPS"


@pytest.mark.parametrize("key", ["init_file", "palette", "mask"])
def test_a_picture_of_one_job_is_no_setting_of_all(places: tuple[Path, Path], key: str) -> None:
    places[0].write_text(f"settings:\n  {key}: sky.png\n")
    with pytest.raises(ConfigError, match=rf"line 2: settings.{key}: 'sky.png'.* preset folder"):
        read_configuration()


def test_the_environment_speaks_yaml_and_nothing_means_nothing() -> None:
    environment = {
        "IMPASTO_DEVICES": "[cpu]",
        "IMPASTO_WATCH__POLLING": "true",
        "IMPASTO_SETTINGS": "{size: 64}",
        "IMPASTO_THREADS": "",
        "IMPASTO_JOB_NAME": "a hook's",
        "IMPASTO_SOMETHING_ELSE": "somebody else's",
    }
    config = read_configuration(environment=environment).config
    assert (config.devices, config.watch.polling, config.threads) == (["cpu"], True, None)
    assert config.settings == {"size": 64}


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"IMPASTO_SETTLE_SECONDS": "soon"}, "IMPASTO_SETTLE_SECONDS: settle_seconds: 'soon'; exp"),
        ({"IMPASTO_SETTLE_SECOND": "1"}, "Did you mean IMPASTO_SETTLE_SECONDS?"),
        ({"IMPASTO_WATCH__POLLIN": "true"}, "IMPASTO_WATCH__POLLIN: watch.pollin: unknown key"),
        ({"IMPASTO_SETTINGS__SIZE": "big"}, "IMPASTO_SETTINGS__SIZE: settings.size: 'big'"),
        ({"IMPASTO_WATCH": "yes", "IMPASTO_WATCH__POLLING": "true"}, "gives all of watch"),
        ({"IMPASTO_DEVICES": "[cpu"}, "IMPASTO_DEVICES, line 1: not valid YAML"),
    ],
)
def test_a_wrong_variable_is_named(environment: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_configuration(environment=environment)
    assert message in str(caught.value)


def test_what_is_wrong_only_together_names_the_uppermost(places: tuple[Path, Path]) -> None:
    here, users = places
    users.write_text("settings: {optimiser: adam, learning_rate: 5}")
    here.write_text("settings:\n  optimiser: lbfgs")
    with pytest.raises(ConfigError) as caught:
        read_configuration()
    assert str(caught.value).startswith(f"{users}, line 1: settings.learning_rate: 5; expected")


def test_folders_are_relative_to_where_they_are_named(
    places: tuple[Path, Path], tmp_path: Path
) -> None:
    _, users = places
    users.write_text("hot_folder: hot")
    assert read_configuration().config.hot_folder == str(users.parent / "hot")
    read = read_configuration(environment={"IMPASTO_HOT_FOLDER": "here"})
    assert read.config.hot_folder == str(tmp_path / "here")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("settle: 2", "config.yaml, line 1: settle: unknown key"),
        (
            "steps: 9",
            "steps: unknown key; expected `settings: {steps: ...}`, since it is a setting",
        ),
        ("\nsettle_secnds: 2", "Did you mean 'settle_seconds'?"),
        ("watch:\n  polling: maybe", "config.yaml, line 2: watch.polling: 'maybe'; expected true"),
        ("retry: {lots: 3}", "line 1: retry.lots: unknown key; expected one of lost, backoff."),
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


def test_a_folder_that_cannot_be_looked_into_is_an_error_of_the_configuration(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, users = places
    users.write_text("overwrite: true")
    stat = os.stat

    def denied(path: Any, *args: Any, **keywords: Any) -> os.stat_result:
        if str(path) == str(users):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return stat(path, *args, **keywords)

    monkeypatch.setattr("os.stat", denied)
    with pytest.raises(ConfigError, match=r"user.*config\.yaml: cannot be looked at: Permission"):
        read_configuration()
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CONFIG_HOME", "/" + "x" * 300)
    with pytest.raises(ConfigError, match="cannot be looked at: File name too long"):
        read_configuration()


def test_a_working_folder_that_is_gone_is_an_error_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ConfigError, match="the working folder: cannot be looked at"):
        read_configuration()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hot_folder: ~nosuchuser/hot", "config.yaml, line 1: hot_folder: ~nosuchuser/hot: nobody"),
        ("threads: 1\nlog_file: ~nosuchuser", "config.yaml, line 2: log_file: ~nosuchuser: nobody"),
        ("hot_folders:\n- hot\n- ~nosuchuser", "config.yaml, line 3: hot_folders: ~nosuchuser"),
        ('hot_folder: "a\\0b"', "hot_folder: 'a\\x00b': a path with a null character in it"),
    ],
)
def test_a_path_that_can_be_none_is_refused_with_its_line(
    tmp_path: Path, text: str, expected: str
) -> None:
    assert expected in refusal(tmp_path, text)


def test_without_a_home_folder_a_named_hot_folder_is_all_one_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nowhere(self: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(
        Path, "expanduser", lambda self: nowhere(self) if str(self)[0] == "~" else self
    )
    assert read_configuration().config.hot_folder == "~/Impasto"


@pytest.mark.parametrize("variable", ["IMPASTO_CONFIG", "IMPASTO_HOT_FOLDER"])
def test_the_home_folder_of_nobody_in_a_variable_is_an_error_of_the_configuration(
    variable: str,
) -> None:
    with pytest.raises(ConfigError, match="~nosuchuser/x: nobody knows the home folder"):
        read_configuration(environment={variable: "~nosuchuser/x"})
