"""Where results go: printed, and kept in `benchmarks/results/`, of which only
`pairs/` is under version control."""

import sys
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def result_path(name: str) -> Path:
    """Where a result of this name goes; the folders above it are made."""
    path = RESULTS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def save(name: str, table: str) -> None:
    """Print a markdown table and write it to `results/NAME.md`."""
    print(table)
    path = result_path(f"{name}.md")
    path.write_text(table + "\n", encoding="utf-8")
    log_progress(f"written to {path}")


def log_progress(text: str) -> None:
    """What is under way, on stderr."""
    print(text, file=sys.stderr, flush=True)
