"""Picture files read: opened, checked, decoded at their own depth, and converted to sRGB.

Knows: formats, what each file says of its colours, damage, limits.
Never knows: tensors, settings.
Start reading at `decode.py`. Pillow reads JPEG, WebP, AVIF and PNG of 8 bits, imagecodecs what is
deeper, tifffile TIFF, pillow-heif HEIC; imagecodecs (littlecms) converts colours.
"""
