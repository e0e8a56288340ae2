"""The pictures that are painted: pairs of a content and a style, and where they come from.

Nothing large is in the repository: photographs and paintings are taken out of packages that ship
them freely (`packages.py`, checked by digest) or painted by program (`styles.py`). `pairs.py` puts
them together, and says which pairs settings may be tuned on.
"""
