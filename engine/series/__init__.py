"""Several paintings of one request: variations, and the steps between two styles or two strengths.

Knows: which settings each painting of a series has.
Never knows: tensors, how one of them is painted, files.
Start reading at `members.py`.
"""
