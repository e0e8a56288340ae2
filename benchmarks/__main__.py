"""`python -m benchmarks [NAME [ARGUMENTS...]]`."""

import importlib
import sys
from pathlib import Path

BENCHMARKS = {"step": "seconds of one step beside pastiche's, at one size"}


def main() -> int:
    name, *arguments = sys.argv[1:] or [""]
    if name not in BENCHMARKS:
        print("usage: python -m benchmarks NAME\n")
        for known, purpose in BENCHMARKS.items():
            print(f"  {known:<10} {purpose}")
        return 0 if not name else 1
    table = importlib.import_module(f"benchmarks.{name}").run(arguments)
    print(table)
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / f"{name}.md").write_text(table + "\n")
    return 0


sys.exit(main())
