"""`install-plugin` and `uninstall-plugin` as a person calls them."""

import json
import os
from pathlib import Path

import pytest

from engine.errors import ExitCode
from hotfolder.cli.gimp.diagnosis import diagnose
from hotfolder.cli.gimp.profiles import Machine
from hotfolder.cli.main import main


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with a GIMP 3.0 that has been started, and nothing of the developer's."""
    home = tmp_path / "home"
    (home / ".config/GIMP/3.0/plug-ins").mkdir(parents=True)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    for name in ("GIMP3_DIRECTORY", "IMPASTO_HOT_FOLDER"):
        monkeypatch.delenv(name, raising=False)
    return home


def facts(profile: Path) -> dict[str, object]:
    return dict(json.loads((profile / "plug-ins/impasto/impasto.json").read_text()))


def test_one_command_puts_it_into_the_menu(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install-plugin", "gimp"]) == ExitCode.OK
    output = capsys.readouterr()
    folder = home / ".config/GIMP/3.0/plug-ins/impasto"
    assert output.out == f"{folder}\n"
    assert f"There was no hot folder; {home / 'Impasto'} is one now." in output.err
    assert "Filters > Artistic > Neural Style" in output.err
    assert os.access(folder / "impasto.py", os.X_OK)
    assert (home / "Impasto/styles/night.jpg").is_file()
    assert facts(home / ".config/GIMP/3.0")["hot_folder"] == str(home / "Impasto")


def test_the_command_that_it_is_told_works_from_anywhere(home: Path) -> None:
    assert main(["install-plugin", "gimp"]) == ExitCode.OK
    command = facts(home / ".config/GIMP/3.0")["command"]
    assert isinstance(command, list)
    assert Path(command[0]).is_absolute()
    assert os.access(command[0], os.X_OK)


def test_a_hot_folder_is_named_or_found(home: Path, tmp_path: Path) -> None:
    for name in ("mine", "hot"):
        assert main(["init", name]) == ExitCode.OK
    assert main(["install-plugin", "gimp", "--hot", "mine"]) == ExitCode.OK
    assert facts(home / ".config/GIMP/3.0")["hot_folder"] == str(tmp_path / "here/mine")
    assert main(["install-plugin", "gimp"]) == ExitCode.OK
    assert facts(home / ".config/GIMP/3.0")["hot_folder"] == str(tmp_path / "here/hot")


def test_a_dry_run_changes_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(home.rglob("*"))
    assert main(["install-plugin", "gimp", "--dry-run"]) == ExitCode.OK
    output = capsys.readouterr()
    assert "Would make the hot folder" in output.err
    assert "Would put the plug-in for GIMP 3.0 there" in output.err
    assert sorted(home.rglob("*")) == before

    assert main(["install-plugin", "gimp"]) == ExitCode.OK
    before = sorted(home.rglob("*"))
    assert main(["install-plugin", "gimp", "--dry-run"]) == ExitCode.OK
    assert "it would be replaced" in capsys.readouterr().err
    assert main(["uninstall-plugin", "gimp", "--dry-run"]) == ExitCode.OK
    assert "Would remove the plug-in for GIMP 3.0" in capsys.readouterr().err
    assert sorted(home.rglob("*")) == before


def test_every_kind_of_gimp_gets_one_with_a_command_that_it_can_run(home: Path) -> None:
    flatpak = home / ".var/app/org.gimp.GIMP/config/GIMP/3.0"
    snap = home / "snap/gimp/current/.config/GIMP/3.0"
    for profile in (flatpak, snap):
        profile.mkdir(parents=True)
    assert main(["install-plugin", "gimp"]) == ExitCode.OK
    native = facts(home / ".config/GIMP/3.0")["command"]
    assert isinstance(native, list)
    assert facts(flatpak)["command"] == ["flatpak-spawn", "--host", *native]
    assert facts(snap)["command"] == []
    assert main(["uninstall-plugin", "gimp"]) == ExitCode.OK
    assert list(home.rglob("impasto.py")) == []


def test_a_snap_that_cannot_see_the_hot_folder_is_warned_of(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "snap/gimp/current/.config/GIMP/3.0").mkdir(parents=True)
    assert main(["init", "hot"]) == ExitCode.OK
    assert main(["install-plugin", "gimp"]) == ExitCode.OK
    assert "Warning: GIMP 3.0 (Snap) cannot reach the hot folder" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["gimp3", "gimp3/plug-ins", "gimp3/plug-ins/impasto"])
def test_a_folder_can_be_named_in_three_ways(tmp_path: Path, given: str) -> None:
    (tmp_path / "here/gimp3").mkdir()
    assert main(["install-plugin", "gimp", "--folder", given]) == ExitCode.OK
    assert (tmp_path / "here/gimp3/plug-ins/impasto/impasto.py").is_file()
    assert main(["uninstall-plugin", "gimp", "--folder", given]) == ExitCode.OK
    assert list((tmp_path / "here/gimp3/plug-ins").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["krita"], ExitCode.USAGE, "'EDITOR': 'krita' is not one of 'gimp'"),
        (["gimp", "--folder", "nowhere"], ExitCode.FILE_ACCESS, "nowhere: no such folder"),
        (["gimp", "--hot", "nowhere"], ExitCode.FILE_ACCESS, "`impasto init"),
    ],
)
def test_a_mistake_is_answered_in_words_and_changes_nothing(
    home: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: ExitCode,
    message: str,
) -> None:
    assert main(["install-plugin", *arguments]) == code
    assert message in capsys.readouterr().err
    assert list(home.rglob("impasto*")) == []


def test_without_gimp_3_it_is_said_what_is_there(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / ".config/GIMP/3.0").rename(home / ".config/GIMP/2.10")
    assert main(["install-plugin", "gimp"]) == ExitCode.FILE_ACCESS
    assert "GIMP 2.10 only; the plug-in needs GIMP 3" in capsys.readouterr().err
    assert not (home / "Impasto").exists()
    assert main(["uninstall-plugin", "gimp"]) == ExitCode.OK
    assert "There is none: no GIMP 3 was found." in capsys.readouterr().err


def test_the_doctor_follows_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [finding.verdict for finding in diagnose(Machine.here())] == ["warn"]
    assert main(["install-plugin", "gimp"]) == ExitCode.OK
    assert [finding.verdict for finding in diagnose(Machine.here())] == ["ok"]
