"""Optimisers of a picture's pixels: L-BFGS with its preconditioner and its guard, and Adam.

Knows: an objective (picture -> losses), gradients, a state to resume from.
Never knows: what the objective is made of, scales, pictures as files.
Start reading at `minimise.py`; `optimiser.py` is the interface that each has.
"""
