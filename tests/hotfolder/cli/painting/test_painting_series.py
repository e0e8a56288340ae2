"""`stylise` of several paintings, with the real network on tiny pictures."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from engine.errors import ExitCode
from engine.images.picture import read_settings_text
from hotfolder.batches.farm import FarmTask
from hotfolder.cli.main import main

TINY = ["--size", "48", "--set", "scales=1", "--set", "steps=2", "--set", "precision=float32"]

pytestmark = pytest.mark.usefixtures("somewhere_else")


def settings_in(path: str) -> dict[str, object]:
    found = json.loads(read_settings_text(path) or "{}")
    assert isinstance(found, dict)
    return found


def test_variations_are_files_beside_the_first_and_a_sheet(
    photograph: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["stylise", str(photograph), "night", *TINY]
    assert main([*command, "-o", "a.png", "--variations", "3"]) == ExitCode.OK
    output = capfd.readouterr()
    names = ["a.png", "a.variation2.png", "a.variation3.png", "a.variations.jpg"]
    assert output.out.splitlines() == names
    assert "painting 1 of 3, step 1 of 2" in output.err
    assert "Variation 3: 48 x 32 px" in output.err
    assert [settings_in(name)["seed"] for name in names[:3]] == [0, 1, 2]
    assert main([*command, "-o", "b.png"]) == ExitCode.OK
    assert Path("b.png").read_bytes() == Path("a.png").read_bytes()
    with Image.open("a.variations.jpg") as sheet:
        assert sheet.width > 3 * 48


def test_an_interpolation_goes_from_style_to_style_or_from_strength_to_strength(
    photograph: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["stylise", str(photograph), "night", "-o", "a.png", *TINY, "--interpolate", "2"]
    assert main(command) == ExitCode.CONFIGURATION
    assert "1 style pictures" in capfd.readouterr().err
    assert main([*command, "evening"]) == ExitCode.OK
    assert [settings_in(name)["style_blend"] for name in ("a.png", "a.interpolation2.png")] == [
        [1, 0],
        [0, 1],
    ]
    strengths = [*command, "--set", "interpolate_strength=[20, 90]", "--force"]
    assert main(strengths) == ExitCode.OK
    assert [settings_in(name)["strength"] for name in ("a.png", "a.interpolation2.png")] == [20, 90]


def test_nothing_that_is_there_is_replaced_by_a_series(
    photograph: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["stylise", str(photograph), "night", "-o", "a.png", *TINY, "--variations", "2"]
    for name in ("a.variation2.png", "a.variations.jpg"):
        Path(name).write_bytes(b"precious")
        assert main(command) == ExitCode.FILE_ACCESS
        assert f"{name} is there already" in capfd.readouterr().err
        assert [path.name for path in Path().glob("a.*")] == [name]
        Path(name).unlink()


def test_an_interrupted_series_keeps_what_is_finished_and_goes_on_with_the_next(
    photograph: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from hotfolder.cli.checkpoints import RunCheckpoints

    command = ["stylise", str(photograph), "night", *TINY, "--variations", "3"]
    assert main([*command, "-o", "b.png"]) == ExitCode.OK
    keep = RunCheckpoints.keep

    def interrupted_in_the_second(self: RunCheckpoints, *facts: object) -> None:
        keep(self, *facts)  # type: ignore[arg-type]
        if facts[-1] == 2:
            assert self._state is not None
            assert self._checkpoints is not None
            self._checkpoints.write(self._state)
            raise KeyboardInterrupt

    resumable = [*command, "-o", "a.png", "--resume"]
    with monkeypatch.context() as patch:
        patch.setattr(RunCheckpoints, "keep", interrupted_in_the_second)
        assert main(resumable) == ExitCode.INTERRUPTED
    assert not Path("a.png").exists()
    assert "a.png" in {path.name for path in Path("a.png.checkpoints").iterdir()}
    capfd.readouterr()
    assert main(resumable) == ExitCode.OK
    output = capfd.readouterr()
    assert "Goes on where it was interrupted: painting 2, scale 1" in output.err
    assert "Variation 1:" not in output.err
    assert output.out.splitlines()[-1] == "a.variations.jpg"
    for name in ("png", "variation2.png", "variation3.png", "variations.jpg"):
        assert Path(f"a.{name}").read_bytes() == Path(f"b.{name}").read_bytes()
    assert not Path("a.png.checkpoints").exists()


def record_of(name: str) -> dict[str, Any]:
    found = yaml.safe_load(Path(f"{name}.result.yaml").read_text())
    assert isinstance(found, dict)
    return found


def test_a_series_is_one_task_that_is_done_when_its_first_picture_is_there(
    photograph: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    series = [*TINY, "--variations", "2", "--set", "progression=2"]
    command = ["stylise", str(photograph), "night", *series]
    assert main([*command, "-o", "b.png"]) == ExitCode.OK
    task = [*command, "-o", "a.png", "--task"]
    publish = FarmTask._published

    def killed_before_the_last(
        self: FarmTask, source: Path, target: Path, name: str | None = None
    ) -> Path:
        if name == "a.png":
            raise KeyboardInterrupt
        return publish(self, source, target, name)

    with monkeypatch.context() as patch:
        patch.setattr(FarmTask, "_published", killed_before_the_last)
        assert main(task) == ExitCode.INTERRUPTED
    assert Path("a.variation2.png").exists()
    assert not Path("a.png").exists()
    capfd.readouterr()
    assert main(task) == ExitCode.OK
    output = capfd.readouterr()
    assert "Variation" not in output.err, "none is painted again"
    assert output.out.splitlines()[0] == "a.png"
    for name in ("png", "variation2.png", "variations.jpg", "variation2.progression.jpg"):
        assert Path(f"a.{name}").read_bytes() == Path(f"b.{name}").read_bytes()
    assert not Path("a.png.checkpoints").exists()

    first, second = record_of("a"), record_of("a.variation2")
    assert first["series"]["number"] == 1
    assert {*first["series"]["files"], *first["progression"], "a.png", "a.result.yaml"} == {
        path.name for path in Path().glob("a.*")
    }
    assert "work" in first
    assert (second["picture"], second["series"]) == (
        "a.variation2.png",
        {"variations": 2, "number": 2},
    )
    assert "work" not in second, "it is no painting of the batch by itself"
    assert main(task) == ExitCode.OK
    assert "nothing to paint" in capfd.readouterr().err


def test_a_plan_has_the_cost_of_all_paintings(
    photograph: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", str(photograph), *TINY, "--variations", "5"]) == ExitCode.OK
    assert "5 paintings of " in capfd.readouterr().err
