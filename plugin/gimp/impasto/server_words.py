"""What the server says of a job, in the language of the interface and for somebody at GIMP.

The server's texts are English, for people, and may change (docs/protocol.md). Nothing is decided by
them: one that is not known here is shown as it is.
"""

import re
from pathlib import PurePosixPath

from i18n import _

__all__ = ["NO_WORKER", "hindrance", "in_our_words", "pause_reason"]

NO_WORKER = _("the server's program that paints does not run")

_PICTURE = r"(?P<file>[^:\n]+): "
_DISK = r"the disk of \S+ is full"

_KNOWN = (
    (
        _PICTURE + r"the file is empty",
        _("{picture}: the file is empty. Choose another one."),
    ),
    (
        _PICTURE + r"the picture has (?P<width>\d+) x (?P<height>\d+) px; each side must have at "
        r"least (?P<least>\d+)",
        _(
            "{picture}: {width} x {height} pixels are too few; each side needs {least}. Choose a "
            "larger one."
        ),
    ),
    (
        _PICTURE + r"the picture has .* which is (?P<count>\S+) megapixels; at most (?P<most>\S+) ",
        _("{picture}: of its {count} megapixels the server reads {most} at most. Make it smaller."),
    ),
    (
        _PICTURE + r"there is no such file",
        _("{picture}: the server cannot find it any more. Choose another one."),
    ),
    (
        _PICTURE + r"(this is |this kind of |its colours are |its floating-point |cannot be opened|"
        r"the \S+ file is truncated)",
        _(
            "{picture}: the server cannot read it. Open it in GIMP, export it as PNG, and choose "
            "that."
        ),
    ),
    (
        r"(?:held: )?lacks a style picture \((?P<file>[^)]+)\)",
        _("{picture}: the server cannot find it any more. Choose another one."),
    ),
    (
        r"[^:\n]+\.mask(?P<number>\d+)\.png: covers (none|\d+ pixels?) of the content",
        _(
            "The server finds too little of region {number}: it needs 256 pixels that are not "
            "transparent. Make it larger, or remove it."
        ),
    ),
    (
        r"(?P<width>\d+) x (?P<height>\d+) px need .* of memory at least, .*\. (?P<side>\d+) px on "
        r"the longer side would fit",
        _(
            "The server has too little memory for {width} x {height} pixels; {side} on the longer "
            "side would fit. Choose that size."
        ),
    ),
    (
        r"\d+ x \d+ px need .* of memory at least|Not enough memory for ",
        _("The server has too little memory for this painting. Choose a smaller size."),
    ),
    (
        r"(Its worker|\d+ workers that worked on it) died",
        _(
            "The server's program that paints has ended while it painted, mostly for lack of "
            "memory. Choose a smaller size."
        ),
    ),
    (
        r"Stopped after (?P<minutes>\S+) minutes of running",
        _(
            "The server stopped the painting after {minutes} minutes, which is its limit. Choose a "
            "smaller size."
        ),
    ),
    (
        r"There are no weights |Cannot read weights |The weights `|The download of |"
        r".* does not hold the weights|.* is not the file that it should be|weights: ",
        _(
            "The server lacks the network that this preset paints with. Choose another preset, or "
            "ask whoever looks after the server."
        ),
    ),
    (
        r"(?P<seconds>\S+) s do not suffice for (?P<width>\d+) x (?P<height>\d+) px here, where "
        r"the shortest painting takes about (?P<least>\d+) s",
        _(
            "{seconds} s are too few for {width} x {height} pixels on this server: {least} are "
            "needed. Choose more time or a smaller size."
        ),
    ),
    (
        r"[^:]+: seconds: unknown key",
        _(
            "The server is older than this plug-in and knows no time. Let it take as long as it "
            "takes."
        ),
    ),
    (
        r"step \d+: the loss is no longer finite|after \d+ steps, .* nothing was painted",
        _("With these settings nothing was painted. Choose another strength or preset."),
    ),
    (
        rf"{_DISK}|.*No space left on device",
        _("The server's disk is full. It goes on by itself when there is room."),
    ),
    (
        r"held: somebody holds it",
        _("Somebody holds the painting back, so it is not made."),
    ),
)
"""Beginnings of what the server says, and what is said in their place."""


def in_our_words(said: str) -> str:
    """What the server says, one line, for a person at GIMP."""
    for pattern, ours in _KNOWN:
        match = re.match(pattern, said)
        if match is not None:
            found = match.groupdict()
            return ours.format(picture=_picture(found.pop("file", "")), **found)
    return _("The server says: {words}").format(words=said)


def pause_reason(said: str) -> str:
    """Why the server is paused: a person's own words, unless it is the server itself."""
    return _("its disk is full") if re.match(_DISK, said) else said


def hindrance(said: str) -> str:
    """Why a job that is in the queue does not come on, if that is what the server says of it."""
    if "there is no worker (" in said:
        return NO_WORKER
    paused = re.search(r"; the server is paused \((.*)\)$", said)
    if paused is not None:
        return _("the server is paused ({reason})").format(reason=pause_reason(paused[1]))
    return ""


def _picture(file: str) -> str:
    """Which picture it is: the artist does not know one that was sent by the name of its job."""
    path = PurePosixPath(file)
    *_rest, role = path.suffixes[:-1] or [""]
    if re.fullmatch(r"\.style\d*", role):
        return _("The style picture")
    if role == ".content":
        return _("The picture of the layer")
    return path.name
