"""`impasto texture`, with the real network on tiny pictures."""

import re
from pathlib import Path

import pytest
from PIL import Image

from engine.errors import ExitCode
from engine.images.picture import read_settings_text
from hotfolder.cli.main import main

TINY = ["--set", "scales=1", "--set", "steps=2", "--set", "precision=float32"]


@pytest.fixture(autouse=True)
def somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("size", "found"), [("64", (64, 64)), ("96x48", (96, 48))])
def test_a_texture_is_as_large_as_it_is_asked_for(
    size: str, found: tuple[int, int], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["texture", "night", "-o", "a.png", "--size", size, "--tile", *TINY]) == ExitCode.OK
    output = capfd.readouterr()
    assert output.out == "a.png\n"
    assert "texture: 50%, step 1 of 2" in output.err
    with Image.open("a.png") as image:
        assert image.size == found
    assert '"tile": true' in (read_settings_text("a.png") or "")


def test_textures_of_two_styles_and_variations_are_series(
    capfd: pytest.CaptureFixture[str],
) -> None:
    command = ["texture", "night", "evening", "--size", "48", *TINY]
    assert main([*command, "-o", "a.png", "--interpolate", "2"]) == ExitCode.OK
    assert capfd.readouterr().out.splitlines()[-1] == "a.interpolation.jpg"
    assert main([*command, "-o", "b.png", "--variations", "2"]) == ExitCode.OK
    assert Path("b.png").read_bytes() != Path("b.variation2.png").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--size", "large"], ExitCode.USAGE, "pixels, such as 512, or width x height"),
        (["--size", "100", "--tile"], ExitCode.CONFIGURATION, "such as 96 or 112"),
        (["--size", "16"], ExitCode.CONFIGURATION, "at least 32"),
    ],
)
def test_a_size_that_cannot_be_is_refused_before_anything_is_painted(
    arguments: list[str], code: ExitCode, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["texture", "night", "-o", "a.png", *arguments]) == code
    assert words in re.sub(r"[\s│]+", " ", capfd.readouterr().err)
    assert not Path("a.png").exists()


def test_a_content_is_not_painted_as_a_texture(
    photograph: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["stylise", str(photograph), "night", "-o", "a.png", "--set", "texture=true"]
    assert main(command) == ExitCode.USAGE
    assert "impasto texture STYLE" in re.sub(r"[\s│]+", " ", capfd.readouterr().err)
