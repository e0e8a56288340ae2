"""The colours of one picture given to another.

Knows: sRGB and OkLab, means, covariances and histograms of colours, strips of pictures.
Never knows: the network, styles, where colours are wanted.
Start reading at `transfer.py`. All modules import torch.
"""
