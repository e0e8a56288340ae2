"""Names, texts and times that a stranger may give to files: ordinary, odd and hostile ones."""

from hypothesis import strategies as st

from benchmarks.reliability.fuzz import HOSTILE
from plugin.client.protocol import ControlFile

__all__ = [
    "BATCHES",
    "CONFIGURATIONS",
    "FOLDERS",
    "NAMES",
    "ORDINARY",
    "PRESETS",
    "SIDECARS",
    "SUFFIXES",
    "TIMES",
    "VALID",
    "paths",
]

ORDINARY = ("cat", "dog")
ODD = (
    "Cat",
    "preset",
    "server",
    "e\u0301te\u0301",
    "\u00e9t\u00e9",
    "a\nb",
    "\x1b[2J\x1b[31m",
    "] [forged",
    "\u202ecat",
    "\udcff",
    "n" * 230,
    "n" * 240,
    "\u96e8" * 60,
    "x.batch",
    "cat.style",
    "CON",
    "nul.txt",
    "a:b",
    "dot.",
    " ",
    "-rf",
    "~",
    "cat-2",
    "\U0001f3a8",
)
NAMES = (*ORDINARY * 15, *ODD)
"""Of jobs; the ordinary ones so often that things meet."""

FOLDERS = (
    *("",) * 6,
    *("album",) * 4,
    *(
        "oil",
        "\u96e8" * 40,
        "a\nb",
        "album/deeper",
        "album/deeper",
        "album/deeper/still",
        "n" * 250,
    ),
)
"""Of the inbox, and the inbox itself."""

SUFFIXES = (
    ".content.jpg",
    ".style.png",
    ".jpg",
    ".yaml",
    ".batch.yaml",
    ".content.png",
    ".style2.png",
    ".style999.jpg",
    ".init.png",
    ".yml",
    ".txt",
    ".jpg.part",
    ".CONTENT.JPG",
    ".jpg.yaml",
    ".jfif",
    ".HEIC",
    ".yaml.txt",
    ".content (1).jpg",
    ".jpg.xmp",
    "",
    *(control.suffix for control in ControlFile),
)

paths = st.builds(
    lambda folder, name, suffix: f"{folder}/{name}{suffix}".lstrip("/"),
    st.sampled_from(FOLDERS),
    st.sampled_from(NAMES),
    st.sampled_from(SUFFIXES),
)
"""Below the inbox."""

_MANY_KEYS = b"".join(b"key%04d: [a, b]\n" % number for number in range(3500))
_MANY_STYLES = b"styles:\n" + b"- wave.jpg\n" * 5000
_WIDE = b"client: {%s}\n" % b", ".join(b"k%d: 1" % number for number in range(300))
_DEEP = b"client: %s%s\n" % (b"{a: " * 11, b"}" * 11)

VALID = (
    b"",
    b"size: 64\n",
    b"content: cat.jpg\nstyles: [wave.jpg]\n",
    b"content: cat.jpg\nstyles: [styles/night.jpg, wave.jpg]\n",
    b"content: cat.content.jpg\nstyles: [dog.jpg]\n",
    b"content: dog.jpg\nstyles: [cat.jpg, wave.jpg]\npriority: 9\n",
    b"styles: styles/wave.jpg\nmax_minutes: 1\n",
    b"progression: 3\n",
    b"name: '{content}-{style}'\n",
    b"content: dog.jpg\nstyles: wave.jpg\n",
)
SIDECARS = (
    *VALID,
    b"services: {web: {image: nginx}}\n",
    b"TakenAt: 2024-05-01\nUID: p0\n",
    b"content: cat.jpg\nstyles:\n\t- dog.jpg\n",
    b"content: \xe2\x80\x9cdog.jpg\xe2\x80\x9d\nstyles: [wave]\n",
    b"styles: wave.jpg, night.jpg\n",
    b"styles: styles/link.jpg\n",
    b"init: file\n",
    b"content: dog.jpg\ninit_file: cat.jpg\nstyles: wave.jpg\n",
    b"owner: {heartbeat: true}\n",
    b"owner: {pid: 1}\nclient: {ticket: a}\n",
    b"siez: 64\n",
    b"client: {a: 1e999, b: .nan, c: 123456789012345678901234567890}\n",
    b"weights: /etc/hostname\n",
    b'content: "a\\nb.jpg"\nstyles: ["\\e[2J.jpg"]\n',
    b'content: "\\uDCFF.jpg"\nstyles: wave.jpg\n',
    b'content: "cat\\0.jpg"\nstyles: wave.jpg\n',
    b"content: %s.jpg\nstyles: styles/%s/%s.jpg\n" % (b"n" * 400, b"n" * 300, b"n" * 6000),
    b"styles: [%s]\n" % b", ".join(b"styles/%04d.jpg" % number for number in range(64)),
    _MANY_KEYS,
    _MANY_STYLES,
    _WIDE,
    _DEEP,
    *HOSTILE,
)

PRESETS = (
    b"styles: [wave.jpg]\n",
    b"styles: [styles/night.jpg]\nsize: 64\n",
    b"styles: [dog.jpg]\n",
    b"styles: [dog.jpg]\nrecursive: true\nname: '{content}-{size}'\n",
    b"styles: [wave.jpg]\nrecursive: true\n",
    b"styles: [wave.jpg]\nrecursive: 7\n",
    b"styles: [gone.jpg]\n",
    b"content: cat.jpg\nstyles: [wave.jpg]\n",
    b"owner: {heartbeat: true}\nstyles: [wave.jpg]\n",
    *SIDECARS[18:],
)

BATCHES = (
    b"contents: '*.jpg'\nstyles: wave.jpg\n",
    b"contents: ['cat.jpg', 'dog.jpg']\nstyles: [wave.jpg, [night.jpg, wave.jpg]]\n",
    b"contents: 'album/*.jpg'\nstyles: '*.jpg'\nsettings: [{size: 64}, {size: 128}]\n",
    b"contents: '**/*.jpg'\nstyles: styles/wave.jpg\npriority: 7\nclient: {ticket: b}\n",
    b"contents: album\nstyles: wave.jpg\n",
    b"contents: album/\nstyles: [wave]\nrecursive: true\n",
    b"contents: 'album/*'\nstyles: wave.jpg\nrecursive: true\nname: painting\n",
    b"contents: cat.jpg\nstyles: gone.jpg\n",
    b"contents: gone.jpg\nstyles: wave.jpg\n",
    b"contents: cat.jpg\nstyles: styles/link.jpg\n",
    b"contents: ''\nstyles: wave.jpg\n",
    b"contents: '../*.jpg'\nstyles: /etc/passwd.jpg\n",
    b"contents: ['%s*.jpg']\nstyles: wave.jpg\n" % (b"**/" * 2000),
    b"contents: ['%s*.jpg']\nstyles: wave.jpg\n" % (b"**/x/" * 30),
    b"contents: ['%s.jpg']\nstyles: wave.jpg\n" % (b"*a" * 40),
    b"contents: ['[!a-', '[', '*[.jpg']\nstyles: wave.jpg\n",
    b"contents: ['*.jpg']\nstyles: [wave.jpg]\nsettings: {weights: /etc/hostname}\n",
    b"contents: ['*.jpg']\nstyles: [wave.jpg]\nsettings: [%s]\n"
    % b", ".join(b"{size: %d}" % (64 + number) for number in range(20)),
    b"contents: ['*.jpg']\nstyles: [wave.jpg]\nclient: {a: 1e999, b: '%s'}\n" % (b"x" * 60_000),
    b"contents: ['*.jpg']\nstyles: [wave.jpg]\nclient: [1]\n",
    b'contents: [\'\\0.jpg\', "\\0.jpg", "\\uDCFF.jpg"]\nstyles: "\\0.jpg"\n',
    b"contents: [%s]\nstyles: wave.jpg\n" % b", ".join(b"%d.jpg" % n for n in range(5000)),
    b"contents: {a: 1}\nstyles: 7\n",
    b"contents: [[cat.jpg]]\nstyles: [[[wave.jpg]]]\n",
    *HOSTILE,
)

YEAR = 31_556_952
TIMES = (
    0,
    1,
    -1,
    -YEAR * 369,
    -YEAR * 1900,
    -(2**62) // 1_000_000_000,
    1_000_000_000,
    YEAR * 80,
    YEAR * 8030,
    YEAR * 12_000,
    2**31,
    2**32,
    2**33,
    2**62 // 1_000_000_000,
)
"""Of files, in seconds since 1970: to the years 1601, -47 and 10000, and to the ends of what can be
stored."""

CONFIGURATIONS = (
    "",
    "originals: delete\n",
    "originals: keep\n",
    "overwrite: true\n",
    "overwrite: true\noriginals: delete\n",
    "retention: {done_days: 0.5, failed_days: 0.5, status_days: 0.5}\n",
    "retention: {done_count: 1, failed_count: 0, status_count: 2}\n",
    "claim_limit: 1\nwait_seconds: 5\nsettle_seconds: 0\n",
    "max_minutes: 0.5\nretry: {lost: 0}\n",
    "retry: {lost: 5, backoff: 100}\nwait_seconds: 0\n",
    "settings: {size: 64}\n",
    "nonsense: [\n",
    "settle_seconds: -1\n",
    "hot_folder: ~nosuchuser\n",
    '"\\0": 1\n',
)
"""Of `config.yaml`; the last ones cannot be in force."""
