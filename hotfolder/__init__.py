"""The hot folder: files in, jobs through the Dispatcher, files out.

A job goes through the rooms in this order: `inbox` (files become job candidates), `spool` (the
queue on disk), `workers` (processes that paint), `outbox` (results, originals, status), `notify`.
`server` runs them in one loop, `batches` makes jobs of batch files, `cli` starts it all.
Knows the folder, jobs, queues and workers. Never knows tensors: only the worker's side of `workers`
and `batches/results/contact_sheet.py` load torch, in processes of their own, and commands that
paint.
Read first: `server/folder_server.py`; the contract with the outside is docs/protocol.md.
"""
