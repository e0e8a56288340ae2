"""Speed: one optimisation step beside the machine's own kernels and the peers', the first preview,
the daemon with a full inbox.

Knows the engine's public face and, for the queue, the daemon's. Never judges a picture (`looks`).
Read `roofline.py` first.
"""
