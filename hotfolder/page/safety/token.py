"""The token that lets a browser in where more than this machine can reach the page.

Made at the first start and shown once, as a link. Only its SHA-256 is kept, in the user's own
folder for states: whoever may write into the hot folder can neither read nor replace it.
"""

import hashlib
import hmac
import secrets
from pathlib import Path

from platformdirs import user_state_path

from hotfolder.atomic_files import write_whole
from hotfolder.folder_access import open_regular
from hotfolder.paths import without_links

__all__ = ["Token", "token_file"]

TOKEN_BYTES = 32
DIGEST_LENGTH = 64
"""Of SHA-256, as text."""


def token_file(root: Path) -> Path:
    """Where the token's hash of the page of the hot folder `root` lies."""
    key = hashlib.sha256(str(root).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return without_links(user_state_path("impasto", appauthor=False)) / "page" / f"{key}.token"


class Token:
    """The token whose hash is in a file. It is read each time, so that a new one counts at once."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @classmethod
    def new(cls, file: Path) -> str:
        """Make one, and keep its hash in `file`; whatever was there is void.

        Raises:
            OSError: it cannot be kept.
        """
        secret = secrets.token_urlsafe(TOKEN_BYTES)
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(file, f"{_digest(secret)}\n".encode())
        file.chmod(0o600)
        return secret

    def is_there(self) -> bool:
        return bool(self._kept())

    def fits(self, secret: str) -> bool:
        """Whether this is the token; takes as long either way."""
        kept = self._kept()
        return hmac.compare_digest(_digest(secret).encode(), kept.encode()) and bool(kept)

    def _kept(self) -> str:
        try:
            with open_regular(self._file) as stream:
                digest = stream.read(200).decode(errors="replace").strip()
        except OSError:
            return ""
        return digest if len(digest) == DIGEST_LENGTH else ""


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
