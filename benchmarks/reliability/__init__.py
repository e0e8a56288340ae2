"""Reliability: the hot folder under kills, failing file operations and hostile files.

Knows the hot folder's public face and docs/protocol.md; never how a job is carried out. The tests
run short forms of all of it.
Read `chaos.py` first; `faults.py` is what makes file operations fail.
"""
