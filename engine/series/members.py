"""The paintings of a series, each with settings by which it can be painted alone.

Imports neither torch nor an image library.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import Problem, SettingsError
from engine.series.variety import varied
from engine.settings import Settings

__all__ = ["Member", "count_of", "members_of"]


@dataclass(frozen=True)
class Member:
    """One painting of a series; a request for one picture has one."""

    number: int
    """From 1."""
    count: int
    """Of the paintings in the series."""
    settings: Settings
    """Its own, which say nothing of a series."""
    kind: str = "variations"
    """The setting that asks for the series."""
    label: str = ""
    """What tells it from the others, in a few words."""

    @property
    def name(self) -> str:
        """Of its files, beside those of the first, whose name is empty: `variation2`."""
        return f"{_NOUNS[self.kind]}{self.number}" if self.number > 1 else ""

    @property
    def sheet(self) -> str:
        """Name of the file that shows the whole series."""
        return f"{_SHEETS[self.kind]}.jpg"

    def document(self) -> dict[str, int]:
        """`series` in its record; empty for one by itself."""
        return {self.kind: self.count, "number": self.number} if self.count > 1 else {}


_NOUNS = {"variations": "variation", "interpolate": "interpolation"}
_SHEETS = {"variations": "variations", "interpolate": "interpolation"}


def count_of(settings: Settings) -> int:
    """How many paintings are asked for."""
    return settings.interpolate or settings.variations


def members_of(settings: Settings, styles: int) -> list[Member]:
    """
    Args:
        styles: how many there are.

    Raises:
        SettingsError: an interpolation of what there are not two of.
    """
    alone = settings.model_copy(
        update={"variations": 1, "interpolate": None, "interpolate_strength": None}
    )
    count = count_of(settings)
    if settings.interpolate is None:
        return [
            Member(number, count, varied(alone, number), label=f"variation {number}")
            for number in range(1, count + 1)
        ]
    if settings.interpolate_strength is None:
        _check_styles(settings, styles)
    return [
        Member(
            number,
            count,
            alone.model_copy(update=dict([between])),
            kind="interpolate",
            label=_label(*between),
        )
        for number, between in enumerate(_between(settings, count), start=1)
    ]


def _between(settings: Settings, count: int) -> Iterator[tuple[str, float | list[float]]]:
    """The setting that changes from painting to painting, and its values."""
    for number in range(count):
        share = number / (count - 1)
        if settings.interpolate_strength is not None:
            first, last = settings.interpolate_strength
            yield "strength", round(first + share * (last - first), 6)
        else:
            yield "style_blend", [round(1 - share, 6), round(share, 6)]


def _label(key: str, value: float | list[float]) -> str:
    if isinstance(value, list):
        return " : ".join(f"{share:.0%}" for share in value)
    return f"{key} {value:g}"


def _check_styles(settings: Settings, styles: int) -> None:
    expected = "two styles to go from one to the other, or `interpolate_strength`"
    if styles != 2:
        raise SettingsError([Problem(("interpolate",), f"{styles} style pictures", expected)])
    if settings.regions and not settings.style_regions:
        raise SettingsError([Problem(("interpolate",), "a region for each style", expected)])
