"""`python -m benchmarks [NAME [ARGUMENTS...]]`."""

import importlib
import os
import signal
import sys

from engine import THREADS_ENVIRONMENT

BENCHMARKS = {
    "versus": ("race.versus", "seconds until our picture is as good as a peer's on every term"),
    "anytime": ("race.anytime", "everybody's picture at equal time: 5, 10, 20 ... seconds"),
    "roofline": (
        "speed.roofline",
        "what one step reaches of this machine's own convolution and matrix product",
    ),
    "gpu": ("gpu.report", "numbers, steps, memory and sharing on a GPU, in eight minutes at most"),
    "scaling": ("memory.scaling", "seconds and peak memory of a step, from 128 px up"),
    "memory": (
        "memory.prediction",
        "predicted against measured peak memory; large sizes within a budget",
    ),
    "seams": (
        "memory.seams",
        "a whole painting in tiles beside the same one untiled, pixel by pixel",
    ),
    "step": ("speed.step", "seconds of one step beside the peers', at one size"),
    "preview": ("speed.preview", "seconds until a job's first previews, in a warm worker"),
    "throughput": (
        "speed.throughput",
        "pictures an hour of a folder of 50, beside single commands",
    ),
    "gimp": (
        "speed.gimp",
        "the plug-in's dialog, sending and inserting with 100 megapixels in a real GIMP 3",
    ),
    "strength": (
        "looks.strength",
        "the strength dial over the pairs: losses, and distance from the photograph",
    ),
    "gatys": (
        "looks.gatys",
        "the losses that `preset: gatys` records, beside the authors' notebook",
    ),
    "queue": ("speed.queue", "what 10 000 jobs in the inbox cost the daemon, with a null engine"),
    "slots": ("speed.slots", "what a job costs the server with 1, 10, 100 and 1,000 null workers"),
    "spread": ("memory.spread", "one evaluation over 1, 2 and 4 actors: gradient, seconds, bytes"),
    "page": (
        "speed.page",
        "what 200 open pages and 1 000 jobs cost the server and the painting",
    ),
    "chaos": (
        "reliability.chaos.campaign",
        "hundreds of jobs under kills and failing files: lost 0, doubled 0",
    ),
    "fuzz": (
        "reliability.fuzz",
        "10 000 hostile sidecars and damaged pictures: no traceback, no loss, no hang",
    ),
    "runaways": (
        "reliability.runaways",
        "descents from noise that are thrown: with L-BFGS guarded, and without",
    ),
    "folder": (
        "reliability.folder.long_run",
        "20 000 steps of a stranger at the hot folder: nothing lost, nothing outside touched",
    ),
    "neutral": ("looks.neutral", "the neutral score of pictures by hand"),
}
"""Name -> module, and what it measures."""


def main() -> int:
    name, *arguments = sys.argv[1:] or [""]
    if name not in BENCHMARKS:
        print("usage: python -m benchmarks NAME [--help]\n")
        for known, (_, purpose) in BENCHMARKS.items():
            print(f"  {known:<10} {purpose}")
        return 0 if name in ("", "-h", "--help") else 2
    # What a benchmark has started is ended with it, as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    for variable, value in THREADS_ENVIRONMENT.items():  # before anything imports torch
        os.environ.setdefault(variable, value)
    importlib.import_module(f"benchmarks.{BENCHMARKS[name][0]}").run(arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
