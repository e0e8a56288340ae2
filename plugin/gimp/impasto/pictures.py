"""Pictures by what a choice calls them: a file, one of the style library, or one open in GIMP."""

import contextlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["OpenPicture", "is_text", "open_picture", "picture_title", "style_file"]

OPEN = "open:"
"""What the name of an open picture begins with."""

MOST = 2**31 - 1
"""Of GIMP's numbers."""


@dataclass(frozen=True)
class OpenPicture:
    """An image that is open in GIMP, or a layer of it."""

    session: int
    """GIMP's process."""
    image: int
    """The image's number, which it has in that session alone."""
    image_name: str
    """As GIMP calls it: `cat.png`."""
    tattoo: int = 0
    """The layer's number in the image, which it keeps; 0: the image as a whole."""
    layer: str = ""
    """The layer's name."""

    def __str__(self) -> str:
        """As a choice calls it; `open_picture` reads it."""
        return OPEN + json.dumps(asdict(self))

    @property
    def stem(self) -> str:
        """The image's name without its ending."""
        return Path(self.image_name).stem

    @property
    def title(self) -> str:
        """As a person calls it."""
        return self.layer if self.tattoo else self.stem


def open_picture(picture: str) -> OpenPicture | None:
    """The open picture that a choice is; None for a file, a name of the library, and what cannot be
    understood."""
    if not picture.startswith(OPEN):
        return None
    with contextlib.suppress(ValueError, TypeError, RecursionError):
        found = OpenPicture(**json.loads(picture.removeprefix(OPEN)))
        numbers, names = (found.session, found.image, found.tattoo), (found.image_name, found.layer)
        if all(type(number) is int and 0 <= number <= MOST for number in numbers) and all(
            isinstance(name, str) and is_text(name) for name in names
        ):
            return found
    return None


def style_file(picture: str) -> Path | None:
    """The file that a picture is; None for the name of one of the library, and for an open one. The
    `~` of a user that does not exist stays as it is."""
    path = Path(picture)
    with contextlib.suppress(RuntimeError):
        path = path.expanduser()
    return path if path.is_absolute() else None


def picture_title(picture: str) -> str:
    """A picture as a person calls it."""
    found = open_picture(picture)
    return Path(picture).stem if found is None else found.title


def is_text(text: str) -> bool:
    """Whether GTK can show it and a sidecar say it: the name of a file may be no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
