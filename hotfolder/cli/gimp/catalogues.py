"""The plug-in's translations, from the text that people edit (.po) to what gettext reads (.mo)."""

import ast
import struct

__all__ = ["compile_catalogue", "read_catalogue"]

MAGIC = 0x950412DE
HEADER = "<7I"
"""Magic, version, count, offsets of the two tables, size and offset of a hash table, unused."""


def read_catalogue(text: str) -> dict[str, str]:
    """Translations by the texts that they are of, the header's under "". Of the .po format:
    `msgid`, `msgstr` and comments, each text in one or more quoted lines."""
    catalogue: dict[str, str] = {}
    key = ""
    parts: list[str] = []
    for line in [*text.splitlines(), "msgid"]:
        keyword, _, rest = line.partition(" ")
        if keyword == "msgid":
            if parts:
                catalogue[key] = "".join(parts)
            parts = []
        elif keyword == "msgstr":
            key, parts = "".join(parts), []
        if '"' in line and not line.startswith("#"):
            parts.append(ast.literal_eval(line if line.startswith('"') else rest))
    return catalogue


def compile_catalogue(text: str) -> bytes:
    """The .mo file of a .po file's text, without what is not translated yet (GNU gettext's manual,
    "The Format of GNU MO Files")."""
    catalogue = sorted(
        (key.encode(), value.encode()) for key, value in read_catalogue(text).items() if value
    )
    count, start = len(catalogue), struct.calcsize(HEADER)
    texts = [key for key, _ in catalogue] + [value for _, value in catalogue]
    at, table = start + 16 * count, b""
    for each in texts:
        table += struct.pack("<2I", len(each), at)
        at += len(each) + 1
    header = struct.pack(HEADER, MAGIC, 0, count, start, start + 8 * count, 0, at)
    return header + table + b"".join(each + b"\0" for each in texts)
