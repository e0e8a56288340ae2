"""What the words and the options of a command ask to be painted, for several commands.

Knows: which of them go together, and which settings they are.
Never knows: how it is painted, and by whom.
Start reading at `subject.py`.
"""
