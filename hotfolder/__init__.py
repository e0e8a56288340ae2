"""The hot folder: files in, jobs through the Dispatcher, files out.

Knows the folder, sidecars, jobs, the queue, workers, results and the command line.
Never knows tensors: the daemon's process never imports torch; only `worker.py`, which runs in
processes of its own, and the commands that paint in the foreground do, inside functions.
Start reading at `daemon.py`; the contract with the outside is docs/protocol.md.
"""
