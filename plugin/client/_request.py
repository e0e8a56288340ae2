"""A request, and the sidecar it becomes."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ._errors import RequestError
from .protocol import (
    CONTENT,
    INIT,
    LABELS,
    MASK,
    MAX_CLIENT_BYTES,
    PALETTE,
    PICTURE_SUFFIXES,
    STYLE,
    TICKET_KEY,
    picture_name,
    usable_name,
)

LONGEST_NAME = 200
"""Bytes of a job's name; the protocol allows a few more, for `-2` behind it."""


@dataclass(frozen=True)
class Request:
    """Everything about a painting to be made."""

    content: Path | None
    """None: a texture of the styles, which `settings` need not say."""
    styles: Sequence[Path | str]
    """A `Path` is a file to deliver; text is the name of a picture of the style library."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The sidecar's keys: plain values, as in docs/settings.md."""
    name: str | None = None
    """What to call the job; the content's file name if None, or the styles' of a texture. Made
    unused by `-2`, `-3`, ..."""
    init: Path | None = None
    """A picture to start from."""
    mask: Path | None = None
    """Where to paint: white is painted, black stays."""
    regions: Sequence[Path] = ()
    """Masks, one for each style, which is painted there alone; or, with `style_regions`, one label
    picture of the content."""
    style_regions: Sequence[Path] = ()
    """Label pictures, one for each style."""
    client: Mapping[str, Any] = field(default_factory=dict)
    """For the client's own use; comes back in `Status.client`."""
    heartbeat: bool = False
    """Whether the job is cancelled when its client falls silent: see `Client.send_heartbeat`."""
    palette: Path | str | None = None
    """A picture whose colours are used; text is the name of one of the style library."""


@dataclass(frozen=True)
class Ticket:
    """What `submit` hands out. Plain text, so that it can be kept and used by another process."""

    name: str
    """The name under which the job was dropped. The server may have had to choose another."""
    key: str
    """Marks the job, whatever its name."""
    heartbeat: bool = False
    """Whether the server expects to hear from the job's client."""


def check_request(request: Request) -> None:
    """Refuse what no server could fulfil.

    Raises:
        RequestError
    """
    if not request.styles:
        raise RequestError("A painting needs at least one style picture.")
    asked = bool(request.settings.get("texture") or request.settings.get("texture_size"))
    if request.content is not None and asked:
        raise RequestError("A texture has no content: leave the picture out, or `texture`.")
    if request.content is None and not request.settings.get("texture", True):
        raise RequestError("No picture to paint: a job without one is a `texture`.")
    for source, *_ in pictures_of(request):
        if not source.is_file():
            raise RequestError(f"{source}: no such file.")
        if source.suffix.lower() not in PICTURE_SUFFIXES:
            raise RequestError(
                f"{source}: not a picture that Impasto reads ({', '.join(PICTURE_SUFFIXES)})."
            )
    size = len(json.dumps({**request.client, TICKET_KEY: "0" * 16}).encode())
    if size > MAX_CLIENT_BYTES:
        raise RequestError(f"`client` is {size} bytes long; at most {MAX_CLIENT_BYTES} fit.")


def pictures_of(request: Request) -> Iterator[tuple[Path, str, int]]:
    """Each file to deliver, its role and slot; the content last. What completes a job is the last
    of them, since the sidecar names them all."""
    for index, style in enumerate(request.styles, start=1):
        if isinstance(style, Path):
            yield style, STYLE, index
    if request.init is not None:
        yield request.init, INIT, 1
    if isinstance(request.palette, Path):
        yield request.palette, PALETTE, 1
    if request.mask is not None:
        yield request.mask, MASK, 0
    yield from _regions_of(request)
    yield from _style_regions_of(request)
    if request.content is not None:
        yield request.content, CONTENT, 1


def _regions_of(request: Request) -> Iterator[tuple[Path, str, int]]:
    role, first = (LABELS, 0) if request.style_regions else (MASK, 1)
    for slot, path in enumerate(request.regions, start=first):
        yield path, role, slot


def _style_regions_of(request: Request) -> Iterator[tuple[Path, str, int]]:
    for slot, path in enumerate(request.style_regions, start=1):
        yield path, LABELS, slot


def job_name(request: Request) -> str:
    """A name that every file system and the server accept."""
    pictures = request.styles if request.content is None else [request.content]
    named = request.name or "+".join(Path(picture).stem for picture in pictures)
    return usable_name(named, longest=LONGEST_NAME)


def sidecar_text(request: Request, name: str, key: str) -> str:
    """The request as JSON, which is YAML too.

    Raises:
        RequestError: settings that are no plain values.
    """
    styles = []
    for index, style in enumerate(request.styles, start=1):
        if isinstance(style, Path):
            style = picture_name(name, STYLE, style.suffix, index)
        styles.append(style)

    document: dict[str, Any] = {
        "styles": styles,
        **request.settings,
        "client": {**request.client, TICKET_KEY: key},
    }
    if request.content is None:
        document["texture"] = True
    else:
        document["content"] = picture_name(name, CONTENT, request.content.suffix)
    if request.init is not None:
        document["init"] = "file"
        document["init_file"] = picture_name(name, INIT, request.init.suffix)
    if isinstance(request.palette, Path):
        document["palette"] = picture_name(name, PALETTE, request.palette.suffix)
    elif request.palette is not None:
        document["palette"] = request.palette
    if request.mask is not None:
        document["mask"] = picture_name(name, MASK, request.mask.suffix, 0)
    regions, style_regions = _regions_of(request), _style_regions_of(request)
    for key, files in (("regions", regions), ("style_regions", style_regions)):
        if names := [picture_name(name, role, path.suffix, slot) for path, role, slot in files]:
            document[key] = names
    if request.heartbeat:
        document["owner"] = {"heartbeat": True}
    try:
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise RequestError(f"The settings cannot be written down: {error}.") from None
    # YAML takes fewer characters unescaped than JSON, and does not join escaped surrogates.
    return re.sub(
        "[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]",
        lambda match: f"\\u{ord(match[0]):04x}",
        text,
    )
