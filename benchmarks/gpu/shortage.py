"""A painting that runs out of the device's memory in its midst, in a process of its own.

On CUDA the process is permitted hardly more than it holds; elsewhere one evaluation raises what the
allocator would.
"""

import json
import sys
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor

import engine.painting
from benchmarks.pictures.pairs import CONTENT, STYLE
from engine.images.picture import read_picture
from engine.network.vgg import load_vgg19
from engine.objective import style_transfer_objective
from engine.settings import resolve
from engine.stylise import Progress, Result, stylise

STEPS, AT = 8, 4


def measure(case: dict[str, Any]) -> dict[str, Any]:
    device = case["device"]
    vgg = load_vgg19("caffe", device, "auto")
    settings = resolve({"size": case["size"], "scales": 1, "steps": STEPS})
    content = read_picture(CONTENT).thumbnail(case["size"])
    style = read_picture(STYLE)

    def painted(*, short: bool) -> Result:
        def made(*arguments: Any, layout: Any = None, **named: Any) -> Any:
            objective = style_transfer_objective(*arguments, layout=layout, **named)
            count = 0

            def evaluated(picture: Tensor) -> Tensor:
                nonlocal count
                count += 1
                if short and layout is None and count == AT:
                    _run_short(device)
                value: Tensor = objective(picture)
                return value

            return evaluated

        with mock.patch.object(engine.painting, "style_transfer_objective", made):
            # A graph that is replayed asks neither the objective nor the allocator.
            steps = stylise(content, [style], settings, vgg, preview_seconds=None, graphs=False)
            for step in steps:
                if isinstance(step, Progress):
                    _enough(device)
                else:
                    return step
        raise AssertionError

    whole, result = painted(short=False), painted(short=True)
    (plan,) = [plan for plan in result.plans if plan.after_out_of_memory][-1:]
    away = result.picture.pixels - whole.picture.pixels
    return {
        "step": AT,
        "precision": vgg.precision,
        "plan": plan.mode,
        "mean_square": float(np.square(away).mean()),
    }


def _run_short(device: str) -> None:
    if not device.startswith("cuda"):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(device).total_memory
    permitted = 1.05 * torch.cuda.memory_reserved(device) / total
    torch.cuda.set_per_process_memory_fraction(min(1.0, permitted), device)


def _enough(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.set_per_process_memory_fraction(1.0, device)


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))
