"""The configuration: its model, its layers, its reloading, and the log that it sets up.

Defaults, `config.yaml` of the user and of the working folder, the environment and the command line
are merged; where each value comes from is remembered.
Knows keys and their ranges. Never knows jobs, queues or workers.
Read first: `model.py`.
"""
