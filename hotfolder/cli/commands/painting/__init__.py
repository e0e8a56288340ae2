"""The commands that make or compare pictures in the foreground, one module each.

Knows: the command line, files, the engine (imported inside functions).
Never knows: jobs, the server's inside.
"""
