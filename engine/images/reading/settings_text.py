"""The settings that a result carries, as `writing` puts them in."""

from pathlib import Path
from typing import IO

from engine.images.metadata import described_settings, is_ours, settings_in
from engine.images.reading.decode import identified
from engine.images.reading.files import damaged, format_of
from engine.images.reading.tiff import directory_of
from engine.images.writing.encode import TEXT_KEY

__all__ = ["settings_text"]


def settings_text(file: IO[bytes], path: Path) -> str | None:
    """None if there are none.

    Raises:
        PictureError: not a picture.
    """
    format = format_of(file, path)
    if format == "heic":
        return None
    if format == "tiff":
        from tifffile import TiffFile

        file.seek(0)
        try:
            with TiffFile(file) as tiff:
                return described_settings(directory_of(tiff.pages.first, file))
        except Exception as error:  # A damaged file makes tifffile raise almost anything.
            raise damaged(path, format, error) from None
    image = identified(file, path, format)
    if TEXT_KEY in image.info:
        return str(image.info[TEXT_KEY])
    if found := settings_in(image.info.get("xmp") or b""):
        return found
    # Other programs write comments too.
    comment = image.info.get("comment")
    if not comment or not is_ours(image.getexif()):
        return None
    return str(comment.decode("utf-8", errors="replace"))
