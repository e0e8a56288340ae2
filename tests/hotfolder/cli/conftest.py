"""A place without the developer's own files, and a hot folder in it."""

from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from engine.errors import ExitCode
from hotfolder.cli.main import main


@pytest.fixture
def somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No configuration and no hot folder of the developer's."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("IMPASTO_HOT_FOLDER", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def hot(somewhere_else: Path) -> Path:
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        assert main(["init", "hot"]) == ExitCode.OK
    return somewhere_else / "hot"
