"""A wheel from the tracked files, installed where there is no checkout, and used from there."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PACKAGES = ("engine", "hotfolder", "plugin")
LEFT_OUT = {"plugin/gimp/mypy.ini"}


def run(
    *command: str | Path, cwd: Path = REPOSITORY, env: Mapping[str, str] = os.environ
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done


def tracked(*folders: str) -> set[str]:
    listing = run("git", "ls-files", "-z", *folders).stdout
    return {name for name in listing.split("\0") if name and (REPOSITORY / name).is_file()}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as in a clean checkout, without a network."""
    source, dist = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in tracked():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPOSITORY / name, source / name)
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", dist, cwd=source)
    shutil.rmtree(source)
    (built,) = dist.iterdir()
    return built


class Installation:
    """The wheel in a virtual environment of its own, used from an empty folder."""

    def __init__(self, root: Path, wheel: Path) -> None:
        self.scripts = root / "venv" / "bin"
        self.folder = root / "empty"
        self.folder.mkdir()
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("IMPASTO_", "PYTHON", "PIP_", "XDG_CONFIG"))
        }
        self._environment = kept | {"HOME": str(root), "PATH": f"{self.scripts}:{os.defpath}"}
        run(sys.executable, "-m", "venv", self.scripts.parent)
        pip = [self.scripts / "python", "-m", "pip", "--disable-pip-version-check"]
        run(*pip, "install", "--no-deps", "--no-index", wheel, env=self._environment)
        # What Impasto depends on comes from here. A .pth file in those folders, such as that of an
        # editable installation, counts for nothing there.
        own = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        borrowed = [p for p in sys.path if p in own or Path(p).name == "site-packages"]
        self.packages = next(self.scripts.parent.glob("lib/python3*/site-packages"))
        (self.packages / "borrowed.pth").write_text("\n".join(borrowed))

    def impasto(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return self._run(self.scripts / "impasto", *arguments)

    def python(self, program: str) -> str:
        return self._run(self.scripts / "python", "-P", "-c", program).stdout.strip()

    def _run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        return run(*command, cwd=self.folder, env=self._environment)


@pytest.fixture(scope="session")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return Installation(tmp_path_factory.mktemp("installation"), wheel)


def test_the_wheel_holds_the_tracked_files_of_the_packages_and_no_others(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == tracked(*PACKAGES) - LEFT_OUT


def test_the_wheel_carries_the_licences(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        carried = {
            Path(name).name: archive.read(name)
            for name in archive.namelist()
            if ".dist-info/licenses/" in name
        }
    assert carried == {name: (REPOSITORY / name).read_bytes() for name in ("LICENSE", "NOTICE")}


def test_the_packages_are_imported_from_the_installation(installation: Installation) -> None:
    program = f"import {','.join(PACKAGES)}; print(*(m.__file__ for m in ({','.join(PACKAGES)})))"
    files = installation.python(program).split()
    assert files == [str(installation.packages / name / "__init__.py") for name in PACKAGES]


def test_the_version_is_the_wheels(installation: Installation, wheel: Path) -> None:
    assert installation.impasto("--version").stdout == f"impasto {wheel.name.split('-')[1]}\n"


def test_the_demo_paints_with_a_server_and_a_worker(installation: Installation) -> None:
    installation.impasto("demo", "--size", "48")
    assert (installation.folder / "demo" / "outbox" / "chelsea-night.side-by-side.jpg").is_file()


def test_a_new_hot_folder_has_the_style_pictures(
    installation: Installation, tmp_path: Path
) -> None:
    installation.impasto("init", "--hot", tmp_path / "hot")
    pictures = {path.name for path in (tmp_path / "hot" / "styles").glob("*.jpg")}
    assert {"evening.jpg", "mosaic.jpg", "night.jpg", "watercolour.jpg"} <= pictures
    assert len(pictures) == 13


def test_the_plug_in_is_put_into_gimp_whole(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "profile").mkdir()
    installation.impasto("init", "--hot", tmp_path / "hot")
    installation.impasto(
        *("install-plugin", "gimp", "--folder", tmp_path / "profile", "--hot", tmp_path / "hot")
    )
    target = tmp_path / "profile" / "plug-ins" / "impasto"
    found = {p.relative_to(target).as_posix() for p in target.rglob("*") if p.is_file()}
    program = {
        # Catalogues are compiled when they are installed.
        re.sub(r"^translations/(\w+)\.po$", r"translations/\1/LC_MESSAGES/impasto.mo", name)
        for path in tracked("plugin/gimp/impasto")
        for name in [path.removeprefix("plugin/gimp/impasto/")]
    }
    client = {name.removeprefix("plugin/") for name in tracked("plugin/client")}
    assert found == program | client | {"impasto.json"}
    facts = json.loads((target / "impasto.json").read_text())
    assert facts["command"] == [str(installation.scripts / "impasto")]


def test_a_dry_run_prints_the_units_command_and_writes_nothing(
    installation: Installation, tmp_path: Path
) -> None:
    installation.impasto("init", "--hot", tmp_path / "hot")
    done = installation.impasto("service", "install", "--hot", tmp_path / "hot", "--dry-run")
    start = next(line for line in done.stdout.splitlines() if line.startswith("ExecStart="))
    assert start.startswith(f'ExecStart="{installation.scripts}/python')
    unit = installation.folder.parent / ".config/systemd/user/impasto.service"
    assert str(unit) in done.stderr
    assert not unit.exists()


def test_installed_packages_do_not_hide_the_standard_library_from_a_worker(
    installation: Installation,
) -> None:
    """PyPI has a package `dataclasses`, for Pythons that are older than the module."""
    backport = installation.packages / "dataclasses.py"
    backport.write_text("raise ImportError('not the standard library')")
    try:
        installation.python(
            "import subprocess, sys\n"
            "from hotfolder.workers.worker_process import child_environment\n"
            "command = [sys.executable, '-P', '-c', 'import dataclasses, hotfolder']\n"
            "subprocess.run(command, env=child_environment(), check=True)"
        )
    finally:
        backport.unlink()
