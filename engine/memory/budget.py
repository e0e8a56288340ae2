"""The memory budget of a painting: as configured, or what is free less a reserve.

Importing this module does not import torch: the hot folder checks its configuration with it.
"""

import contextlib
import os
import re
from pathlib import Path

import psutil

__all__ = ["auto_budget", "format_bytes", "parse_memory", "total_memory"]

RESERVE = 0.1
"""Share of free memory left for other processes and for what no plan predicts."""

LEAST_RESERVE = 500_000_000
"""Bytes."""

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
BINARY_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}

_MEMORY = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(?:([KMGT])(I)?)?B?", re.IGNORECASE)


def parse_memory(text: str) -> int | None:
    """Bytes of `6GB`, `1.5 GiB`, `800MB`; None for `auto`.

    Raises:
        ValueError: anything else.

    >>> parse_memory("6GB"), parse_memory("512 MiB"), parse_memory("auto")
    (6000000000, 536870912, None)
    """
    if text.strip().lower() == "auto":
        return None
    match = _MEMORY.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not `auto` nor an amount of memory such as 6GB or 512MiB")
    number, prefix, binary = match.groups()
    unit = (prefix or "").upper()
    return int(float(number) * (BINARY_UNITS[unit] if binary else UNITS[unit]))


def format_bytes(count: float) -> str:
    """For people: three digits, in decimal units.

    >>> format_bytes(1_234_567_890), format_bytes(45_600_000)
    ('1.23 GB', '46 MB')
    """
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def auto_budget(device: str, workers: int = 1) -> int:
    """Bytes that this process may come to hold on a device, a reserve left out.

    On a GPU what is free there, and what this process has there already. On a CPU the least of the
    system's available memory and of what the limits of its control groups leave, and what this
    process holds. Where several workers share a device, no more than this one's share: of what a
    GPU has; on a CPU of what is free and what they all hold.
    """
    if device.startswith("cuda"):
        import torch

        free, total = torch.cuda.mem_get_info(device)
        return _less_reserve(min(free + torch.cuda.memory_reserved(device), total // workers))
    if device.startswith("mps"):
        import torch

        return _less_reserve(torch.mps.recommended_max_memory())
    free, own = free_memory(), resident()
    share = (free + _held_by_workers()) // workers if workers > 1 else free + own
    return _less_reserve(min(free + own, share))


def free_memory(root: Path = Path("/")) -> int:
    """Bytes of main memory that this process could still take, by the system and its groups."""
    left = [left for _, left in _groups(root / "proc/self/cgroup", root / "sys/fs/cgroup")]
    return max(0, min([int(psutil.virtual_memory().available), *left]))


def total_memory(root: Path = Path("/")) -> int:
    """Bytes of main memory that this process and all others have, by the system and its groups."""
    limits = [limit for limit, _ in _groups(root / "proc/self/cgroup", root / "sys/fs/cgroup")]
    return min([int(psutil.virtual_memory().total), *limits])


def resident() -> int:
    """Bytes of main memory that this process holds now."""
    return int(psutil.Process().memory_info().rss)


def _held_by_workers() -> int:
    """Bytes of main memory that the server's processes hold: this one and those beside it."""
    try:
        processes = psutil.Process(os.getppid()).children()
    except psutil.Error:  # The server has ended.
        return resident()
    held = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):  # It has just ended.
            held += int(process.memory_info().rss)
    return held


def _less_reserve(count: int) -> int:
    return max(0, count - max(LEAST_RESERVE, int(RESERVE * count)))


def _groups(own: Path, mount: Path) -> list[tuple[int, int]]:
    """The limit, and what of it is left, of each group above this process that has a limit;
    versions 2 and 1.

    Cached files count as used in a group but are freed on demand: they are subtracted.
    """
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            base, names, cached = mount, ("memory.max", "memory.current"), "inactive_file"
        elif "memory" in controllers.split(","):
            base = mount / "memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes")
            cached = "total_inactive_file"
        else:
            continue
        group = base / path.lstrip("/")
        # In a container the path may be the host's; the mount itself is then the group.
        for folder in (group, *group.parents):
            found += _limit_and_left(folder, *names, cached)
            if folder == base:
                break
    return found


def _limit_and_left(folder: Path, limit: str, used: str, cached: str) -> list[tuple[int, int]]:
    try:
        most = int((folder / limit).read_text())  # "max" is no number and no limit
        now = int((folder / used).read_text())
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return []
    # Version 1 says "no limit" with a number that no machine has.
    return [] if most >= 2**60 else [(most, most - now + int(stat.get(cached, 0)))]
