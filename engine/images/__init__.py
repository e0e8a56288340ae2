"""Pictures: files read and written, colours, sizes, contact sheets and plots.

Knows: formats, colour profiles, alpha, resizing; arrays and, for a few modules, tensors.
Never knows: VGG19, losses, optimisers, settings.
Start reading at `picture.py`. Only `colour_transfer.py` and `pyramid.py` import torch.
"""
