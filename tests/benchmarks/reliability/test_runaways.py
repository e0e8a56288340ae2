"""Both optimisers go through the same descents, and the table counts them."""

from pathlib import Path

from benchmarks.reliability import runaways


def test_each_set_of_layers_has_a_row_by_each_optimiser(results: Path) -> None:
    options = "--sizes 48 --seeds 1 --steps 3 --kinds style --only night"
    runaways.run(options.split())
    lines = (results / "runaways.md").read_text().splitlines()
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in lines
        if line.startswith(("| style", "| all"))
    ]
    assert [row[3:6] for row in rows if row[0] == "style"] == [
        [layers, optimiser, "1"]
        for optimiser in ("old", "new")
        for layers in (
            "conv1_1",
            *(f"conv1_1 to {last}" for last in ("conv1_2", "conv2_1", "conv2_2", "conv3_1")),
        )
    ]
    assert [row[4:6] for row in rows if row[0] == "all"] == [["old", "5"], ["new", "5"]]
