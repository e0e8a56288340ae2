"""A layer is read as it is, and painted in its place, however it is locked, masked and grouped."""

import itertools
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from session import Gimp

PLAIN: dict[str, list[Any]] = {
    "lock": ["none", "position", "content", "alpha"],
    "mask": ["none", "applied", "disabled", "shown"],
    "group": ["none", "open", "locked"],
    "offset": [(0, 0), (13, -9)],
    "selection": [False, True],
    "floating": ["none", "beside", "itself"],
}

COLOURS: dict[str, list[Any]] = {
    "precision": ["U8_NON_LINEAR", "U8_LINEAR", "U16_NON_LINEAR", "HALF_LINEAR", "FLOAT_LINEAR"],
    "profile": ["", "adobe", "srgb_linear"],
}


@pytest.fixture(scope="module")
def reader(gimp: Gimp) -> Gimp:
    """GIMP with `reading.py` in it."""
    shutil.copy(Path(__file__).with_name("reading.py"), gimp.share)
    gimp.run("exec(compile(open('/share/reading.py').read(), 'reading.py', 'exec'))")
    return gimp


def pairs(dimensions: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """Situations in which each value of a dimension meets each value of every other one."""
    chance = random.Random(1)
    names = list(dimensions)
    unmet = {
        (a, x, b, y)
        for a, b in itertools.combinations(names, 2)
        for x in dimensions[a]
        for y in dimensions[b]
    }
    while unmet:
        drawn = [{name: chance.choice(dimensions[name]) for name in names} for _ in range(50)]
        best = max(drawn, key=lambda each: len(_met(each) & unmet))
        if _met(best) & unmet:
            unmet -= _met(best)
            yield best


def _met(situation: dict[str, Any]) -> set[tuple[Any, ...]]:
    pairs = itertools.combinations(situation.items(), 2)
    return {(a, x, b, y) for (a, x), (b, y) in pairs}


def test_what_is_sent_are_the_layers_own_pixels_in_every_situation(reader: Gimp) -> None:
    """576 situations of 8 bits, and every precision with every profile, mask and selection."""
    count, wrong = reader.run(
        f"""
        situations = product(**{PLAIN}, visible=[True], precision=["U8_NON_LINEAR"],
            profile=[""])
        situations += product(
            lock=["none"], mask=["none", "applied", "shown"], group=["none"], offset=[(13, -9)],
            selection=[False, True], floating=["none"], visible=[True], **{COLOURS})
        answer = len(situations), failures(copied_wrongly, situations)
        """,
        patience=300,
    )
    assert count == 576 + 90
    assert not wrong, f"{len(wrong)} of {count}: {wrong[:5]}"


def test_a_server_that_returns_its_input_changes_no_pixel(reader: Gimp) -> None:
    """Each value of each dimension with each of every other."""
    situations = list(pairs({**PLAIN, "visible": [True, False], **COLOURS}))
    wrong = reader.run(f"answer = failures(returned_wrongly, {situations})", patience=300)
    assert not wrong, f"{len(wrong)} of {len(situations)}: {wrong[:5]}"


def test_the_small_copy_for_a_preview_has_the_layers_colours(reader: Gimp) -> None:
    """In every precision, profile and kind of layer, with its transparency and its mask."""
    colour = pairs({**COLOURS, "mask": ["none", "applied"], "grey": [False]})
    # A profile of RGB is none of a grey image.
    grey = pairs({**COLOURS, "profile": [""], "mask": ["none", "applied"], "grey": [True]})
    situations = [*colour, *grey]
    wrong = reader.run(f"answer = failures(reduced_wrongly, {situations})", patience=300)
    assert not wrong, f"{len(wrong)} of {len(situations)}: {wrong[:5]}"
