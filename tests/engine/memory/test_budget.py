"""How much memory there is to spend: as people write it, and as the system tells it."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from engine.memory.budget import (
    auto_budget,
    format_bytes,
    free_memory,
    parse_memory,
    resident,
    total_memory,
)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("6GB", 6_000_000_000),
        ("1.5 GiB", 1_610_612_736),
        ("800mb", 800_000_000),
        ("2g", 2_000_000_000),
        ("auto", None),
    ],
)
def test_amounts_are_read_as_people_write_them(text: str, count: int | None) -> None:
    assert parse_memory(text) == count


@pytest.mark.parametrize("text", ["", "much", "-1GB", "6 bananas", "GB"])
def test_anything_else_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="such as 6GB"):
        parse_memory(text)


def test_amounts_are_written_with_three_digits() -> None:
    assert (format_bytes(2_948_000_000), format_bytes(48_000_000)) == ("2.95 GB", "48 MB")


def a_system(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture(autouse=True)
def available(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system calls available."""
    memory = SimpleNamespace(available=9_000_000, total=16_000_000)
    monkeypatch.setattr("psutil.virtual_memory", lambda: memory)


def test_without_groups_what_the_system_calls_available_counts(tmp_path: Path) -> None:
    assert free_memory(tmp_path) == 9_000_000
    assert total_memory(tmp_path) == 16_000_000


def test_the_tightest_of_nested_groups_counts_and_cached_files_give_way(tmp_path: Path) -> None:
    group = "sys/fs/cgroup/user/job"
    files = {
        "proc/self/cgroup": "0::/user/job\n",
        f"{group}/memory.max": "max\n",
        f"{group}/memory.current": "100000\n",
        f"{group}/memory.stat": "inactive_file 0\n",
        "sys/fs/cgroup/user/memory.max": "5000000\n",
        "sys/fs/cgroup/user/memory.current": "2000000\n",
        "sys/fs/cgroup/user/memory.stat": "anon 1\ninactive_file 500000\n",
    }
    assert free_memory(a_system(tmp_path, files)) == 3_500_000
    assert total_memory(tmp_path) == 5_000_000


def test_groups_of_version_1_count_too(tmp_path: Path) -> None:
    group = "sys/fs/cgroup/memory/job"
    files = {
        "proc/self/cgroup": "5:cpu:/job\n4:memory:/job\n",
        f"{group}/memory.limit_in_bytes": "4000000\n",
        f"{group}/memory.usage_in_bytes": "1000000\n",
        f"{group}/memory.stat": "total_inactive_file 200000\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",  # none
        "sys/fs/cgroup/memory/memory.usage_in_bytes": "1\n",
        "sys/fs/cgroup/memory/memory.stat": "total_inactive_file 0\n",
    }
    assert free_memory(a_system(tmp_path, files)) == 3_200_000
    assert total_memory(tmp_path) == 4_000_000


def test_each_worker_of_a_cpu_has_its_share_of_what_is_free_and_what_they_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another one that holds 200 MB, and 20 GB that are free."""
    holding = "import time; held = b'x' * 200_000_000; print(len(held), flush=True); time.sleep(60)"
    monkeypatch.setattr("engine.memory.budget.free_memory", lambda: 20 * 10**9)
    monkeypatch.setattr("os.getppid", os.getpid)  # as if the tests were the server
    with subprocess.Popen(
        [sys.executable, "-c", holding], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline()
        held = psutil.Process(other.pid).memory_info().rss
        assert held > 200_000_000
        shared, alone = auto_budget("cpu", 2), auto_budget("cpu")
        other.kill()
    assert shared == pytest.approx(0.9 * (20 * 10**9 + held) / 2, rel=0.01)
    assert alone == pytest.approx(0.9 * (20 * 10**9 + resident()), rel=0.01)
