"""The Dispatcher, which the server hands jobs to, and the worker processes that paint.

The server submits jobs to a dispatcher and polls events; `LocalDispatcher` runs a process a device.
The server's side (`dispatcher`, `events`, `local_dispatcher`, `shared_dispatcher`,
`worker_process`) never imports torch; the worker's side (`worker`, `engine_painter`,
`checkpoints`) does, in processes of its own. Never knows the inbox, the queue or the outbox.
Read first: `dispatcher.py`.
"""
