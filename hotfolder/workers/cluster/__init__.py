"""A Ray cluster behind the Dispatcher: an actor for each device, pictures and checkpoints as bytes.

The server starts one child process, the driver, and speaks with it as with a worker, in lines of
JSON; the driver speaks with Ray. Ray ends its driver when the head of the cluster is lost, so it
must not be the server's own process, which never imports Ray.
Knows the Dispatcher and the painter. Never knows the inbox, the queue or the outbox.
Read first: `ray_dispatcher.py` (the server's process), then `driver.py` and `actor.py`.
"""
