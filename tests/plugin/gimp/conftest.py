"""The plug-in's own modules as GIMP's Python finds them: flat, with the client beside them.

A real GIMP is in `tests/plugin/gimp3`; here are those modules that know none.
"""

import sys
from pathlib import Path

PLUGIN = Path(__file__).parents[3] / "plugin"

sys.path[:0] = [str(PLUGIN / "gimp" / "impasto"), str(PLUGIN)]
