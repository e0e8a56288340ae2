"""What every request passes before the page looks at it: host, origin, token, sizes and rates.

Knows: HTTP headers, addresses, the token's file. Never knows: hot folders.
Start reading at `guard.py`.
"""
