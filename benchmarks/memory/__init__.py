"""Memory: what a painting really holds beside what its plan predicts, by size, and whether tiles
change the picture.

Knows the engine's planner; never judges a picture by itself (`looks`). Every peak is measured in a
process of its own (`benchmarks/process.py`).
Read `prediction.py` first.
"""
