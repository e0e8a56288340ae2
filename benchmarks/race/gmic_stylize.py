"""G'MIC's `stylize`: patch-based style transfer, what a user of GIMP would take instead.

    python -m benchmarks.race.gmic_stylize CONTENT STYLE FOLDER SIZE

run by the interpreter of an environment that has `gmic`, writes FOLDER/delivered.png and, into
FOLDER/seconds.json, the seconds that the command took in a process that had loaded it.
"""

import json
import sys
import time
from pathlib import Path

REQUIREMENT = "gmic==3.6.3.post1"


def main(content: str, style: str, folder: str, size: str) -> None:
    import gmic
    from PIL import Image

    out = Path(folder)
    for name, file in (("content", content), ("style", style)):
        with Image.open(file) as picture:
            plain = picture.convert("RGB")
        plain.thumbnail((int(size), int(size)), Image.Resampling.BICUBIC)
        plain.save(out / f"{name}.png")
    gmic.run("1,1,1,3 rm")  # loads its commands
    began = time.perf_counter()
    command = f"{out}/content.png {out}/style.png stylize[0] [1] keep[0]"
    gmic.run(f"{command} cut 0,255 output {out}/delivered.png")
    (out / "seconds.json").write_text(json.dumps(time.perf_counter() - began))


if __name__ == "__main__":
    main(*sys.argv[1:])
