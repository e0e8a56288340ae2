"""The losses: content, style statistics and total variation, their weights, cached style targets.

Knows: features of layers, formulas and their sources.
Never knows: how features are computed, tiles, optimisers.
Start reading at `functional.py`; `weighted.py` puts the terms together, and the objective of a
picture is `engine/objective.py`, since it is computed within a memory plan.
"""
