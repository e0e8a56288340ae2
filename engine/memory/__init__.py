"""Painting within a memory budget: how much there is, plans, tiles and offloading.

Knows: the network in segments and tiles, the losses, what an optimiser keeps.
Never knows: scales, stages, pictures as files.
Start reading at `planner.py`; `tiled_objective.py` has the computation in tiles.
`budget.py`, `segments.py` and `plan.py` say what there is and what is planned.
"""
