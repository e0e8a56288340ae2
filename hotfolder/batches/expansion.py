"""A batch is contents x styles x settings; each combination is an item, which one job paints.
Without contents the items are textures of the styles."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.settings import Settings, resolve
from hotfolder.batches.other_pictures import OtherPictures
from hotfolder.file_names import FreeNames
from plugin.client.protocol import usable_name

__all__ = ["MAX_ACTIVE", "Item", "expand", "variants_of"]

MAX_ACTIVE = 16
"""Jobs of one batch that are with the server at once: enough to keep many devices busy. Each has
copies of its pictures, and others' jobs wait behind them."""


@dataclass(frozen=True)
class Item:
    """One painting of a batch."""

    name: str
    """Unique within the batch: `cat-night`; with several settings, `cat-night-preview`."""
    content: Path | None
    """None: a texture."""
    styles: tuple[Path, ...]
    """More than one are blended."""
    variant: str
    """Which of the batch's settings it is painted under."""
    settings: Settings
    folder: str = ""
    """Below the output folder, where the result goes; empty for that itself."""
    result: str = ""
    """What the result is called, unique in its folder."""
    others: OtherPictures = field(default_factory=OtherPictures)
    """`settings` do not name its masks: they are a content's, and the settings are a variant's."""

    @property
    def content_name(self) -> str:
        """As fields of names have it."""
        return self.content.name if self.content is not None else "texture"

    @property
    def own_settings(self) -> Settings:
        """The settings, with the colours that a palette beside the content implies."""
        if self.others.palette is None or self.settings.colours in ("palette", "blend"):
            return self.settings
        return self.settings.model_copy(update={"colours": "palette", "keep_colours": False})

    @property
    def job_settings(self) -> Settings:
        """The same, with the names of all its pictures."""
        return self.own_settings.model_copy(update=dict(self.others.layer()))


def expand(
    contents: Sequence[Path] | None,
    styles: Sequence[tuple[Path, ...]],
    variants: Mapping[str, Settings],
    *,
    batch: str = "",
    folders: Mapping[Path, str] | None = None,
    others: Mapping[str, OtherPictures] | None = None,
    beside: Mapping[Path, OtherPictures] | None = None,
    labels: Mapping[Path, Path] | None = None,
) -> Iterator[Item]:
    """Every content with every style (or blend of styles) under every variant's settings.

    Contents come first: a style after the other for one, then the next. `variants` by name; a name
    shows only if there are several. A name that is too long for a job's is cut, and numbered where
    it is another's.

    Args:
        contents: None: the items are textures, and called after their styles alone.
        batch: what every name begins with.
        folders: where the results of each content, or of each texture's first style, go below the
            output folder.
        others: the pictures of each variant.
        beside: the pictures of each content, which take the place of its variant's.
        labels: the label pictures of contents, and those of all styles if there are such.

    Raises:
        SettingsError: a variant cannot be painted with a mask, or with a palette.
    """
    names = FreeNames()
    results: dict[str, FreeNames] = defaultdict(FreeNames)
    checked: set[tuple[str, ...]] = set()
    for content in [None] if contents is None else contents:
        own = (beside or {}).get(content, OtherPictures()) if content else OtherPictures()
        for blend in styles:
            if labels and content is not None and content in labels:
                of_styles = tuple(labels[style] for style in blend)
                own = replace(own, regions=(labels[content],), style_regions=of_styles)
            folder = (folders or {}).get(content or blend[0], "")
            for variant, settings in variants.items():
                parts = [content.stem] if content is not None else []
                parts += ["+".join(style.stem for style in blend)]
                parts += [variant] if len(variants) > 1 else []
                wanted = usable_name("-".join([batch, *parts] if batch else parts))
                result = results[folder].take(wanted)
                pictures = (others or {}).get(variant, OtherPictures()).under(own)
                name = names.take(wanted)
                item = Item(name, content, blend, variant, settings, folder, result, pictures)
                checked |= _check(item, checked)
                yield item


def _check(item: Item, checked: AbstractSet[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """What has been checked: a variant with pictures of such kinds.

    Raises:
        SettingsError: it cannot be painted with them.
    """
    kinds = (item.variant, *item.others.by_key())
    if kinds not in checked:
        resolve(item.job_settings.model_dump())
    return {kinds}


def variants_of(
    layers: Sequence[Mapping[str, Any]], base: Mapping[str, Any]
) -> dict[str, Settings]:
    """Settings by the name that tells them apart: their preset, or else their number.

    Raises:
        SettingsError: a layer is not valid over `base`.
    """
    presets = [str(layer.get("preset", "")) for layer in layers]
    distinct = len(set(presets)) == len(presets) and all(presets)
    names = presets if distinct else [str(number) for number in range(1, len(layers) + 1)]
    return {name: resolve(base, layer) for name, layer in zip(names, layers, strict=True)}
