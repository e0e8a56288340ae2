"""The Dispatcher, which the server hands jobs to, and the workers that paint.

The server submits jobs to a dispatcher and polls events; `LocalDispatcher` runs a process a device,
`cluster` an actor a device of a Ray cluster; what they share is `worker_pool`. The server's side
(`dispatcher`, `events`, `worker_pool`, `local_dispatcher`, `shared_dispatcher`, `worker_process`)
never imports torch; the worker's side (`worker`, `painting`, and with torch `engine_painter`,
`checkpoints`, `record`) runs in processes of its own. Never knows the inbox, the queue or the
outbox. Read first: `dispatcher.py`.
"""
