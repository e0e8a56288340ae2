"""When two works are the same."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.settings import resolve
from hotfolder.batches.expansion import Item
from hotfolder.batches.finished_work import FinishedWork, work_key


@pytest.fixture
def cat(tmp_path: Path) -> Path:
    (tmp_path / "cat.jpg").write_bytes(b"cat")
    return tmp_path / "cat.jpg"


@pytest.fixture
def dog(tmp_path: Path) -> Path:
    (tmp_path / "dog.jpg").write_bytes(b"dog")
    return tmp_path / "dog.jpg"


def test_the_same_work_has_the_same_key(tmp_path: Path, cat: Path, dog: Path) -> None:
    work = FinishedWork(tmp_path, "1")
    settings = resolve()
    item = Item("cat-dog", cat, (dog,), "1", settings)
    key = work.key_of(item)
    renamed = tmp_path / "renamed.jpg"
    renamed.write_bytes(cat.read_bytes())
    assert key == work.key_of(replace(item, name="another", content=renamed, variant="2"))
    others = {
        work.key_of(replace(item, content=dog)),
        work.key_of(replace(item, styles=(cat,))),
        work.key_of(replace(item, settings=resolve({"seed": 1}))),
        FinishedWork(tmp_path, "2").key_of(item),
    }
    assert len(others | {key}) == 5


def test_the_order_of_settings_does_not_matter() -> None:
    settings = resolve().model_dump()
    backwards = dict(reversed(settings.items()))
    assert work_key("a", ["b"], settings, "1") == work_key("a", ["b"], backwards, "1")
