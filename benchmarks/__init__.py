"""Measurements side by side, in one run on one machine. Never part of the tests.

`python -m benchmarks` lists them, `python -m benchmarks NAME` runs one and writes a markdown table
to `benchmarks/results/`. Ratios carry over between machines, seconds do not. Knows the public faces
of `engine` and `hotfolder`, which never know it. Read `__main__.py` first.
"""
