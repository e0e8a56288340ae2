"""Everything that changes a result, in one strict model.

The hot folder validates sidecars with it, the engine computes from it, and the record beside each
result holds it, so that a result can be made again. Only pydantic is imported here. The formulas
that the numbers belong to are in `engine.losses`.
Knows: fields, ranges, presets, layers of values.
Never knows: pictures, the network.
Start reading at `model.py`.
"""

from engine.settings.layering import resolve
from engine.settings.model import CONVOLUTIONS, LAYERS, PICTURES, SUFFIXES, Settings
from engine.settings.problems import MAX_HINTS, misplaced_setting, problems_of

__all__ = [
    "CONVOLUTIONS",
    "LAYERS",
    "MAX_HINTS",
    "PICTURES",
    "SUFFIXES",
    "Settings",
    "misplaced_setting",
    "problems_of",
    "resolve",
]
