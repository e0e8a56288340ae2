"""`impasto texture`, with the real network on tiny pictures."""

import re
from pathlib import Path

import pytest
import yaml
from PIL import Image

from engine.errors import ExitCode
from engine.images.picture import read_settings_text
from hotfolder.cli.main import main

TINY = ["--set", "scales=1", "--set", "steps=2", "--set", "precision=float32"]

pytestmark = pytest.mark.usefixtures("somewhere_else")


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
        (["--size", "16"], ExitCode.CONFIGURATION, "size: 16; expected at least 32"),
        (["--size", "10x64"], ExitCode.CONFIGURATION, "--size: 10; expected at least 32"),
        (["--size", "64x100", "--tile"], ExitCode.CONFIGURATION, "--size: 100; expected a mult"),
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


def test_submit_hands_a_texture_to_the_server_and_it_becomes_a_result(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert main(["init", "hot"]) == ExitCode.OK
    given = ["submit", "--texture", "night", "--size", "96x48", "--tile", *TINY, "--hot", "hot"]
    assert main([*given, "--no-wait"]) == ExitCode.OK
    assert [path.name for path in Path("hot/inbox").iterdir()] == ["night.yaml"]
    assert main(["run", "--once", "hot"]) == ExitCode.OK
    record = yaml.safe_load(Path("hot/outbox/night.result.yaml").read_text())
    assert (record["size"], record["settings"]["tile"]) == ([96, 48], True)
    assert "content" not in record
    with Image.open("hot/outbox/night.png") as image:
        assert image.size == (96, 48)


def test_a_plan_of_a_texture_says_its_scales_and_memory(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--texture", "--size", "512x256", "--memory", "4GB"]) == ExitCode.OK
    rows = capfd.readouterr().out.splitlines()[1:]
    assert [row.split()[:3] for row in rows] == [
        ["64", "x", "32"],
        ["128", "x", "64"],
        ["256", "x", "128"],
        ["512", "x", "256"],
    ]
    given = ["plan", "--texture", "night", "--size", "4096", "--tile", "--memory", "1.5GB"]
    assert main(given) == ExitCode.OTHER
    assert "A texture with `tile` is not computed in parts." in capfd.readouterr().err


@pytest.mark.parametrize("command", ["submit", "plan"])
@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["night", "--texture", "--size", "10x64"], ExitCode.CONFIGURATION, "--size: 10; expect"),
        (["night", "--texture", "--size", "content"], ExitCode.USAGE, "or width x height"),
        (["night", "--texture", "--mask", "m.png"], ExitCode.CONFIGURATION, "mask: m.png; expect"),
        (["night", "--texture", "-s", "keep_colours=true"], ExitCode.CONFIGURATION, "keep_colou"),
        (["c.png", "night", "--set", "texture=true"], ExitCode.USAGE, "a texture has no content"),
        (["night", "--texture", "-s", "texture=false"], ExitCode.USAGE, "leave out --set texture"),
        (["c.png", "night", "-p", "gatyss"], ExitCode.CONFIGURATION, "--preset: 'gatyss'; expec"),
        (["c.png", "night", "--tile"], ExitCode.CONFIGURATION, "tile: true; expected no such key"),
        ([], ExitCode.USAGE, "name the picture to paint, or --texture and a style"),
    ],
)
def test_what_a_texture_cannot_be_is_refused_by_every_command(
    command: str, words: list[str], code: ExitCode, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "hot"]) == ExitCode.OK
    for name in ("c.png", "m.png"):
        Image.new("RGB", (40, 40)).save(name)
    hot = ["--hot", "hot"] if command == "submit" else []
    assert main([command, *words, *hot]) == code
    assert message in re.sub(r"[\s\u2502]+", " ", capfd.readouterr().err)
    assert not [*Path("hot/inbox").iterdir()]
