"""The race against peers: whole runs of ours and of theirs, each a process of its own, and when
ours is as good as theirs.

Knows the peers' command lines and ours, and the score of `looks`; never the engine's insides.
Read `versus.py` first; `plain.py` is the baseline that we wrote ourselves.
"""
