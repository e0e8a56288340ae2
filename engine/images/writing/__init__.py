"""Results written: the depth, the colour space and the metadata of each format.

Knows: formats, profiles, metadata.
Never knows: tensors, settings.
Start reading at `encode.py`.
"""
