"""The engine: pictures in, a painting out.

Knows tensors, VGG19, losses, optimisers and pictures (colour, alpha, depth).
Never knows folders to watch, YAML files, jobs, queues or editors.
Importing this package, `engine.errors`, `engine.settings` or `engine.memory.budget` does not import
torch. Start reading at `stylise.py`; every number that changes a result is in `settings.py`.
"""

__version__ = "0.1.0"

THREADS_ENVIRONMENT = {"OMP_WAIT_POLICY": "PASSIVE"}
"""The environment of a process that computes, to be set before it imports torch.

Otherwise OpenMP's threads wait for each other by spinning, which gains nothing alone and slows down
other work: two paintings at once on two cores took 3.4 s a step each, and 2.0 s with this.
"""
