"""The engine: pictures in, a painting out.

Knows tensors, VGG19, losses, optimisers and pictures (colour, alpha, depth).
Never knows folders to watch, YAML files, jobs, queues or editors.
Importing this package, `engine.errors` or `engine.settings` does not import torch.
Start reading at `stylise.py`; every number that changes a result is in `settings.py`.
"""

__version__ = "0.1.0"
