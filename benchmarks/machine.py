"""The machine that is measured: its description, its cache folder, its threads."""

import os
import platform
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import platformdirs
import torch

from engine.network.devices import describe_device


def describe(device: str = "cpu") -> str:
    """Processor, cores, memory, accelerator: what a figure in seconds belongs to."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parts = [f"{_processor()} ({_instructions()})", f"{cores} cores"]
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        parts.append(f"{memory / 2**30:.0f} GiB")
    if device != "cpu":
        parts.append(describe_device(device))
    return ", ".join(parts)


def provenance(device: str = "cpu") -> str:
    """One line for the top of every table, with how busy the machine was."""
    line = f"{describe(device)}; {torch.get_num_threads()} threads, torch {torch.__version__}"
    if hasattr(os, "getloadavg"):
        line += f", load average {os.getloadavg()[2]:.1f} over the last 15 minutes"
    return line + "."


def cache_folder(device: str = "cpu") -> Path:
    """Where runs made on this machine are kept. Another machine's are never used."""
    name = re.sub(r"[^a-z0-9]+", "-", describe(device).lower()).strip("-")
    return Path(platformdirs.user_cache_dir("impasto")) / "benchmarks" / name


def _instructions() -> str:
    """Of vectors. A virtual machine can hide some of its processor's, which are worth twice the
    speed and more."""
    tell: Callable[[], dict[str, Any]] = getattr(torch.cpu, "get_capabilities", dict)  # torch 2.13
    known = torch.backends.cpu.get_cpu_capability()
    return f"{known}-BF16" if tell().get("avx512_bf16") else known


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
