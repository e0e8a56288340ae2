"""A few hundred of what `python -m benchmarks fuzz` throws ten thousand of."""

from benchmarks.reliability.fuzz import fuzz_pictures, fuzz_sidecars

SEED = 20261124


def test_no_sidecar_brings_a_traceback_a_loss_or_a_hang() -> None:
    fuzz_sidecars(150, SEED)


def test_no_damaged_picture_brings_anything_but_a_picture_or_a_refusal() -> None:
    fuzz_pictures(350, SEED)
