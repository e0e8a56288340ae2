"""Installing the plug-in: whole, again, over what is there, and away again."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from hotfolder.cli.gimp.plug_in import Facts, differences, install, read_facts, sources, uninstall
from hotfolder.errors import FolderError


@pytest.fixture
def plug_ins(tmp_path: Path) -> Path:
    (tmp_path / "3.0").mkdir()
    return tmp_path / "3.0" / "plug-ins"


@pytest.fixture
def facts(tmp_path: Path) -> Facts:
    return Facts(tmp_path / "hot", ["/opt/impasto/bin/impasto"], "0.1.0")


def test_the_folder_has_the_program_its_modules_and_the_client(
    plug_ins: Path, facts: Facts
) -> None:
    folder = install(plug_ins, facts)
    assert folder == plug_ins / "impasto"
    assert os.access(folder / "impasto.py", os.X_OK)
    assert (folder / "impasto.py").read_text().startswith("#!")
    assert (folder / "client/__init__.py").is_file()
    assert not list(folder.rglob("__pycache__"))
    assert list(differences(folder)) == []
    assert {path.name for path in plug_ins.iterdir()} == {"impasto"}


def test_every_module_that_the_program_imports_is_there(plug_ins: Path, facts: Facts) -> None:
    import ast
    import sys

    folder = install(plug_ins, facts)
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = ["client"] if node.level else [node.module or ""]
            for name in names:
                top = name.split(".")[0]
                theirs = top in sys.stdlib_module_names or top in ("gi", "cairo")
                module = folder / name.replace(".", "/")
                assert theirs or module.with_suffix(".py").exists() or module.is_dir(), name


def test_the_plug_in_is_told_where_things_are(plug_ins: Path, facts: Facts) -> None:
    folder = install(plug_ins, facts)
    assert json.loads((folder / "impasto.json").read_text()) == {
        "hot_folder": str(facts.hot_folder),
        "command": ["/opt/impasto/bin/impasto"],
        "version": "0.1.0",
    }


def test_a_new_one_replaces_the_old_one_as_a_whole(plug_ins: Path, facts: Facts) -> None:
    folder = install(plug_ins, facts)
    (folder / "of_an_older_version.py").touch()
    (folder / "client/_status.py").write_text("old")
    os.utime(folder / "impasto.py", (1, 1))
    install(plug_ins, Facts(Path("/elsewhere"), [], "0.2.0"))
    assert not (folder / "of_an_older_version.py").exists()
    assert list(differences(folder)) == []
    assert read_facts(folder)["hot_folder"] == str(Path("/elsewhere"))
    # GIMP asks a plug-in again what it offers only if its time has changed.
    assert (folder / "impasto.py").stat().st_mtime > 1


@pytest.mark.parametrize("failing", ["write_bytes", "rename"])
def test_a_failure_leaves_the_old_one(
    plug_ins: Path, facts: Facts, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    folder = install(plug_ins, facts)
    (folder / "note").write_text("the old one")
    real_rename = Path.rename

    def full(*arguments: Any, **keywords: Any) -> None:
        raise OSError(28, "No space left on device", str(arguments[-1]))

    def rename(path: Path, target: Path) -> Path:
        if target == folder and path.suffix == ".part" and "old" not in path.name:
            full(target)
        return real_rename(path, target)

    if failing == "write_bytes":
        monkeypatch.setattr(Path, "write_bytes", full)
    else:
        monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(FolderError, match="No space left on device"):
        install(plug_ins, facts)
    assert (folder / "note").read_text() == "the old one"
    assert {path.name for path in plug_ins.iterdir()} == {"impasto"}


def test_one_that_was_cut_short_between_the_renames_is_taken_up(
    plug_ins: Path, facts: Facts
) -> None:
    folder = install(plug_ins, facts)
    folder.rename(plug_ins / ".impasto-0a1b2c3d-old.part")
    (plug_ins / ".impasto-0a1b2c3d.part").mkdir()
    assert uninstall(plug_ins) == folder
    assert list(plug_ins.iterdir()) == []


def test_what_is_not_ours_is_left_alone(plug_ins: Path, facts: Facts) -> None:
    theirs = plug_ins / "impasto"
    theirs.mkdir(parents=True)
    (theirs / "brush.dat").touch()
    for change in (lambda: install(plug_ins, facts), lambda: uninstall(plug_ins)):
        with pytest.raises(FolderError, match="is not Impasto's"):
            change()
    assert [path.name for path in theirs.iterdir()] == ["brush.dat"]


def test_of_a_link_only_the_link_is_replaced(plug_ins: Path, facts: Facts, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "impasto.py").write_text("mine")
    plug_ins.mkdir()
    (plug_ins / "impasto").symlink_to(checkout)
    folder = install(plug_ins, facts)
    assert not folder.is_symlink()
    assert (checkout / "impasto.py").read_text() == "mine"


def test_uninstalling_leaves_the_other_plug_ins(plug_ins: Path, facts: Facts) -> None:
    (plug_ins / "other").mkdir(parents=True)
    folder = install(plug_ins, facts)
    assert uninstall(plug_ins) == folder
    assert uninstall(plug_ins) is None
    assert [path.name for path in plug_ins.iterdir()] == ["other"]


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path, facts: Facts) -> None:
    with pytest.raises(FolderError, match=r"nowhere.plug-ins: the plug-in cannot be put there"):
        install(tmp_path / "nowhere/plug-ins", facts)


def test_what_differs_from_this_impasto_is_found(plug_ins: Path, facts: Facts) -> None:
    folder = install(plug_ins, facts)
    (folder / "client/_client.py").write_text("old")
    shutil.rmtree(folder / "client")
    (folder / "impasto.py").write_text("old")
    found = dict(differences(folder))
    assert found["impasto.py"] == "other"
    assert found["client/__init__.py"] == "missing"
    assert len(found) == 1 + sum(name.startswith("client/") for name in sources())


def test_no_module_hides_one_of_pythons_own(plug_ins: Path, facts: Facts) -> None:
    import sys

    folder = install(plug_ins, facts)
    ours = {path.stem for path in folder.iterdir()}
    assert not ours & {*sys.stdlib_module_names, "gi", "cairo"}
