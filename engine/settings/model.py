"""The model of the settings: each field with its range, its default and what it does."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag

from engine.settings.presets import GATYS_STYLE_LAYERS

__all__ = [
    "LAYERS",
    "PICTURES",
    "SUFFIXES",
    "Settings",
]

# VGG19 (Simonyan and Zisserman 2014, table 1, column E): convolutions in each of the five blocks.
CONVOLUTIONS = (2, 2, 4, 4, 4)

LAYERS: tuple[str, ...] = tuple(
    name
    for block, count in enumerate(CONVOLUTIONS, start=1)
    for name in [
        *(f"{kind}{block}_{i}" for i in range(1, count + 1) for kind in ("conv", "relu")),
        f"pool{block}",
    ]
)
"""Every layer's name, in the order of the network: conv1_1, relu1_1, ..., relu5_4, pool5."""


def _layer(name: str) -> str:
    if name not in LAYERS:
        raise ValueError("a layer of VGG19: conv1_1 ... conv5_4, relu1_1 ... relu5_4, pool1 ... 5")
    return name


Layer = Annotated[str, AfterValidator(_layer)]
SMALLEST_SIDE = 32
LARGEST_SIDE = 100_000
"""Pixels. Memory is the limit before; of a JPEG 65 500."""

PICTURES = ("init_file", "palette", "mask", "regions", "style_regions")
"""Settings that name pictures, which come with a job as its content does."""

SUFFIXES = {"png": ".png", "jpeg": ".jpg", "tiff": ".tif", "webp": ".webp", "avif": ".avif"}
"""Suffixes of result files, by format."""

# Told apart by type, so that an error message is about the type that was meant.
Side = Annotated[
    Annotated[int, Field(ge=SMALLEST_SIDE, le=LARGEST_SIDE), Tag("[side]")]
    | Annotated[Literal["content"], Tag("[content]")],
    Discriminator(lambda value: "[content]" if value == "content" else "[side]"),
]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
LayerWeights = Annotated[dict[Layer, Weight], Field(max_length=len(LAYERS))]


class Settings(BaseModel):
    """One request to the engine. Defaults are the preset `standard`."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        validate_default=True,
        use_attribute_docstrings=True,
    )

    preset: str = "standard"
    """The named recipe that these settings started from."""

    size: Side = 512
    """Longest side of the result, in pixels, or `content`: as large as the content. The aspect is
    the content's, to the pixel."""

    scales: Annotated[int, Field(ge=0, le=10)] = 0
    """How many sizes are painted, coarse to fine. 1 paints at the final size alone; 0: as many as
    it takes to begin between 256 and 511 px (a texture: 64 and 127), and one more beyond a
    `strength` of 75."""

    scale_factor: Annotated[float, Field(gt=1, le=4)] = 2.0
    """Ratio of a scale's side to that of the scale before it."""

    steps: Annotated[int, Field(ge=1, le=100_000)] = 60
    """Evaluations of the loss at the final scale."""

    coarse_steps: Annotated[int, Field(ge=1, le=100_000)] = 120
    """Evaluations of the loss at each scale before the final one."""

    scale_steps: (
        Annotated[list[Annotated[int, Field(ge=1, le=100_000)]], Field(min_length=1, max_length=10)]
        | None
    ) = None
    """Evaluations at each scale, one number a scale, coarse to fine: in place of `scales`,
    `coarse_steps` and `steps`."""

    seconds: Annotated[float, Field(ge=1, le=1_000_000)] | None = None
    """The time to paint in, from the start of the job to its written result: it gets the steps for
    which there is time, in place of `steps` and `coarse_steps`. Of several paintings each has so
    much."""

    time_limit: Literal["refuse", "exceed"] = "refuse"
    """Where not even the shortest painting fits into `seconds`: `refuse` it in words, or `exceed`
    them with the shortest."""

    settle: Annotated[float, Field(gt=0, lt=100)] | None = None
    """A scale ends early once its loss has fallen by less than so many percent over the last tenth
    of its evaluations (and no fewer than ten)."""

    optimiser: Literal["lbfgs", "adam"] = "lbfgs"
    """`lbfgs` (quasi-Newton, fewest evaluations) or `adam` (least memory)."""

    learning_rate: Annotated[float, Field(gt=0, le=1000)] = 1.0
    """Step length: 1 for `lbfgs`; for `adam`, in units of the range 0 to 1, 0.02 unless it is
    set."""

    history: Annotated[int, Field(ge=1, le=500)] = 50
    """Pairs of steps that L-BFGS remembers. Each takes twice the picture's memory in float32."""

    first_move: Annotated[float, Field(ge=0, le=0.5)] = 0.01
    """Root mean square of L-BFGS's first move, in units of the range 0 to 1. 0: torch's own, from
    which rounding decides what follows."""

    preconditioning: Annotated[float, Field(ge=0, le=2)] = 0.5
    """How much further L-BFGS's first move takes broad shapes than fine grain: the exponent of a
    power of spatial frequency. From each move it then learns how every octave of every colour
    answers. 0: neither."""

    clamp: bool = True
    """Keep the picture within its gamut at every evaluation. Off: only when it is written."""

    init: Literal["content", "style", "noise", "file"] = "content"
    """What the optimisation starts from. `file` takes the picture named by `init_file`."""

    init_colours: Literal["content", "style"] = "style"
    """Whose colours the content has when the optimisation starts from it."""

    colours: Literal["painting", "content", "palette", "blend"] = "painting"
    """Whose colours the result has: those that are painted, the `content`'s, those of the picture
    `palette`, or a `blend` of the painting's with the palette's or, without one, the content's."""

    colour_amount: Annotated[float, Field(ge=0, le=1)] = 0.5
    """How far `colours: blend` goes, from the painting's own colours (0) to the others (1)."""

    colour_method: Literal["auto", "luminance", "linear", "histogram"] = "auto"
    """How colours are taken over, in OkLab: `luminance` keeps the painting's light and shade and
    has the content's colour at each place; `linear` gives the mean and covariance of the others'
    colours, `histogram` the histogram of each channel, too. `auto`: `luminance` from a content,
    `linear` from a palette and for `recolour: styles`."""

    recolour: Literal["painting", "styles"] = "painting"
    """What is given the colours: the `painting` once it is done, or the `styles` before it, with
    which it is painted in them from the start."""

    palette: str | None = None
    """Picture whose colours are used with `colours: palette` (which it implies) or `blend`. Beside
    other `colours`, or `keep_colours`, it is refused; those of a later layer take its place."""

    keep_colours: bool = False
    """As `colours: content`, but with the light and shade of YIQ (Gatys) in place of OkLab's."""

    init_file: str | None = None
    """Picture to start from with `init: file`; brought to the result's size."""

    init_noise: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Soft random colours added to what the optimisation starts from: roughly their standard
    deviation, in units of the range 0 to 1. They are about a sixteenth of the longest side wide."""

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Seed of the noise of `init: noise` and `init_noise`. Same inputs, settings, device and
    version: same pixels."""

    variations: Annotated[int, Field(ge=1, le=16)] = 1
    """So many paintings that differ, and a sheet of them. The first is the painting without this
    setting; each of the others has another seed, soft noise in its start (`init_noise`), and
    another part (`style_crop`, `style_rotate`) and scale of the style."""

    interpolate: Annotated[int, Field(ge=2, le=16)] | None = None
    """So many paintings from the first of two styles to the second (by `style_blend`), or between
    two strengths, and a strip of them."""

    interpolate_strength: (
        Annotated[list[Annotated[float, Field(ge=0, le=100)]], Field(min_length=2, max_length=2)]
        | None
    ) = None
    """The first and the last `strength` of an `interpolate`, which is then not between styles."""

    texture: bool = False
    """Paint the style alone, without a content, from noise: a square of `size`, or of
    `texture_size`."""

    texture_size: (
        Annotated[
            list[Annotated[int, Field(ge=SMALLEST_SIDE, le=LARGEST_SIDE)]],
            Field(min_length=2, max_length=2),
        ]
        | None
    ) = None
    """Width and height of a texture in pixels, in place of `size`; it implies `texture`."""

    tile: bool = False
    """A texture whose opposite edges meet without a seam. Its sides are multiples of 16 px, and it
    is not computed in parts to save memory."""

    mask: str | None = None
    """Picture that says where to paint: white is painted, black and what is transparent stays the
    content to the bit, grey blends. Brought to the content's size."""

    mask_feather: Annotated[float, Field(ge=0, le=10_000)] = 0.0
    """Width of the soft edge of what is painted, in pixels of the content, inwards: what is black
    stays so."""

    regions: Annotated[list[str], Field(min_length=1, max_length=64)] | None = None
    """Masks, one for each style picture, which is painted there alone; what none covers stays the
    content. With `style_regions`: the content's label picture."""

    style_regions: Annotated[list[str], Field(min_length=1, max_length=64)] | None = None
    """Label pictures, one for each style picture. What has one colour in the content's label
    picture is painted as what has it in the styles'."""

    content_layers: LayerWeights = {"relu4_2": 1.0}
    """Layers that keep the content, each with its weight."""

    style_layers: LayerWeights = GATYS_STYLE_LAYERS
    """Layers whose Gram matrices carry the style, each with its weight."""

    strength: Annotated[float, Field(ge=0, le=100)] | None = None
    """0 is nearly the content, 100 nearly all style. Unset: 75, where weights and scales are as the
    other settings say."""

    content_weight: Weight = 1.1
    """Weight of the content loss as a whole."""

    content_boost: Annotated[float, Field(ge=1, le=100)] = 6.0
    """Factor of the content's weight where a painting begins: at the coarse scales and, after
    fewer than two of these, for the first fifth of the steps at the final one. A painting under
    512 px keeps some of it to the end, one of 256 px or less all of it. 1: none."""

    boosted_steps: Annotated[int, Field(ge=0, le=100_000)] | None = None
    """Evaluations at the final scale that have `content_boost` in full. Unset: a fifth, or none
    after two coarser scales."""

    plain_steps: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Evaluations at the end of the final scale, of its `steps`, that minimise the plain Gram loss,
    in place of the one that `style_evenness` evens out: after a long descent they bring the picture
    nearer to the style. The losses that are told from then on are the plain ones. Not with
    `settle`, with which nobody knows when the end begins; with `seconds` as the time has it: a
    painting as long as `fine` ends so, as that does."""

    style_weight: Weight = 1.0
    """Weight of the style loss as a whole."""

    tv_weight: Weight = 0.0
    """Weight of the total variation, which smooths. 0 leaves it out."""

    grain: Weight = 0.0
    """How strongly fine colour is held down that neither the styles nor the content have, as with a
    black and white style; 1 suits most. 0 leaves it out. Its loss counts as total variation."""

    gram: Literal["positions", "elements"] = "positions"
    """What a Gram matrix is divided by: `positions` H*W (Gatys), `elements` C*H*W (Johnson)."""

    style_statistic: Literal["gram", "covariance", "wasserstein", "histogram"] = "gram"
    """What the style is compared by, layer by layer: `gram` (Gatys), `covariance` (means and
    covariances apart), `wasserstein` (the distance of the Gaussians that have these) or `histogram`
    (Gram matrices and each channel's histogram; slower). One `style_weight` serves all."""

    style_evenness: Annotated[float, Field(ge=0, le=1)] = 0.5
    """How much the weak directions of a style's Gram matrices count beside the strong ones
    (whitening), with `style_statistic: gram`. 0: as in a plain Gram loss."""

    style_blend: list[Annotated[float, Field(ge=0, le=1e6)]] | None = None
    """Share of each style picture, one number a style, not all 0. Unset: equal shares."""

    style_scale: Annotated[float, Field(ge=0.05, le=20)] = 1.0
    """Size of the style picture relative to the result (by area); larger makes larger strokes."""

    style_rotate: Annotated[float, Field(ge=-360, le=360)] = 0.0
    """Degrees by which the style pictures are turned, counter-clockwise, and their strokes with
    them. Of each the largest upright rectangle is used, so that no corner is blank."""

    style_crop: (
        Annotated[
            list[Annotated[float, Field(ge=0, allow_inf_nan=False)]],
            Field(min_length=4, max_length=4),
        ]
        | None
    ) = None
    """The part of each style picture that is used, before it is turned: left, top, width and
    height, in fractions of the picture (all at most 1) or in pixels."""

    pooling: Literal["max", "average", "l2"] = "max"
    """Pooling between VGG19's blocks. `average` and `l2` (root of the sum of squares) have a gain,
    1.37 and 0.64, with which the activations stay as large as with `max`."""

    padding: Literal["zeros", "replicate"] = "replicate"
    """What VGG19 sees beyond the picture's edges: `zeros` (as trained) paints a frame there."""

    margin: Annotated[int, Field(ge=0, le=256)] = 4
    """Pixels painted beyond each edge and cut off, since the outermost are never clean."""

    weights: Annotated[str, Field(min_length=1)] = "caffe"
    """VGG19's weights: `caffe` (Oxford), `torchvision`, or a file ending in .pth, .pt or .bin."""

    precision: Literal["auto", "float32", "bfloat16", "int8"] = "auto"
    """Type of the convolutions: `auto` is the fastest on the device; `int8` is for CPUs. Losses and
    Gram matrices are always float32."""

    format: Literal["png", "jpeg", "tiff", "webp", "avif", "content"] = "png"
    """File format of the result: `png`, `jpeg` (sides of at most 65 500 px, no transparency),
    `tiff` (in tiles, compressed without loss; a BigTIFF past 4 GB), `webp` (sides of at most
    16 383 px), `avif`, or `content`: the content's own (of HEIC, PNG)."""

    bits: Literal["auto", 8, 16] = "auto"
    """Bits a channel of the result. `auto`: as deep as the content. Only PNG and TIFF have 16."""

    profile: Literal["srgb", "content"] = "srgb"
    """The result's colour space: `srgb`, or the one of the `content`, such as Adobe RGB or Display
    P3. A content in grey, CMYK or L*a*b* gets sRGB."""

    metadata: Literal["keep", "no_location", "strip"] = "no_location"
    """What a result has of the content's EXIF, XMP, IPTC and resolution: all (`keep`), all but
    places (`no_location`), or nothing (`strip`)."""

    page: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Which picture of a content that has several, from 1. Unset: the first that is no
    thumbnail."""

    jpeg_quality: Annotated[int, Field(ge=1, le=100)] = 95
    """Quality of a JPEG, WebP (100: without loss) or AVIF result."""

    jpeg_chroma: Literal["auto", "full", "half"] = "auto"
    """Resolution of the colour of a JPEG or AVIF: `full` or, as in most photographs, `half`.
    `auto`: full from a quality of 90, and in an AVIF."""

    # It changes no pixel of the result, but it is part of what is asked for, so a
    # sidecar, a configuration and the record of a result have to have it.
    progression: Annotated[int, Field(ge=0, le=64)] = 0
    """Stages of a strip that shows how the result came about, written beside it with an animation
    and the curve of the losses. At least 2; 0: none of these."""

    @property
    def takes_palette(self) -> bool:
        """Whether a picture named by `palette` is used."""
        wants = self.colours == "palette" or (self.colours == "blend" and bool(self.palette))
        return wants and not self.keep_colours

    @property
    def may_end_plain(self) -> bool:
        """Whether the final scale may end with the plain Gram loss: for `plain_steps`, or in a long
        painting by the time. Not where nobody knows when the end begins, nor where the loss is a
        plain one anyway: there another stage would only begin L-BFGS anew."""
        evened = self.style_statistic == "gram" and self.style_evenness > 0
        asked = self.plain_steps > 0 or self.seconds is not None
        return evened and asked and self.settle is None

    @property
    def texture_sides(self) -> tuple[int, int]:
        """Pixels of a texture's width and height."""
        side = self.longest_side((0, 0))
        width, height = self.texture_size or (side, side)
        return width, height

    def longest_side(self, content: tuple[int, int]) -> int:
        """Pixels of the result's longest side, for a content of (width, height)."""
        return max(content) if self.size == "content" else self.size
