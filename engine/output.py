"""What a result is written as: format, depth, colours and metadata, by the settings and by what the
content's file was; and what the record says of it.

Asked before the first step, so that what cannot be written is refused before it is painted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.errors import Problem, SettingsError
from engine.images.metadata import Metadata, without_location
from engine.images.origin import Origin
from engine.images.picture import Encoding, Format, Picture
from engine.images.profiles import ProfileError, conversion
from engine.images.writing.encode import DEEP_FORMATS, METADATA_OF, check_side
from engine.settings import Settings

__all__ = ["Output", "output_of"]

INSTEAD: dict[str, Format] = {"heic": "png"}
"""What a content is given back as whose format is not written: nothing of it is lost."""

FILTERS: dict[str, Callable[[Metadata], Metadata]] = {
    "keep": lambda metadata: metadata,
    "no_location": without_location,
    "strip": lambda _: Metadata(),
}


@dataclass(frozen=True)
class Output:
    """How a result is written, and `output` in its record."""

    encoding: Encoding
    record: dict[str, Any]


def output_of(
    settings: Settings,
    content: Picture,
    size: tuple[int, int] | None = None,
    text: str | None = None,
) -> Output:
    """
    Args:
        size: width, height of the result; None: not known.
        text: settings to embed.

    Raises:
        SettingsError: a depth that the content's format does not have.
        PictureError: too large for the format.
    """
    origin = content.origin or Origin(format="png", bits=8, space="RGB")
    notes = []
    format: Format
    if settings.format != "content":
        format = settings.format
    else:
        format = INSTEAD.get(origin.format, origin.format)  # type: ignore[arg-type]
        if format != origin.format:
            notes.append(f"{origin.format.upper()} is not written: {format.upper()} instead")
    if size is not None:
        check_side(format, size)
    bits = settings.bits
    if bits == 16 and format not in DEEP_FORMATS:
        expected = f"8 or auto, since the result is written as {format}"
        raise SettingsError([Problem(("bits",), "16", expected)])
    if bits == "auto":
        bits = 16 if origin.bits > 8 and format in DEEP_FORMATS else 8
        if origin.bits > 8 and bits == 8:
            notes.append(f"the content has {origin.bits} bits a channel, {format.upper()} has 8")
    profile = None
    if settings.profile == "content":
        profile, why = _profile_of(origin)
        if why:
            notes.append(f"{why}: the result is in sRGB")
    if origin.doubt:
        notes.append(f"the content: {origin.doubt}")
    if origin.pages > 1:
        notes.append(f"the content is page {origin.page} of {origin.pages} of its file")
    metadata = FILTERS[settings.metadata](origin.metadata)
    kept = [kind for kind in metadata.kinds if kind in METADATA_OF[format]]
    lost = [kind for kind in metadata.kinds if kind not in METADATA_OF[format]]
    if lost:
        notes.append(f"{format.upper()} has no place for {', '.join(lost)}")
    if content.alpha is not None and format == "jpeg":
        notes.append("JPEG has no transparency: the result is laid on white")
    encoding = Encoding(
        format=format,
        bits=bits,
        quality=settings.jpeg_quality,
        chroma=settings.jpeg_chroma,
        profile=profile,
        metadata=metadata,
        text=text,
    )
    record = {
        "format": format,
        "bits": bits,
        "profile": "content" if profile else "srgb",
        "metadata": kept,
        **({"notes": notes} if notes else {}),
    }
    return Output(encoding, record)


def _profile_of(origin: Origin) -> tuple[bytes | None, str | None]:
    """The content's profile; None where it is sRGB's, or, with a reason, where it is of no use."""
    if origin.space == "LAB":
        return None, "the content is in L*a*b*"
    if origin.space != "RGB":
        return None, f"the content is {origin.space}"
    if origin.profile is None:
        return None, None
    try:
        conversion(None, origin.profile, "RGB")
    except ProfileError:
        return None, "the content's profile has no way back"
    return origin.profile, None
