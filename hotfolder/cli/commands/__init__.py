"""The commands, one module a group: importing a module registers its commands with `cli.app`.

A command parses its options, calls one of the other rooms, and prints.
Knows options, terminals and exit codes. Never holds logic that a server or a script would need.
Read first: `folder.py` (`init`, `watch`, `run`).
"""
