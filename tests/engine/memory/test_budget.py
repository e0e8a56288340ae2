"""How much memory there is to spend: as people write it, and as the system tells it."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.memory.budget import format_bytes, free_memory, parse_memory


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
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=9_000_000))


def test_without_groups_what_the_system_calls_available_counts(tmp_path: Path) -> None:
    assert free_memory(tmp_path) == 9_000_000


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
