"""`--hot`: every command takes the hot folder in the same way."""

import json
import re
import shlex
from pathlib import Path

import pytest

from engine.errors import ExitCode
from hotfolder.cli.app import GROUPS
from hotfolder.cli.main import main

WITHOUT = {
    *("stylise", "texture", "plan", "compare", "reconstruct", "presets", "settings"),
    "uninstall-plugin",  # it takes the plug-in out of GIMP, whichever folder that uses
}
SERVICE = ["service install", "service uninstall", "service status"]
COMMANDS = [
    *(name for names in GROUPS.values() for name in names if name not in {*WITHOUT, "service"}),
    *SERVICE,
]
ALONE = ["init", "watch", "run", "page", "status", "pause", "resume", "doctor", "service install"]
"""Those that take the folder without the option's name, too."""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two hot folders in the working folder, and nothing of the developer's."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("IMPASTO_HOT_FOLDER", raising=False)
    place = tmp_path / "here"
    for name in ("family", "work"):
        (place / name / "inbox").mkdir(parents=True)
    monkeypatch.chdir(place)
    return place


class MeantError(Exception):
    """Stops a command that has found its hot folder."""


@pytest.fixture
def meant(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that commands are about, which do nothing else."""
    seen: list[str] = []

    def take(folders: object, *_: object, **__: object) -> None:
        found = folders if isinstance(folders, list) else [folders]
        seen.extend(sorted(str(Path(folder).absolute()) for folder in found))
        raise MeantError

    monkeypatch.setattr("hotfolder.cli.commands.folder._serve", take)
    monkeypatch.setattr("hotfolder.cli.commands.service._service", take)
    monkeypatch.setattr("hotfolder.paths.FolderPaths.__init__", lambda self, root: take(root))
    monkeypatch.setattr("plugin.client.Client.__init__", lambda self, root: take(root))
    return seen


def folder_of(meant: list[str], *arguments: str) -> list[str]:
    meant.clear()
    main(arguments)
    return list(meant)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_the_option_and_no_other_way(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*name.split(), "--help"]) == ExitCode.OK
    shown = capsys.readouterr().out
    assert re.search(r"--hot +-H +HOT ", shown)
    assert "[HOT]" not in shown
    assert "{HOT}" not in shown
    examples = shown.partition("Examples")[2]
    assert not re.search(rf"{name} (--once )?(hot|family|work)\b(?!/)", examples)


@pytest.mark.parametrize("name", sorted(WITHOUT))
def test_a_command_without_a_hot_folder_does_not_pretend(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name, "--help"]) == ExitCode.OK
    assert "--hot" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ALONE)
def test_a_folder_without_the_options_name_is_the_same(
    name: str, here: Path, meant: list[str]
) -> None:
    system = ["--system"] if name == "service install" else []
    words = [*name.split(), *system]
    expected = [str(here / "work")]
    assert folder_of(meant, *words, "--hot", "work") == expected
    assert folder_of(meant, *words, "-H", "work") == expected
    assert folder_of(meant, *words, "work") == expected
    assert folder_of(meant, *words, "./work", "--hot", str(here / "work")) == expected


@pytest.mark.parametrize("name", ALONE)
def test_different_folders_in_one_command_are_refused(
    name: str, meant: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*name.split(), "family", "--hot", "work"]) == ExitCode.USAGE
    assert "Different hot folders: family and --hot work." in capsys.readouterr().err
    assert meant == []


@pytest.mark.parametrize("name", [name for name in ALONE if name != "watch"])
def test_only_watch_takes_several(
    name: str, meant: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*name.split(), "family", "work"]) == ExitCode.USAGE
    assert "One hot folder at a time, not family, work." in capsys.readouterr().err
    assert meant == []


def test_watch_takes_several_either_way(here: Path, meant: list[str]) -> None:
    expected = [str(here / "family"), str(here / "work")]
    assert folder_of(meant, "watch", "--hot", "family", "--hot", "work") == expected
    assert folder_of(meant, "watch", "family", "work") == expected
    assert folder_of(meant, "watch", "work", "family", "-H", "family", "-H", "work") == expected


@pytest.mark.parametrize(
    "line",
    [
        *("init", "watch", "run", "status", "pause", "resume", "service install --system"),
        *("submit a.jpg b.jpg", "cancel cat", "hold cat", "release cat", "priority cat 9"),
        *("retry --all-failed", "doctor"),
    ],
)
def test_the_environment_and_the_configuration_name_the_folder_of_every_command(
    line: str, here: Path, meant: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = shlex.split(line)
    (here / "config.yaml").write_text("hot_folder: family\n")
    assert folder_of(meant, *words) == [str(here / "family")]
    monkeypatch.setenv("IMPASTO_HOT_FOLDER", "work")
    assert folder_of(meant, *words) == [str(here / "work")]
    assert folder_of(meant, *words, "--hot", "family") == [str(here / "family")]


def test_init_without_a_name_makes_the_folder_that_the_others_find(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init"]) == ExitCode.OK
    assert (here / "hot/styles/night.jpg").is_file()
    assert "impasto watch --hot hot" in capsys.readouterr().err
    assert main(["status", "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["hot_folder"] == str(here / "hot")


def test_check_takes_a_hot_folder_for_the_configuration_and_for_a_sidecar(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--hot", "work"]) == ExitCode.OK
    lines = {" ".join(line.split()) for line in capsys.readouterr().out.splitlines()}
    assert f"hot_folder: {here / 'work'} # the command line" in lines

    (here / "cat.jpg").touch()
    (here / "cat.yaml").write_text("content: cat.jpg\nstyles: [night.jpg]\n")
    assert main(["check", "cat.yaml"]) == ExitCode.OK
    assert main(["check", "cat.yaml", "--hot", "work"]) == ExitCode.CONFIGURATION
    assert f"nor in {here / 'work/styles'}" in capsys.readouterr().err
    assert main(["init", "--hot", "work"]) == ExitCode.OK
    assert main(["check", "cat.yaml", "--hot", "work"]) == ExitCode.OK


@pytest.mark.parametrize(
    ("preset", "sidecar", "code", "words"),
    [
        ("texture: true", "tile: true", 0, "hot/inbox/tiles/cat.yaml is a good sidecar"),
        ("texture: true", "strength: 40", 9, "tiles/cat.yaml, line 1: strength: 40.0; expected no"),
        ("styles: night.jpg", "colours: content", 9, "tiles/cat.yaml, line 1: colours: content; "),
    ],
)
def test_check_judges_a_sidecar_in_the_inbox_with_all_that_lies_beside_it(
    preset: str, sidecar: str, code: int, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "hot"]) == ExitCode.OK
    folder = Path("hot/inbox/tiles")
    folder.mkdir()
    (folder / "preset.yaml").write_text(preset)
    (folder / "cat.yaml").write_text(sidecar)
    for name in ("cat.jpg", *(["cat.palette.png"] if "colours" in sidecar else [])):
        (folder / name).write_bytes(b"a picture")
    assert main(["check", str(folder / "cat.yaml")]) == code
    assert words in " ".join(capfd.readouterr().err.split())


def test_a_service_of_another_folder_is_left_alone(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no systemctl
    assert main(["service", "install", "--hot", "work"]) == ExitCode.OTHER
    unit = tmp_path / "config/systemd/user/impasto.service"
    for command in ("status", "uninstall"):
        assert main(["service", command, "--hot", "family"]) == ExitCode.FILE_ACCESS
        assert f"does not serve {here / 'family'}" in capsys.readouterr().err
    assert main(["service", "status", "--hot", "work"]) == ExitCode.OK
    assert main(["service", "uninstall", "--hot", "work"]) == ExitCode.OK
    assert not unit.exists()


@pytest.mark.parametrize(
    "line",
    [
        *("init --hot ~nosuchuser/x", "watch --hot ~nosuchuser/x", "watch ~nosuchuser/x --hot a"),
        *("status --hot ~nosuchuser/x", "install-plugin gimp --folder ~nosuchuser/x"),
        *(
            "batch ~nosuchuser/*.jpg --style night --out out",
            "stylise a.jpg ~nosuchuser/b.jpg -o o.png",
        ),
        "service status --hot ~nosuchuser/x",
    ],
)
def test_the_home_folder_of_nobody_is_an_error_in_words(
    line: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unit = here.parent / "config/systemd/user/impasto.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("Description=Impasto, serving x\n")
    (here / "a.jpg").touch()
    assert main(line.split()) in (ExitCode.FILE_ACCESS, ExitCode.INPUT, ExitCode.USAGE)
    error = capsys.readouterr().err
    assert "~nosuchuser" in error
    assert "unforeseen" not in error


@pytest.mark.parametrize("source", ["option", "variable", "hot_folder", "hot_folders"])
def test_a_named_folder_that_is_not_there_is_waited_for_only_when_asked(
    source: str,
    here: Path,
    meant: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["watch"]
    if source == "option":
        words += ["--hot", "mnt/nas"]
    elif source == "variable":
        monkeypatch.setenv("IMPASTO_HOT_FOLDER", "mnt/nas")
    else:
        text = "hot_folder: mnt/nas" if source == "hot_folder" else "hot_folders: [mnt/nas]"
        (here / "config.yaml").write_text(text)
    assert folder_of(meant, *words) == []
    assert "mnt/nas" in capsys.readouterr().err
    assert folder_of(meant, *words, "--wait") == [str(here / "mnt/nas")]


def test_without_any_name_there_is_nothing_to_wait_for(
    here: Path, meant: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert folder_of(meant, "watch", "--wait") == []
    assert "No hot folder" in capsys.readouterr().err
