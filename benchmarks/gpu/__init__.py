"""What only a GPU can show, in one command: right numbers, the time of a step, memory, sharing.

Each part has a module; `report.py` runs them one after the other.
"""
