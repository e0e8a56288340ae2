"""Which pictures there are for a batch, and what lies beside which.

Knows: names. Never knows: what a batch asks for, how anything is painted.
Start reading at `beside.py`.
"""
