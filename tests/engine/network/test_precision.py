"""What `precision: auto` means: the decision with given measurements, and the real probe once."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.network import precision
from engine.network.precision import (
    Speedups,
    fastest_of,
    measure_speedups,
    measured_here,
    resolve_precision,
)
from engine.network.quantised import QuantisedKernel


class Probe:
    """Answers what it is told to, and counts."""

    def __init__(self, **answer: float) -> None:
        self.answer = answer
        self.devices: list[str] = []

    def __call__(self, device: str) -> dict[str, float]:
        self.devices.append(device)
        return self.answer


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "precision.json"


@pytest.mark.parametrize(
    ("speedups", "expected"),
    [
        pytest.param({"bfloat16": 1.8}, "bfloat16", id="faster"),
        pytest.param({"bfloat16": 1.15}, "bfloat16", id="just_fast_enough"),
        pytest.param({"bfloat16": 1.14}, "float32", id="hardly_faster"),
        pytest.param({"bfloat16": 0.2}, "float32", id="emulated"),
        pytest.param({}, "float32", id="not_usable"),
        pytest.param({"bfloat16": 2.0, "int8": 3.0}, "int8", id="integers_are_faster_still"),
        pytest.param({"bfloat16": 2.0, "int8": 2.2}, "bfloat16", id="integers_hardly_faster"),
        pytest.param({"bfloat16": 0.6, "int8": 2.2}, "int8", id="integers_beside_emulation"),
        pytest.param({"bfloat16": 1.1, "int8": 1.2}, "int8", id="beside_one_that_does_not_count"),
        pytest.param({"int8": 1.1}, "float32", id="integers_are_no_faster"),
    ],
)
def test_auto_is_a_less_accurate_type_only_where_it_is_faster_by_a_margin(
    file: Path, speedups: dict[str, float], expected: str
) -> None:
    assert fastest_of(speedups) == expected
    assert resolve_precision("auto", "cpu", Speedups(file, Probe(**speedups))) == expected


@pytest.mark.parametrize("name", ["float32", "bfloat16", "int8"])
def test_a_precision_that_is_named_is_never_measured(file: Path, name: str) -> None:
    probe = Probe(bfloat16=1.8)
    assert resolve_precision(name, "cpu", Speedups(file, probe)) == name
    assert (probe.devices, file.exists()) == ([], False)


@pytest.mark.parametrize("answer", [{"bfloat16": 1.8, "int8": 2.5}, {}])
def test_the_next_process_reads_what_this_one_measured(
    file: Path, answer: dict[str, float]
) -> None:
    first, second = Probe(**answer), Probe(bfloat16=9.0)
    speedups = Speedups(file, first)
    assert [speedups.of("cpu"), speedups.of("cpu")] == [answer, answer]
    assert Speedups(file, second).of("cpu") == answer
    assert (first.devices, second.devices) == (["cpu"], [])
    assert [path.name for path in file.parent.iterdir()] == ["precision.json"]


def test_memory_that_has_run_out_for_now_is_not_remembered_as_what_the_machine_is(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    convolved, memory = precision._convolved, {"left": False}

    def in_little_memory(layers: list[precision._Layer]) -> list[torch.Tensor]:
        if layers[0][0].dtype == torch.bfloat16 and not memory["left"]:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return convolved(layers)

    monkeypatch.setattr(precision, "_convolved", in_little_memory)
    speedups = Speedups(file, measure_speedups)
    assert speedups.of("cpu") == {}
    assert not file.exists()
    memory["left"] = True
    assert speedups.of("cpu") != {}


def test_another_torch_or_number_of_threads_is_measured_anew(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = Probe(bfloat16=1.8)
    speedups = Speedups(file, probe)
    speedups.of("cpu")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    speedups.of("cpu")
    monkeypatch.setattr(torch, "__version__", "99.0")
    speedups.of("cpu")
    assert len(probe.devices) == 3
    assert len(json.loads(file.read_text())) == 3


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"cpu, ', id="truncated"),
        pytest.param(b"[1, 2]", id="a_list"),
        pytest.param(b'{"KEY": {"bfloat16": "fast"}}', id="not_a_number"),
        pytest.param(b'{"KEY": {"bfloat16": NaN}}', id="nan"),
        pytest.param(b'{"KEY": 1.8}', id="of_a_version_that_knew_one_type"),
        pytest.param(b"\xff\xfe", id="not_text"),
    ],
)
def test_a_broken_cache_is_measured_anew_and_replaced(file: Path, content: bytes) -> None:
    Speedups(file, Probe(bfloat16=1.0)).of("cpu")
    (key,) = json.loads(file.read_text())
    file.write_bytes(content.replace(b"KEY", key.encode()))
    assert Speedups(file, Probe(bfloat16=1.8)).of("cpu") == {"bfloat16": 1.8}
    assert json.loads(file.read_text()) == {key: {"bfloat16": 1.8}}


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    probe = Probe(bfloat16=1.8)
    speedups = Speedups(tmp_path / "cache" / "precision.json", probe)
    assert [speedups.of("cpu"), speedups.of("cpu")] == [{"bfloat16": 1.8}] * 2
    assert probe.devices == ["cpu"]


def test_a_failed_replacement_leaves_nothing_behind(file: Path) -> None:
    file.mkdir(parents=True)  # A folder cannot be replaced by a file.
    assert Speedups(file, Probe(bfloat16=1.8)).of("cpu") == {"bfloat16": 1.8}
    assert list(file.parent.iterdir()) == [file]


def test_the_real_probe_answers_and_a_second_process_does_not_measure(file: Path) -> None:
    assert resolve_precision("auto", "cpu", Speedups(file)) in ("float32", "bfloat16", "int8")
    ((key, speedups),) = json.loads(file.read_text()).items()
    assert torch.__version__ in key
    assert all(speedup > 0 for speedup in speedups.values())
    again = Probe(bfloat16=9.0)
    assert Speedups(file, again).of("cpu") == speedups
    assert again.devices == []


def test_a_device_whose_bfloat16_is_wrong_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    convolve = torch.nn.functional.conv2d

    def coarse(x: torch.Tensor, *rest: torch.Tensor, padding: int) -> torch.Tensor:
        y = convolve(x, *rest, padding=padding)
        return y if x.dtype == torch.float32 else y * 1.02

    monkeypatch.setattr(torch.nn.functional, "conv2d", coarse)
    assert "bfloat16" not in measure_speedups("cpu")


def test_a_device_without_bfloat16_is_not_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    convolve = torch.nn.functional.conv2d

    def refusing(x: torch.Tensor, *rest: torch.Tensor, padding: int) -> torch.Tensor:
        if x.dtype == torch.bfloat16:
            raise RuntimeError("not implemented for 'BFloat16'")
        return convolve(x, *rest, padding=padding)

    monkeypatch.setattr(torch.nn.functional, "conv2d", refusing)
    assert "bfloat16" not in measure_speedups("cpu")


def test_other_work_that_slows_every_second_round_does_not_decide(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(precision, "can_quantise", lambda device: False)
    now, calls = 0.0, 0

    def convolved(layers: list[tuple[torch.Tensor, ...]]) -> list[torch.Tensor]:
        nonlocal now, calls
        reduced = layers[0][0].dtype == torch.bfloat16
        calls += 1
        busy = 10 if calls % 4 in (0, 1) else 1  # float32 and bfloat16 by turns
        now += busy * (0.01 if reduced else 0.02)
        return []

    monkeypatch.setattr(precision, "_convolved", convolved)
    monkeypatch.setattr(precision.time, "perf_counter", lambda: now)
    monkeypatch.setattr(precision, "SECONDS", 1.0)
    assert measure_speedups("cpu") == {"bfloat16": pytest.approx(2.0)}


def test_integers_whose_sums_overflow_are_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    convolve = QuantisedKernel.convolve

    def coarse(kernel: QuantisedKernel, *rest: Any, rectified: bool) -> torch.Tensor:
        return convolve(kernel, *rest, rectified=rectified) * 1.03

    monkeypatch.setattr(QuantisedKernel, "convolve", coarse)
    assert "int8" not in measure_speedups("cpu")


def test_the_cache_is_the_users() -> None:
    assert measured_here() is measured_here()
    assert measured_here()._file.parts[-2:] == ("impasto", "precision.json")
