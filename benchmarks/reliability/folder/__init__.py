"""Fuzzing the hot folder as a whole: a stranger does to it whatever a file system allows, while the
server works.

`machine.py` has the rules, `harness.py` the invariants that hold after each. The tests take a few
hundred steps, `python -m benchmarks folder` twenty thousand.
"""
