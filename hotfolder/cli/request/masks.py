"""The pictures of `--mask`, `--region`, `--labels` and `--style-labels`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hotfolder.cli.input_files import check_files
from hotfolder.errors import InputError

__all__ = ["MaskFiles"]


@dataclass(frozen=True)
class MaskFiles:
    """The pictures that say where to paint, and in which style."""

    mask: Path | None = None
    regions: Sequence[Path] = ()
    style_regions: Sequence[Path] = ()
    styles: Sequence[str] = ()
    """As they were given, those of regions among them."""
    layer: Mapping[str, Any] = field(default_factory=dict)
    """The settings that name them."""

    def __iter__(self) -> Iterator[Path]:
        yield from (self.mask,) if self.mask is not None else ()
        yield from (*self.regions, *self.style_regions)

    @classmethod
    def of(
        cls,
        styles: Sequence[str] | None,
        mask: Path | None,
        regions: Sequence[str] | None,
        labels: Path | None,
        style_labels: Sequence[Path] | None,
        *,
        styles_needed: bool = True,
    ) -> "MaskFiles":
        """
        Raises:
            InputError: options that do not go together, or a file that is not there.
        """
        pairs = [_mask_and_style(each) for each in regions or ()]
        if pairs and (styles or labels is not None):
            other = "STYLE before it" if styles else "--labels beside it"
            raise InputError(f"--region names the style of each region: leave out the {other}.")
        if styles_needed and not pairs and not styles:
            raise InputError("no style: name one after CONTENT, or with --region MASK=STYLE.")
        if (labels is None) != (not style_labels):
            raise InputError("--labels and --style-labels belong together: one for each style.")
        if labels is not None and style_labels and len(style_labels) != len(styles or ()):
            raise InputError(
                f"--style-labels: {len(style_labels)} for {len(styles or ())} styles; expected one "
                "for each, in their order."
            )
        several = {
            "regions": [labels] if labels is not None else [mask for mask, _ in pairs],
            "style_regions": [*(style_labels or ())],
        }
        layer = {key: [path.name for path in paths] for key, paths in several.items() if paths}
        found = cls(
            mask,
            several["regions"],
            several["style_regions"],
            [*(styles or ()), *(style for _, style in pairs)],
            layer | ({"mask": mask.name} if mask is not None else {}),
        )
        check_files(found)
        return found


def _mask_and_style(given: str) -> tuple[Path, str]:
    """`sky.png=night`. Both may be paths with `=` in them: the mask is the first that is a file.

    Raises:
        InputError: it is not MASK=STYLE.
    """
    words = given.split("=")
    splits = [("=".join(words[:n]), "=".join(words[n:])) for n in range(1, len(words))]
    splits = [(mask, style) for mask, style in splits if mask and style]
    if not splits:
        raise InputError(f"--region {given}: expected MASK=STYLE, such as --region sky.png=night.")
    mask, style = next((each for each in splits if Path(each[0]).is_file()), splits[-1])
    return Path(mask), style
