"""How long an evaluation takes, measured before a painting."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from engine import speed


def test_a_gpu_without_room_for_a_large_probe_has_a_small_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    def probed(vgg: object, side: int) -> float:
        asked.append(side)
        if side > speed.PROBE:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return 1e-6

    monkeypatch.setattr(speed, "_probed", probed)
    for kind, sides in (("cuda", [speed.PROBE_ON_GPU, speed.PROBE]), ("cpu", [speed.PROBE])):
        asked.clear()
        assert speed.probe(cast("Any", SimpleNamespace(device=torch.device(kind)))) == 1e-6
        assert asked == sides


def test_a_probe_that_fails_otherwise_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(vgg: object, side: int) -> float:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(speed, "_probed", broken)
    with pytest.raises(RuntimeError, match="illegal memory access"):
        speed.probe(cast("Any", SimpleNamespace(device=torch.device("cuda"))))
