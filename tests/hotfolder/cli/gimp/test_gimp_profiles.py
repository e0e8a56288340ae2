"""Where GIMP 3 is looked for, on every system, in folders that only look like one."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from hotfolder.cli.gimp.profiles import Kind, Machine, find_old_profiles, find_profiles, newest


def machine(
    home: Path, folders: list[str], environ: Mapping[str, str] = {}, platform: str = "linux"
) -> Machine:
    for folder in folders:
        (home / folder).mkdir(parents=True)
    return Machine(home, environ, platform)


@pytest.mark.parametrize(
    ("platform", "folder", "kind"),
    [
        pytest.param("linux", ".config/GIMP/3.0", Kind.NATIVE, id="linux"),
        pytest.param("linux", ".var/app/org.gimp.GIMP/config/GIMP/3.0", Kind.FLATPAK, id="flatpak"),
        pytest.param("linux", "snap/gimp/current/.config/GIMP/3.0", Kind.SNAP, id="snap"),
        pytest.param("darwin", "Library/Application Support/GIMP/3.0", Kind.NATIVE, id="macos"),
        pytest.param("win32", "AppData/Roaming/GIMP/3.0", Kind.NATIVE, id="windows"),
    ],
)
def test_each_systems_folder_is_found(
    tmp_path: Path, platform: str, folder: str, kind: Kind
) -> None:
    (profile,) = find_profiles(machine(tmp_path, [folder], platform=platform))
    assert (profile.kind, profile.version) == (kind, "3.0")
    assert profile.plug_ins == tmp_path / folder / "plug-ins"


@pytest.mark.parametrize(
    ("variable", "value", "folder", "platform"),
    [
        ("XDG_CONFIG_HOME", "conf", "conf/GIMP/3.2", "linux"),
        ("APPDATA", "roaming", "roaming/GIMP/3.2", "win32"),
        ("GIMP3_DIRECTORY", "mine", "mine", "linux"),
    ],
)
def test_the_environment_moves_it(
    tmp_path: Path, variable: str, value: str, folder: str, platform: str
) -> None:
    environ = {variable: str(tmp_path / value)}
    usual = [".config/GIMP/3.0", "AppData/Roaming/GIMP/3.0", folder]
    (profile,) = find_profiles(machine(tmp_path, usual, environ, platform))
    assert profile.folder == tmp_path / folder


def test_a_relative_gimp3_directory_starts_at_home(tmp_path: Path) -> None:
    (profile,) = find_profiles(machine(tmp_path, [], {"GIMP3_DIRECTORY": "art/gimp"}))
    assert profile.folder == tmp_path / "art/gimp"


def test_the_newest_of_each_kind_is_the_one_that_is_used(tmp_path: Path) -> None:
    native, flatpak = ".config/GIMP", ".var/app/org.gimp.GIMP/config/GIMP"
    here = machine(
        tmp_path,
        [*(f"{native}/{v}" for v in ("2.10", "3.0", "3.10", "3.2", "3.4-old")), f"{flatpak}/3.0"],
    )
    found = find_profiles(here)
    assert [profile.version for profile in found] == ["3.10", "3.2", "3.0", "3.0"]
    assert [str(profile) for profile in newest(found)] == ["GIMP 3.10", "GIMP 3.0 (Flatpak)"]
    assert [profile.version for profile in find_old_profiles(here)] == ["2.10"]


def test_a_file_is_no_profile(tmp_path: Path) -> None:
    here = machine(tmp_path, [".config/GIMP"])
    (tmp_path / ".config/GIMP/3.0").touch()
    assert find_profiles(here) == []
