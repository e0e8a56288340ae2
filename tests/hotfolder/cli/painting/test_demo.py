"""The demo, on a tiny picture."""

from pathlib import Path

import pytest
from PIL import Image

from engine.errors import ExitCode
from engine.images.pyramid import SMALLEST_SIDE
from hotfolder.cli.commands.painting.demo import SMALLEST_SIZE, photograph, run_demo, side_by_side
from hotfolder.cli.main import main


def test_the_demo_ends_with_three_pictures_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config.yaml").write_text("settings: {scales: 1, steps: 2}\n")
    monkeypatch.chdir(tmp_path)  # where the server looks for its configuration

    target = run_demo(tmp_path / "demo", size=48)
    output = capfd.readouterr().out
    assert f"The painting: {tmp_path}/demo/outbox/chelsea-night.png" in output
    assert str(target) in output
    with Image.open(target) as image:
        assert image.height == 480
        assert image.width > 1800

    # The server has gone, and a second time the names are new.
    again = run_demo(tmp_path / "demo", size=48)
    assert again.name == "chelsea-night-2.side-by-side.jpg"


def test_the_photograph_ships_with_its_package() -> None:
    with Image.open(photograph()) as image:
        image.load()
        assert image.size == (451, 300)


def test_pictures_of_any_shape_stand_side_by_side(tmp_path: Path) -> None:
    paths = []
    for number, (size, colour) in enumerate([((40, 20), "red"), ((20, 40), "blue")]):
        paths.append(tmp_path / f"{number}.png")
        Image.new("RGB", size, colour).save(paths[-1])
    side_by_side(paths, tmp_path / "row.jpg", height=60, gap=10)
    with Image.open(tmp_path / "row.jpg") as row:
        assert row.size == (120 + 10 + 30, 60)
        pixels = [row.getpixel((x, 30)) for x in (60, 125, 145)]
    assert [max(range(3), key=lambda c: pixel[c]) for pixel in (pixels[0], pixels[2])] == [0, 2]
    assert min(pixels[1]) > 230


def test_a_size_that_the_network_cannot_paint_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with Image.open(photograph()) as image:
        shortest = SMALLEST_SIZE * min(image.size) / max(image.size)
    assert round(shortest) == SMALLEST_SIDE
    assert main(["demo", "--size", str(SMALLEST_SIZE - 1)]) == ExitCode.USAGE
    assert "--size" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
