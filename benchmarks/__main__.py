"""`python -m benchmarks [NAME [ARGUMENTS...]]`."""

import importlib
import os
import sys

from engine import THREADS_ENVIRONMENT

BENCHMARKS = {
    "versus": "seconds until our picture is as good as a peer's on every term",
    "roofline": "what one step reaches of this machine's own convolution and matrix product",
    "scaling": "seconds and peak memory of a step, from 128 px up",
    "memory": "predicted against measured peak memory; large sizes within a budget",
    "seams": "a whole painting in tiles beside the same one untiled, pixel by pixel",
    "step": "seconds of one step beside the peers', at one size",
    "preview": "seconds until a job's first previews, in a warm worker",
    "strength": "`strength` over the pairs: losses, and distance from the photograph",
    "gatys": "the losses that `preset: gatys` records, beside the authors' notebook",
    "queue": "what 10 000 jobs in the inbox cost the daemon, with a null engine",
    "chaos": "hundreds of jobs under kills and failing files: lost 0, doubled 0",
    "fuzz": "10 000 hostile sidecars and damaged pictures: no traceback, no loss, no hang",
    "neutral": "the neutral score of pictures by hand",
}


def main() -> int:
    name, *arguments = sys.argv[1:] or [""]
    if name not in BENCHMARKS:
        print("usage: python -m benchmarks NAME [--help]\n")
        for known, purpose in BENCHMARKS.items():
            print(f"  {known:<10} {purpose}")
        return 0 if name in ("", "-h", "--help") else 2
    for variable, value in THREADS_ENVIRONMENT.items():  # before anything imports torch
        os.environ.setdefault(variable, value)
    importlib.import_module(f"benchmarks.{name}").run(arguments)
    return 0


sys.exit(main())
