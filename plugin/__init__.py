"""The plug-in room: what puts Impasto into an editor's menu.

Knows the editor's API and the folder protocol (docs/protocol.md), through `client/`.
Never knows torch, YAML or the daemon's internals: standard library only, because an editor's
Python has no other packages.
"""
