"""The presets: named settings, as plain data that `engine.settings` checks."""

from typing import Any

__all__ = ["GATYS_STYLE_LAYERS", "PRESETS"]

# Gatys, Ecker and Bethge (CVPR 2016), reference code: a layer of C channels weighs 1000 / C^2.
GATYS_STYLE_LAYERS = {
    f"relu{block}_1": 1e3 / channels**2
    for block, channels in enumerate((64, 128, 256, 512, 512), start=1)
}

# The presets that reproduce a source have its loss, start and optimiser. One thing differs: the
# sources' first move, 1 / sum |gradient|, is lost in rounding, so that what follows is arbitrary.
# `first_move: 0` brings it back. And as everywhere L-BFGS is guarded (`engine.optimisers.guard`).
_SOURCES_IN_COMMON: dict[str, Any] = {
    "size": 512,
    "scales": 1,
    "optimiser": "lbfgs",
    "learning_rate": 1.0,
    "history": 100,
    "init_colours": "content",
    "init_noise": 0.0,
    "colours": "painting",
    "recolour": "painting",
    "keep_colours": False,
    "content_weight": 1.0,
    "content_boost": 1.0,
    "tv_weight": 0.0,
    "grain": 0.0,
    "style_statistic": "gram",
    "style_evenness": 0.0,
    "plain_steps": 0,
    "preconditioning": 0.0,
    "style_scale": 1.0,
    "style_rotate": 0.0,
    "style_crop": None,
    "pooling": "max",
    "padding": "zeros",
    "margin": 0,
    "precision": "float32",
}
_FIRST_FIVE_CONVOLUTIONS = dict.fromkeys(
    ("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"), 1.0
)

PRESETS: dict[str, dict[str, Any]] = {
    # Coarse to fine: the model's own defaults. The fewest evaluations at which nobody preferred
    # `fine` on sheets without names.
    "standard": {},
    # The shortest that looks painted: less than a tenth of the time of `standard`.
    "quick": {"coarse_steps": 10, "steps": 5},
    # More than twice the time of `standard`: the losses go on to fall, at last the plain style
    # loss, whose few strong directions have something left to gain then. More coarse evaluations
    # would cost it content.
    "fine": {"coarse_steps": 60, "steps": 220, "plain_steps": 80, "content_weight": 0.95},
    # A quick look at what `standard` will paint: a large painting's coarsest scale.
    "preview": {"size": 256, "steps": 50, "format": "jpeg"},
    # L. Gatys, A. Ecker, M. Bethge: Image Style Transfer Using Convolutional Neural Networks,
    # CVPR 2016, and the authors' PyTorch code: one scale of 512 px, content start, L-BFGS, max
    # pooling, no clamp before the end. The code can go on with 200 steps at 800 px; that is
    # `scales: 2, scale_factor: 1.5625, size: 800, steps: 200, coarse_steps: 500`.
    "gatys": _SOURCES_IN_COMMON
    | {
        "steps": 500,
        "clamp": False,
        "init": "content",
        "content_layers": {"relu4_2": 1.0},
        "style_layers": GATYS_STYLE_LAYERS,
        "style_weight": 1.0,
        "gram": "positions",
        "weights": "caffe",
    },
    # A. Jacq: Neural Transfer Using PyTorch (pytorch.org tutorials): torchvision's network, content
    # on the fourth and style on the first five convolutions, before their ReLU.
    "tutorial": _SOURCES_IN_COMMON
    | {
        "steps": 300,
        "clamp": True,
        "init": "content",
        "content_layers": {"conv2_2": 1.0},
        "style_layers": _FIRST_FIVE_CONVOLUTIONS,
        "style_weight": 1e6,
        "gram": "elements",
        "weights": "torchvision",
    },
    # E. Huang (2019): content from the fifth convolution, style from the first five, white noise.
    # It gives no weights: with Oxford's network these keep the composition readable.
    "article": _SOURCES_IN_COMMON
    | {
        "steps": 600,
        "clamp": False,
        "init": "noise",
        "content_layers": {"conv3_1": 1.0},
        "style_layers": _FIRST_FIVE_CONVOLUTIONS,
        "style_weight": 100.0,
        "gram": "elements",
        "weights": "caffe",
    },
}
