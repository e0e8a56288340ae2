"""How a job ends, and what its readers see: results, originals, status files, retention.

Publishes a result whole and under a free name, moves the originals out of the spool, keeps
`status/` true, removes what is older than the configuration says.
Knows jobs in the spool. Never decides which job is next, nor talks to workers.
Read first: `publisher.py`.
"""
