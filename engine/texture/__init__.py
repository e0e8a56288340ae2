"""Pictures of a style alone: no content, any size, seamless if asked.

L. Gatys, A. Ecker, M. Bethge: Texture Synthesis Using Convolutional Neural Networks, NIPS 2015;
coarse to fine as X. Snelgrove: High-Resolution Multi-Scale Neural Texture Synthesis, 2017.
Knows: what such a painting starts from, its sizes, and edges that meet.
Never knows: how it is optimised.
Start reading at `canvas.py`.
"""
