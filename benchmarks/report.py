"""Where results go: printed, and kept in `benchmarks/results/`, of which only
`pairs/` is under version control."""

import sys
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def save(name: str, table: str) -> None:
    """Print a markdown table and write it to `results/NAME.md`."""
    print(table)
    path = RESULTS / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(table + "\n", encoding="utf-8")
    log_progress(f"written to {path}")


def log_progress(text: str) -> None:
    """What is under way, on stderr."""
    print(text, file=sys.stderr, flush=True)
