"""The benchmarks' own arithmetic, and that the short ones run. Figures are not asserted."""

import importlib
import json
import math
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import report
from benchmarks.calibration import Calibration, drift
from benchmarks.dominance import Scored, dominance
from benchmarks.flops import convolutions
from benchmarks.neutral import Score, inner, score, score_of_content
from benchmarks.plot import Curve, Panel, draw
from benchmarks.runs import Point, Run
from benchmarks.sheet import SHOWN, contact_sheet, labelled_sheet
from benchmarks.versus import undisturbed
from engine.images.picture import Picture, read_picture, write_picture
from engine.images.pyramid import resize
from engine.network.vgg import load_vgg19
from engine.settings import LAYERS


@pytest.fixture(autouse=True)
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    return tmp_path


def test_the_figure_is_the_first_picture_that_is_as_good_on_every_term() -> None:
    target = Score(content=5, style=10, unseen=0.1)
    run = [
        Scored(1, Score(1, 90, 0.9)),
        Scored(2, Score(6, 9, 0.2)),
        Scored(3, Score(5, 8, 0.1)),
        Scored(4, Score(4, 7, 0.3)),
    ]
    result = dominance(run, target)
    assert result.seconds == 3
    assert result.terms == {"content": 3, "style": 2, "unseen": None}
    assert result.ends_at == pytest.approx({"content": 0.8, "style": 0.7, "unseen": 3.0})


def test_a_run_on_a_machine_half_as_fast_counts_half_its_seconds() -> None:
    fastest, slow = Calibration(0.1, 0.05), Calibration(0.2, 0.1)
    assert drift(slow, slow, fastest, "float32") == pytest.approx(2)
    assert drift(fastest, slow, fastest, "bfloat16") == pytest.approx(1.5)


def test_the_count_of_operations_is_torchs_own() -> None:
    vgg = load_vgg19("caffe", "cpu", "float32")
    with FlopCounterMode(display=False) as counter:
        vgg.features(torch.zeros(1, 3, 50, 70), ["relu4_2", "relu5_1"])
    counted = convolutions((70, 50), ["relu4_2", "relu5_1"])
    assert sum(shape.flops for shape in counted) == counter.get_total_flops()
    assert [shape.name for shape in counted] == [
        name for name in LAYERS[: LAYERS.index("relu5_1")] if name.startswith("conv")
    ]


def test_the_content_itself_scores_no_content_loss(
    photograph: Path, painting: Path, tmp_path: Path
) -> None:
    small = resize(read_picture(photograph).to_tensor(), (64, 43))
    write_picture(Picture.from_tensor(small), tmp_path / "small.png")
    start = score_of_content(photograph, painting, (64, 43))
    assert start.content == 0
    delivered = score(tmp_path / "small.png", photograph, painting)
    assert delivered.style == pytest.approx(start.style, rel=0.02)  # 8 bits a channel
    assert delivered.unseen > 0


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("roofline", "--size 48 --steps 1 --after 1 --seconds 0 --precisions float32"),
        ("scaling", "--sizes 48 --steps 2 --precisions float32"),
    ],
)
def test_it_runs_and_writes_its_table(name: str, arguments: str, results: Path) -> None:
    importlib.import_module(f"benchmarks.{name}").run(arguments.split())
    (table,) = results.glob(f"{name}*.md")
    assert "48 x" in table.read_text() or "56 x" in table.read_text()


def test_a_stretch_beside_other_work_counts_at_the_runs_own_pace(tmp_path: Path) -> None:
    seconds = [12.0, 22.0, 32.0, 72.0, 82.0, 92.0]  # the third stretch was disturbed
    points = [Point(25 * n, at, f"{n}.png") for n, at in enumerate(seconds, start=1)]
    still = Calibration(0.1, 0.05)
    run = Run("plain", "float32", tmp_path, points, 92.0, still, still, [])
    assert undisturbed(run) == pytest.approx([12, 22, 32, 42, 52, 62])


def test_without_a_frame_it_does_not_matter_what_is_beyond_the_edges(photograph: Path) -> None:
    picture = resize(read_picture(photograph).to_tensor(), (256, 170))
    vgg = load_vgg19("caffe", "cpu", "float32")
    layers = ["relu1_1", "relu2_2", "relu3_4", "relu4_2"]
    zeros = vgg.features(picture, layers, padding="zeros")
    replicate = vgg.features(picture, layers, padding="replicate")
    for layer in layers:
        one, other = inner(layer, zeros[layer]), inner(layer, replicate[layer])
        assert min(one.shape[-2:]) > 8
        torch.testing.assert_close(one, other)
        assert not torch.allclose(zeros[layer], replicate[layer])


def test_a_contact_sheet_has_its_key_beside_it(photograph: Path, tmp_path: Path) -> None:
    references = {"photograph": photograph}
    contact_sheet({"a": photograph, "b": photograph}, references, tmp_path / "sheet.png")
    key = json.loads((tmp_path / "sheet.key.json").read_text())
    assert sorted(key) == ["A", "B"]
    assert sorted(key.values()) == ["a", "b"]


def test_a_sheet_with_names_has_every_picture(photograph: Path, tmp_path: Path) -> None:
    pictures = dict.fromkeys(("a", "b", "c"), photograph)
    labelled_sheet(pictures, {"photograph": photograph}, tmp_path / "sheet.jpg")
    width, height = read_picture(tmp_path / "sheet.jpg").size
    side = read_picture(photograph).thumbnail(SHOWN)
    assert 3 * side.width < width < 4 * side.width
    assert height > 2 * side.height


def test_a_plot_stands_values_that_logarithms_do_not(tmp_path: Path) -> None:
    curve = Curve("run", [(1.0, 0.0), (2.0, 5.0), (3.0, math.nan), (4.0, 2.0)])
    draw([Panel("loss", "seconds", [curve])], tmp_path / "plot.png")
    assert read_picture(tmp_path / "plot.png").width == 520
