"""The commands, as a person or a script sees them: output, messages, exit codes."""

import json
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer

from engine.errors import ExitCode
from hotfolder.cli.app import SUBCOMMANDS, app
from hotfolder.cli.main import main

# typer itself imports pydantic to read options; our own models would come on top of that.
HEAVY = ("torch", "yaml", "watchdog", "rich.live", "PIL", "numpy", "engine.settings")


pytestmark = pytest.mark.usefixtures("somewhere_else")


def post(hot: Path, name: str, **facts: object) -> None:
    document = {"name": name, "updated": "2026-11-24T03:00:00+00:00", **facts}
    (hot / "status" / f"{name}.json").write_text(json.dumps(document))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["stylise", "--help"],
        ["status", "HOT"],
        ["status", "HOT", "--json"],
    ],
)
def test_nothing_heavy_is_imported_to_answer(hot: Path, arguments: list[str]) -> None:
    post(hot, "cat", state="queued", position=1)
    arguments = [str(hot) if argument == "HOT" else argument for argument in arguments]
    program = (
        "import sys\nfrom hotfolder.cli.main import main\n"
        f"assert main({arguments!r}) == 0\n"
        f"sys.stderr.write(' '.join(m for m in {HEAVY!r} if m in sys.modules))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert answer.stderr == ""
    assert answer.stdout


def test_every_command_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    names = [info.name or "" for info in app.registered_commands]
    assert {"demo", "submit", "watch", "check"} < set(names)
    for name in names:
        assert main([name, "--help"]) == ExitCode.OK
        assert f"impasto {name}" in capsys.readouterr().out.partition("Examples")[2]


def test_every_example_is_understood() -> None:
    program: Any = typer.main.get_command(app)
    groups = {name: program.commands[name].commands for name in SUBCOMMANDS}
    commands = {**program.commands, "impasto": program}
    for command in [*commands.values(), *(c for group in groups.values() for c in group.values())]:
        lines = re.findall(r"\[cyan\](.*?)\[/cyan\]", (command.epilog or "").replace("\\[", "["))
        calls = [call for line in lines for call in re.split(r"&&|\|\|", line)]
        for words in (shlex.split(call) for call in calls if "impasto" in call):
            name, *arguments = words[1:]
            known = commands
            if name in groups and arguments and arguments[0] in groups[name]:
                known, (name, *arguments) = groups[name], arguments
            known[name].make_context(name, arguments)  # raises what `impasto` would say


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(["frobnicate"], ExitCode.USAGE, "frobnicate", id="unknown_command"),
        pytest.param(["stylise", "a.jpg"], ExitCode.USAGE, "See `impasto stylise", id="argument"),
        pytest.param(
            ["stylise", "a.jpg", "night", "-o", "b.gif"], ExitCode.USAGE, ".png", id="format"
        ),
        pytest.param(
            ["stylise", "a.jpg", "night", "-o", "b.png"], ExitCode.INPUT, "a.jpg", id="no_content"
        ),
        pytest.param(
            ["stylise", __file__, "nigth", "-o", "b.png"], ExitCode.INPUT, "'night'", id="no_style"
        ),
        pytest.param(
            ["stylise", __file__, "night", "-o", "b.png"], ExitCode.INPUT, ".py", id="no_picture"
        ),
        pytest.param(
            ["stylise", "a.jpg", "night", "-o", "b.png", "-s", "sise=3"],
            ExitCode.CONFIGURATION,
            "'size'",
            id="setting",
        ),
        pytest.param(
            ["stylise", "a.jpg", "night", "-o", "b.png", "--preset", "prevew"],
            ExitCode.CONFIGURATION,
            "'preview'",
            id="preset",
        ),
        pytest.param(
            ["submit", "a.jpg", "night"], ExitCode.FILE_ACCESS, "IMPASTO_HOT_FOLDER", id="no_hot"
        ),
        pytest.param(["watch", "nowhere"], ExitCode.FILE_ACCESS, "impasto init", id="no_folder"),
        pytest.param(
            ["watch", "-c", "nowhere.yaml"], ExitCode.CONFIGURATION, "nowhere.yaml", id="no_config"
        ),
        pytest.param(["check", "nowhere.yaml"], ExitCode.FILE_ACCESS, "nowhere.yaml", id="no_file"),
        pytest.param(["settings", "sise"], ExitCode.INPUT, "'size'", id="unknown_setting"),
    ],
)
def test_an_error_is_one_clear_message(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: ExitCode, message: str
) -> None:
    assert main(arguments) == code
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("Error: ") == 1
    assert message in output.err
    assert "Traceback" not in output.err
    assert "\x1b" not in output.err


@pytest.mark.parametrize("place", [0, -1])
def test_debug_shows_where_an_error_comes_from(
    capsys: pytest.CaptureFixture[str], place: int
) -> None:
    arguments = ["watch", "nowhere"]
    arguments.insert(place if place == 0 else len(arguments), "--debug")
    assert main(arguments) == ExitCode.FILE_ACCESS
    assert "Traceback" in capsys.readouterr().err


def test_an_interruption_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hotfolder.paths.FolderPaths.create", interrupted)
    assert main(["init", "hot"]) == ExitCode.INTERRUPTED


def test_init_makes_a_folder_to_paint_with_and_changes_nothing(somewhere_else: Path) -> None:
    assert main(["init", "hot"]) == ExitCode.OK
    styles = somewhere_else / "hot/styles"
    assert {"night.jpg", "evening.jpg", "README.txt"} <= {path.name for path in styles.iterdir()}
    (styles / "night.jpg").write_bytes(b"mine")
    assert main(["init", "hot"]) == ExitCode.OK
    assert (styles / "night.jpg").read_bytes() == b"mine"


def test_init_writes_a_configuration_that_check_likes_and_status_finds(
    somewhere_else: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "deep/hot", "--config", "config.yaml"]) == ExitCode.OK
    assert main(["check", "config.yaml"]) == ExitCode.OK
    assert f"hot_folder: {somewhere_else / 'deep/hot'}" in capsys.readouterr().out
    assert main(["status"]) == ExitCode.OK
    assert str(somewhere_else / "deep/hot") in capsys.readouterr().out
    assert main(["init", "deep/hot", "--config", "config.yaml"]) == ExitCode.CONFIGURATION


def test_the_environment_names_the_hot_folder(
    hot: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["status"]) == ExitCode.OK
    assert str(hot) in capsys.readouterr().out
    monkeypatch.setenv("IMPASTO_HOT_FOLDER", str(tmp_path / "elsewhere"))
    assert main(["status"]) == ExitCode.FILE_ACCESS
    assert "IMPASTO_HOT_FOLDER names it" in capsys.readouterr().err
    assert main(["status", "hot"]) == ExitCode.OK


def test_status_shows_jobs_in_their_order_without_control_codes(
    hot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    losses = {"content": 1.0, "style": 2.0, "tv": 0.0, "total": 3.0}
    post(hot, "ended", state="failed", message="b.jpg: truncated")
    post(hot, "second", state="queued", position=2)
    post(hot, "first", state="queued", position=1)
    post(hot, "now", state="running", fraction=0.25, losses=losses, eta_seconds=65)

    assert main(["status", "hot"]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert "nobody serves it" in lines[0]
    assert [line.split()[0] for line in lines[2:]] == ["now", "first", "second", "ended"]
    assert lines[2].split() == ["now", "running", "25%", "3", "1:05"]
    assert lines[5].endswith("b.jpg: truncated")
    assert "\x1b" not in "".join(lines)


def test_status_says_how_often_a_style_was_known(
    hot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    caches = [{"hits": 3, "misses": 1, "bytes": 2_441_216}, None]
    devices = [{"device": "x", "state": "idle", "style_cache": cache} for cache in caches]
    server = {"state": "idle", "devices": devices, "updated": datetime.now(UTC).isoformat()}
    (hot / "status" / "server.json").write_text(json.dumps(server))
    assert main(["status", "hot"]) == ExitCode.OK
    assert "Styles known from memory: 3 of 4 times (2.4 MB)." in capsys.readouterr().out


def test_status_for_programs_is_json(hot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    post(hot, "cat", state="waiting", message="lacks a style picture")
    assert main(["status", "hot", "--json"]) == ExitCode.OK
    document = json.loads(capsys.readouterr().out)
    assert document["server"]["running"] is False
    assert document["jobs"][0]["message"] == "lacks a style picture"


def test_submit_without_waiting_prints_the_name_alone_on_stdout(
    hot: Path, photograph: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["submit", str(photograph), "night", "--no-wait", "-p", "preview", "-s", "seed=7"]
    assert main(arguments) == ExitCode.OK
    output = capsys.readouterr()
    assert output.out == "chelsea\n"
    assert "impasto watch" in output.err
    sidecar = json.loads((hot / "inbox/chelsea.yaml").read_text())
    assert (sidecar["styles"], sidecar["preset"], sidecar["seed"]) == (["night.jpg"], "preview", 7)
    assert main(["check", "hot/inbox/chelsea.yaml"]) == ExitCode.OK


def test_a_bad_setting_is_refused_before_anything_is_submitted(
    hot: Path, photograph: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["submit", str(photograph), "night", "--no-wait", "-s", "steps=many"])
    assert code == ExitCode.CONFIGURATION
    assert list((hot / "inbox").iterdir()) == []


def test_check_names_file_line_and_key(hot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sidecar = hot / "inbox/cat.yaml"
    sidecar.write_text("content: cat.jpg\nstyles: [nigth.jpg]\nsise: 512\n")
    assert main(["check", str(sidecar)]) == ExitCode.CONFIGURATION
    assert "cat.yaml, line 3: sise: unknown key" in capsys.readouterr().err

    sidecar.write_text("content: cat.jpg\nstyles: [nigth.jpg]\n")
    assert main(["check", str(sidecar)]) == ExitCode.CONFIGURATION
    error = capsys.readouterr().err
    assert "line 1: content: 'cat.jpg'; not beside the sidecar" in error
    assert "line 2: styles: 'nigth.jpg'" in error
    assert "Did you mean 'night.jpg'?" in error

    (hot / "inbox/cat.jpg").touch()
    sidecar.write_text("content: cat.jpg\nstyles: [night.jpg]\npreset: preview\n")
    assert main(["check", str(sidecar)]) == ExitCode.OK
    assert "size: 256" in capsys.readouterr().out


def test_check_reads_a_folders_preset(hot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    preset = hot / "inbox/oil/preset.yaml"
    preset.parent.mkdir()
    preset.write_text("styles: [nigth.jpg]\nsize: 640\nmax_minutes: 5\n")
    assert main(["check", str(preset)]) == ExitCode.CONFIGURATION
    assert "Did you mean 'night.jpg'?" in capsys.readouterr().err
    preset.write_text("styles: [night.jpg]\ncontent: cat.jpg\n")
    assert main(["check", str(preset)]) == ExitCode.CONFIGURATION
    assert "line 2: content: 'cat.jpg'; expected no such key" in capsys.readouterr().err
    preset.write_text("styles: [night.jpg]\nsize: 640\nrecursive: true\nname: '{size}'\n")
    assert main(["check", str(preset)]) == ExitCode.OK
    assert "size: 640" in capsys.readouterr().out


def test_check_takes_terms_alone_for_a_sidecar(
    hot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (hot / "inbox/cat.yaml").write_text("max_minutes: 5\n")
    assert main(["check", str(hot / "inbox/cat.yaml")]) == ExitCode.OK
    assert "is a good sidecar" in capsys.readouterr().err


def test_check_tells_a_configuration_by_its_keys(
    somewhere_else: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (somewhere_else / "other.yaml").write_text("originals: archive\nretry: {lots: 3}\n")
    assert main(["check", "other.yaml"]) == ExitCode.CONFIGURATION
    assert "other.yaml, line 2: retry.lots: unknown key" in capsys.readouterr().err


def test_check_tells_a_batch_by_its_name(
    somewhere_else: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = somewhere_else / "trip.batch.yaml"
    batch.write_text("contents: '*.jpg'\nstyles: [night.jpg]\nsettings: [{size: 64}, {}]\n")
    assert main(["check", "trip.batch.yaml"]) == ExitCode.OK
    assert "- preset: standard\n  size: 64\n" in capsys.readouterr().out
    batch.write_text("contents: '*.jpg'\nstyles: [night.jpg]\nsettings: {sise: 64}\n")
    assert main(["check", "trip.batch.yaml"]) == ExitCode.CONFIGURATION
    assert "trip.batch.yaml, line 3: settings.sise" in capsys.readouterr().err


def test_presets_and_settings_are_lines_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["presets"]) == ExitCode.OK
    presets = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0] for line in presets][:3] == ["standard", "quick", "fine"]
    assert main(["settings", "size"]) == ExitCode.OK
    assert capsys.readouterr().out.startswith(
        "size\twhole number from 32 to 100 000, or content\t512\t"
    )


def test_a_closed_pipe_is_no_error(hot: Path) -> None:
    command = f"{sys.executable} -m hotfolder.cli settings | true"
    answer = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True)
    assert (answer.returncode, answer.stderr) == (0, b"")


def test_check_says_where_each_value_comes_from(
    somewhere_else: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check"]) == ExitCode.OK
    nothing = capsys.readouterr()
    users = somewhere_else / "config" / "impasto" / "config.yaml"
    assert f"no configuration is at {somewhere_else / 'config.yaml'} or {users}" in nothing.err
    (somewhere_else / "config.yaml").write_text("overwrite: true\nsettings:\n  size: 64\n")
    monkeypatch.setenv("IMPASTO_WATCH__POLLING", "true")
    assert main(["check"]) == ExitCode.OK
    lines = {" ".join(line.split()) for line in capsys.readouterr().out.splitlines()}
    assert f"overwrite: true # {somewhere_else}/config.yaml, line 1" in lines
    assert "polling: true # IMPASTO_WATCH__POLLING" in lines
    assert f"size: 64 # {somewhere_else}/config.yaml, line 3" in lines
    assert "originals: archive # default" in lines
