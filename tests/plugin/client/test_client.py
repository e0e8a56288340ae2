"""The client as a package: what it needs, and what its errors are."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from client_requests import request
from fake_server import FakeServer

import plugin.client
from engine.errors import ExitCode
from plugin.client import (
    Client,
    ClientError,
    FolderMissing,
)


def test_only_the_standard_library_is_imported() -> None:
    modules = set()
    for path in Path(plugin.client.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(), feature_version=(3, 10))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                modules.add((node.module or "").split(".")[0])
    assert modules
    assert modules <= sys.stdlib_module_names


def test_the_client_works_wherever_it_is_copied_to(server: FakeServer, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    copied = shutil.copytree(Path(plugin.client.__file__).parent, editor / "client")
    program = f"from client import Client; print(Client({str(server.root)!r}).server().state)"
    answer = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path[0] = {str(editor)!r}; {program}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert copied.is_dir()
    assert answer.stdout == "idle\n"


def test_every_error_ends_with_a_documented_exit_code() -> None:
    for kind in ClientError.__subclasses__():
        assert kind.exit_code in set(ExitCode)
        assert kind.exit_code != ExitCode.OK


def test_a_folder_that_is_none_is_named(tmp_path: Path, cat: Path) -> None:
    with pytest.raises(FolderMissing, match=r"impasto init .*nowhere"):
        Client(tmp_path / "nowhere").submit(request(cat))
    with pytest.raises(FolderMissing, match=r"~nosuchuser/hot is not a hot folder"):
        Client("~nosuchuser/hot").submit(request(cat))
