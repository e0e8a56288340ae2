"""VGG19: its weights, layers and precision, and the devices that it runs on.

Knows: weight files, preprocessing, convolutions, padding, pooling.
Never knows: losses, optimisers, memory plans.
Start reading at `vgg.py`. Only `layers.py` is without torch.
"""
