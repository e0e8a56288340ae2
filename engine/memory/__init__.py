"""Painting within a memory budget: how much there is, plans, tiles and offloading.

Knows: the network in segments and tiles, the losses, what an optimiser keeps.
Never knows: which scales and stages there are, pictures as files.
Start reading at `planner.py`; `tiled_objective.py` has the computation in tiles, and
`planned_scales.py` what happens when memory runs out.
`budget.py`, `segments.py` and `plan.py` say what there is and what is planned.
"""
