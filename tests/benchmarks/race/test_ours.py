"""Our side of a race: the command itself, with its pictures kept on the way."""

import subprocess
import sys
from pathlib import Path


def test_a_run_of_ours_paints_and_keeps_its_pictures(
    tmp_path: Path, photograph: Path, painting: Path
) -> None:
    kept, output = tmp_path / "kept", tmp_path / "out.png"
    kept.mkdir()
    command = [sys.executable, "-m", "benchmarks.race.ours", str(kept), "1"]
    command += [str(photograph), str(painting), "-o", str(output)]
    command += ["--size", "48", "--set", "steps=3", "--set", "coarse_steps=2"]
    root = Path(__file__).parents[3]
    assert subprocess.run(command, cwd=root, check=False, timeout=120).returncode == 0
    assert output.exists()
    assert len(list(kept.iterdir())) >= 3
