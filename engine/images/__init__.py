"""Pictures: files read and written, colours, sizes, contact sheets and plots.

Knows: formats, colour profiles, metadata, alpha, resizing; arrays and, for a few modules, tensors.
Never knows: VGG19, losses, optimisers, settings.
Start reading at `picture.py`; `reading` and `writing` are the ways in and out. Only
`colour`, `pyramid.py` and `scaling.py` import torch.
"""
