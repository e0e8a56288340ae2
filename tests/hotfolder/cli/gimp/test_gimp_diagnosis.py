"""What the doctor says of a menu entry that is missing: one test for each reason."""

import json
import os
import sys
from pathlib import Path

import pytest

from engine import __version__
from hotfolder.cli.diagnostics import DiagnosticResult
from hotfolder.cli.gimp.diagnosis import diagnose
from hotfolder.cli.gimp.plug_in import Facts, install
from hotfolder.cli.gimp.profiles import Kind, Machine
from hotfolder.cli.gimp.sandbox import Permissions, why_out_of_reach
from hotfolder.paths import FolderPaths

FOLDERS = {
    Kind.NATIVE: ".config/GIMP",
    Kind.FLATPAK: ".var/app/org.gimp.GIMP/config/GIMP",
    Kind.SNAP: "snap/gimp/current/.config/GIMP",
}


class Desk:
    """A home folder, and a path with the programs that a test puts there."""

    def __init__(self, root: Path) -> None:
        self.home = root / "home"
        self.programs = root / "bin"
        self.programs.mkdir(parents=True)
        self.hot = FolderPaths(self.home / "Impasto")
        self.hot.create()
        self.environ = {"PATH": str(self.programs)}

    def profile(self, kind: Kind = Kind.NATIVE, version: str = "3.0") -> Path:
        folder = self.home / FOLDERS[kind] / version
        folder.mkdir(parents=True)
        return folder

    def install(
        self, profile: Path, hot: Path | None = None, command: str = sys.executable
    ) -> Path:
        facts = Facts(hot or self.hot.root, [command], __version__)
        return install(profile / "plug-ins", facts)

    def program(self, name: str, text: str) -> None:
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def findings(self) -> list[DiagnosticResult]:
        return list(diagnose(Machine(self.home, self.environ, "linux")))

    def finding(self, verdict: str) -> str:
        """Detail and remedy of the one finding that is not ok."""
        (found,) = [each for each in self.findings() if each.verdict != "ok"]
        assert found.verdict == verdict
        assert found.remedy
        return f"{found.detail}. {found.remedy}"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_without_gimp_there_is_nothing_to_mend(desk: Desk) -> None:
    assert [finding.verdict for finding in desk.findings()] == ["ok"]


def test_gimp_2_only(desk: Desk) -> None:
    desk.profile(version="2.10")
    assert "GIMP 2.10 only; the plug-in needs GIMP 3. Install GIMP 3" in desk.finding("warn")
    desk.program("gimp", "echo GNU Image Manipulation Program version 2.10.36")
    assert "GIMP 2.10.36 only" in desk.finding("warn")


def test_a_gimp_that_was_never_started(desk: Desk) -> None:
    desk.program("gimp", "echo GNU Image Manipulation Program version 3.0.4")
    assert "GIMP 3.0.4 is here, but has not made its folder yet. Start it" in desk.finding("warn")


def test_a_gimp_that_does_not_answer_is_none(desk: Desk) -> None:
    desk.program("gimp", "exit 3")
    assert [finding.verdict for finding in desk.findings()] == ["ok"]


def test_not_installed(desk: Desk) -> None:
    desk.profile()
    found = desk.finding("warn")
    assert found == ("GIMP 3.0: the plug-in is not installed. Run: impasto install-plugin gimp")


@pytest.mark.parametrize(
    "place",
    [
        "plug-ins/impasto.py",
        "plug-ins/gimp/impasto.py",
        "plug-ins/impasto/impasto/impasto.py",
        "plug-ins/impasto-main/impasto/impasto.py",
        "scripts/impasto.py",
        "impasto/impasto.py",
    ],
)
def test_in_the_wrong_place(desk: Desk, place: str) -> None:
    path = desk.profile() / place
    path.parent.mkdir(parents=True)
    path.touch()
    assert f"{path} is in the wrong place; GIMP runs plug-ins/impasto/" in desk.finding("fail")


@pytest.mark.parametrize(("version", "other"), [("3.0", "GIMP 3.0"), ("2.10", "GIMP 2.10")])
def test_in_the_folder_of_another_version(desk: Desk, version: str, other: str) -> None:
    desk.install(desk.profile(version=version))
    desk.profile(version="3.2")
    assert f"GIMP 3.2: the plug-in is in the folder of {other}" in desk.finding("fail")


def test_no_run_bit(desk: Desk) -> None:
    program = desk.install(desk.profile()) / "impasto.py"
    program.chmod(0o644)
    assert f"has no run bit, so GIMP skips it. Run: chmod +x '{program}'" in desk.finding("fail")


def test_a_file_system_that_runs_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.install(desk.profile())
    real = os.access
    monkeypatch.setattr(os, "access", lambda p, m, **k: m != os.X_OK and real(p, m, **k))
    # The command of impasto.json lies there too.
    assert "noexec" in desk.findings()[0].detail


@pytest.mark.parametrize(
    ("path", "verdict"),
    [
        ("${gimp_dir}/plug-ins:${gimp_plug_in_dir}/plug-ins", "ok"),
        ("/opt/plug-ins:{profile}/plug-ins/", "ok"),
        ("${gimp_plug_in_dir}/plug-ins", "fail"),
    ],
)
def test_a_gimprc_that_looks_elsewhere(desk: Desk, path: str, verdict: str) -> None:
    profile = desk.profile()
    desk.install(profile)
    text = path.replace("{profile}", str(profile))
    (profile / "gimprc").write_text(f'(check-updates no)\n(plug-in-path "{text}")\n')
    (found,) = desk.findings()
    assert found.verdict == verdict
    assert ("gimprc leaves" in found.detail) == (verdict == "fail")


def test_without_its_client(desk: Desk) -> None:
    folder = desk.install(desk.profile())
    (folder / "client/_client.py").unlink()
    assert f"{folder} lacks its client (client/_client.py)" in desk.finding("fail")


def test_older_than_this_impasto(desk: Desk) -> None:
    folder = desk.install(desk.profile())
    (folder / "client/_client.py").write_text("old")
    assert "is not this Impasto's: client/_client.py differs" in desk.finding("warn")
    facts = json.loads((folder / "impasto.json").read_text())
    (folder / "impasto.json").write_text(json.dumps(facts | {"version": "0.0.9"}))
    assert "came with Impasto 0.0.9; this is" in desk.finding("warn")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"hot_folder": 3}'])
def test_told_nothing(desk: Desk, text: str) -> None:
    folder = desk.install(desk.profile())
    (folder / "impasto.json").write_text(text)
    assert "impasto.json names no hot folder. Run: impasto install-plugin" in desk.finding("fail")


def test_a_hot_folder_that_is_gone(desk: Desk) -> None:
    desk.install(desk.profile(), desk.home / "gone")
    found = desk.finding("fail")
    assert f"use {desk.home / 'gone'} (impasto.json), which is no hot folder" in found
    assert "impasto init" in found


def test_a_command_that_is_gone(desk: Desk) -> None:
    desk.install(desk.profile(), command="/gone/bin/impasto")
    assert "start the server is gone: ['/gone/bin/impasto']" in desk.finding("fail")


@pytest.mark.parametrize(
    ("python", "message"),
    [
        ("echo \"ModuleNotFoundError: No module named 'gi'\"; exit 1", "No module named 'gi'"),
        ("echo 'Namespace Gimp not available'; exit 1", "Gimp not available. On Debian"),
        ("exit 0", None),
    ],
)
def test_a_python_without_gimp(desk: Desk, python: str, message: str | None) -> None:
    desk.install(desk.profile())
    desk.program("gimp", "echo GNU Image Manipulation Program version 3.0.4")
    desk.program("python3", python)
    if message is None:
        assert [finding.verdict for finding in desk.findings()] == ["ok"]
    else:
        assert message in desk.finding("fail")


def test_no_python_at_all(desk: Desk) -> None:
    desk.install(desk.profile())
    desk.program("gimp", "echo GNU Image Manipulation Program version 3.0.4")
    assert "no python3 on the path" in desk.finding("fail")


def test_our_own_environment_is_not_taken_for_gimps(desk: Desk, tmp_path: Path) -> None:
    desk.install(desk.profile())
    desk.program("gimp", "echo GNU Image Manipulation Program version 3.0.4")
    desk.program("python3", "exit 0")
    own = Desk(tmp_path / "venv")
    own.program("python3", "echo we have no gi; exit 1")
    desk.environ = {
        "PATH": f"{own.programs}{os.pathsep}{desk.programs}",
        "VIRTUAL_ENV": str(tmp_path / "venv"),
    }
    assert [finding.verdict for finding in desk.findings()] == ["ok"]


@pytest.mark.parametrize(
    ("notes", "age", "verdict", "message"),
    [
        pytest.param(None, 0, "ok", "comes at GIMP's next start", id="never_started"),
        pytest.param("", -60, "ok", "comes at GIMP's next start", id="not_started_since"),
        pytest.param("", 60, "warn", "could not use it. Start GIMP from a terminal", id="refused"),
        pytest.param(
            '(plug-in-def "${gimp_dir}/plug-ins/impasto/impasto.py" %d\n    (proc-def "x" 1',
            *(60, "ok", "in its menu"),
            id="taken",
        ),
        pytest.param(
            '(plug-in-def "${gimp_dir}/plug-ins/impasto/impasto.py" 17\n    (proc-def "x" 1',
            *(-60, "ok", "next start"),
            id="an_older_one_taken",
        ),
    ],
)
def test_gimps_own_notes_tell_whether_it_is_in_the_menu(
    desk: Desk, notes: str | None, age: float, verdict: str, message: str
) -> None:
    profile = desk.profile()
    changed = (desk.install(profile) / "impasto.py").stat().st_mtime
    if notes is not None:
        path = profile / "pluginrc"
        path.write_text(notes.replace("%d", str(int(changed))))
        os.utime(path, (changed + age, changed + age))
    (found,) = desk.findings()
    assert found.verdict == verdict
    assert message in f"{found.detail}. {found.remedy}"


def test_a_snap_starts_no_server_and_sees_no_hidden_folder(desk: Desk) -> None:
    profile = desk.profile(Kind.SNAP)
    desk.install(profile)
    assert (
        "(Snap) cannot start the server (its sandbox). Start it in a terminal: impasto watch"
        in (desk.finding("warn"))
    )
    hidden = FolderPaths(desk.home / ".hot")
    hidden.create()
    desk.install(profile, hidden.root)
    assert any("a Snap sees nothing below ~/.hot" in found.detail for found in desk.findings())


def test_a_flatpak_is_asked_what_it_is_allowed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.install(desk.profile(Kind.FLATPAK), command="flatpak-spawn")
    # Where there is no flatpak, it is taken to be as GIMP's is published.
    monkeypatch.setenv("PATH", desk.environ["PATH"])
    assert "flatpak override --user --talk-name" in desk.finding("warn")

    bus = "[Session Bus Policy]\\norg.freedesktop.Flatpak=talk"
    desk.program("flatpak", f"printf '[Context]\\nfilesystems=host;!/x;\\n{bus}\\n'")
    assert [finding.verdict for finding in desk.findings()] == ["ok"]

    desk.program("flatpak", f"printf '[Context]\\nfilesystems=xdg-pictures;~/Art:ro;\\n{bus}\\n'")
    assert "cannot reach the hot folder: the Flatpak has no permission" in desk.finding("fail")


@pytest.mark.parametrize(
    ("kind", "allowed", "folder", "reached"),
    [
        (Kind.NATIVE, [], "/tmp/hot", True),
        (Kind.FLATPAK, ["host"], "/home/me/hot", True),
        (Kind.FLATPAK, ["host"], "/srv/hot", True),
        (Kind.FLATPAK, ["host"], "/tmp/hot", False),
        (Kind.FLATPAK, ["host:ro"], "/home/me/hot", False),
        (Kind.FLATPAK, ["home"], "/home/me/hot", True),
        (Kind.FLATPAK, ["home"], "/srv/hot", False),
        (Kind.FLATPAK, ["~/Art", "/tmp"], "/home/me/Art/hot", True),
        (Kind.FLATPAK, ["~/Art", "/tmp"], "/tmp/hot", True),
        (Kind.FLATPAK, ["~/Art"], "/home/me/Artists/hot", False),
        (Kind.SNAP, [], "/home/me/hot", True),
        (Kind.SNAP, [], "/home/me/.local/hot", False),
        (Kind.SNAP, [], "/media/disk/hot", True),
        (Kind.SNAP, [], "/srv/hot", False),
    ],
)
def test_what_a_sandbox_sees(kind: Kind, allowed: list[str], folder: str, reached: bool) -> None:
    machine = Machine(Path("/home/me"), {}, "linux")
    why = why_out_of_reach(kind, Path(folder), machine, Permissions(allowed))
    assert (why is None) == reached
