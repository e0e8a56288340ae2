import errno
import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from support import FakeClock

from hotfolder.errors import InputError, SidecarError
from hotfolder.file_names import FileRole
from hotfolder.inbox import model
from hotfolder.inbox.candidate import JobCandidate, Snapshot
from hotfolder.inbox.folder_scanner import FolderScanner, ScanOptions
from hotfolder.inbox.model import Decision
from hotfolder.inbox.scanner import InboxScanner
from hotfolder.inbox.sidecar import Sidecar
from hotfolder.paths import FolderPaths
from plugin.client.protocol import ControlFile


class Table:
    """An inbox to put files into and look at."""

    def __init__(self, folder: FolderPaths, clock: FakeClock) -> None:
        self.folder = folder
        self.clock = clock
        self.options = ScanOptions({}, settle_seconds=1.0, wait_seconds=60.0)
        self.inbox = InboxScanner(folder, lambda: self.options, clock=clock)

    def put(self, *names: str, **texts: str) -> None:
        for name in names:
            (self.folder.inbox / name).write_bytes(b"x")
        for name, text in texts.items():
            (self.folder.inbox / f"{name}.yaml").write_text(text)

    def look(self) -> Snapshot:
        """A look at files that have been quiet."""
        self.inbox.scan()
        self.clock.advance(1.5)
        return self.inbox.scan()

    def only_drop(self) -> JobCandidate:
        candidates = self.look().candidates
        assert len(candidates) == 1
        return candidates[0]


@pytest.fixture
def table(folder: FolderPaths, clock: FakeClock) -> Table:
    return Table(folder, clock)


def paths(drop: JobCandidate, role: FileRole) -> list[str]:
    return [part.path.name for part in drop.of(role)]


def test_a_pair_is_a_job(table: Table) -> None:
    table.put("a.content.jpg", "a.style.png")
    drop = table.only_drop()
    assert drop.decision is Decision.CLAIM
    assert (drop.name, paths(drop, FileRole.CONTENT)) == ("a", ["a.content.jpg"])
    assert paths(drop, FileRole.STYLE) == ["a.style.png"]


def test_more_styles_keep_their_order(table: Table) -> None:
    table.put("a.content.jpg", "a.style10.png", "a.style2.jpg", "a.style.png")
    table.put(*(f"a.style{n}.png" for n in range(3, 10)))
    names = paths(table.only_drop(), FileRole.STYLE)
    assert names[:3] == ["a.style.png", "a.style2.jpg", "a.style3.png"]
    assert names[-1] == "a.style10.png"


def test_a_second_style_alone_waits_for_the_first(table: Table) -> None:
    table.put("a.content.jpg", "a.style2.png")
    drop = table.only_drop()
    assert (drop.decision, drop.message) == (Decision.WAIT, "lacks a style picture (a.style.jpg)")


def test_a_picture_to_start_from_belongs_to_the_pair(table: Table) -> None:
    table.put("a.content.jpg", "a.style.png", "a.init.png")
    settings = table.only_drop().settings
    assert settings is not None
    assert (settings.init, settings.init_file) == ("file", "a.init.png")


def test_init_file_without_a_picture_waits_for_it(table: Table) -> None:
    table.put("a.content.jpg", "a.style.png", a="init: file")
    assert table.only_drop().message == "lacks a picture to start from (a.init.png)"


def test_half_a_pair_waits_and_is_then_held_for_ever(table: Table) -> None:
    table.put("a.content.jpg")
    assert table.only_drop().decision is Decision.WAIT
    for seconds in (60, 1e6):
        table.clock.advance(seconds)
        drop = table.only_drop()
        assert drop.decision is Decision.HOLD
        assert drop.message == "lacks a style picture (a.style.jpg)"
    table.put("a.style.jpg")
    assert table.only_drop().decision is Decision.CLAIM


def test_a_released_drop_waits_anew(table: Table) -> None:
    table.put("a.content.jpg")
    table.look()
    table.clock.advance(60)
    assert table.only_drop().decision is Decision.HOLD
    table.inbox.release("a")
    assert table.only_drop().decision is Decision.WAIT


def test_a_growing_file_holds_its_job_back(table: Table) -> None:
    table.put("a.content.jpg", "a.style.png")
    table.look()
    table.put("a.content.jpg")
    (table.folder.inbox / "a.content.jpg").write_bytes(b"more")
    snapshot = table.inbox.scan()
    assert (snapshot.candidates[0].decision, snapshot.candidates[0].message) == (
        Decision.WAIT,
        "arriving",
    )
    assert snapshot.settling == pytest.approx(1.0)


def test_a_rename_into_the_folder_is_one_delivery(table: Table) -> None:
    table.put("a.style.png", ".a.content.jpg", "b.jpg.part")
    assert table.only_drop().decision is Decision.WAIT
    (table.folder.inbox / ".a.content.jpg").rename(table.folder.inbox / "a.content.jpg")
    assert table.only_drop().decision is Decision.CLAIM


def test_a_hard_link_is_a_delivery(table: Table, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.jpg").write_bytes(b"x")
    os.link(tmp_path / "elsewhere.jpg", table.folder.inbox / "a.content.jpg")
    table.put("a.style.png")
    assert table.only_drop().decision is Decision.CLAIM


def test_a_sidecar_may_name_its_pictures(table: Table) -> None:
    table.put("cat.jpg", p="content: cat.jpg\nstyles: [wave.jpg, styles/deep/sea.png]")
    (table.folder.styles / "wave.jpg").write_bytes(b"x")
    (table.folder.styles / "deep").mkdir()
    (table.folder.styles / "deep" / "sea.png").write_bytes(b"x")
    snapshot = table.look()
    (drop,) = snapshot.candidates
    assert drop.decision is Decision.CLAIM
    assert [(part.path.name, part.shared) for part in drop.inputs] == [
        ("cat.jpg", False),
        ("wave.jpg", True),
        ("sea.png", True),
        ("p.yaml", False),
    ]
    assert snapshot.unrecognised == ()


def test_a_picture_beside_the_sidecar_comes_before_the_librarys(table: Table) -> None:
    (table.folder.styles / "w.jpg").write_bytes(b"x")
    table.put("c.jpg", "w.jpg", p="content: c.jpg\nstyles: w.jpg")
    assert table.only_drop().of(FileRole.STYLE)[0].path == table.folder.inbox / "w.jpg"


def test_a_pairs_content_may_take_its_style_from_the_library(table: Table) -> None:
    (table.folder.styles / "w.jpg").write_bytes(b"x")
    table.put("a.content.jpg", a="styles: w.jpg")
    assert table.only_drop().decision is Decision.CLAIM


def test_a_picture_that_two_sidecars_name_is_shared(table: Table) -> None:
    table.put(
        "c.jpg", "s.jpg", a="content: c.jpg\nstyles: s.jpg", b="content: c.jpg\nstyles: s.jpg"
    )
    for drop in table.look().candidates:
        assert {part.path.name: part.shared for part in drop.inputs} == {
            "c.jpg": True,
            "s.jpg": True,
            f"{drop.name}.yaml": False,
        }


def test_a_missing_named_picture_is_waited_for_and_then_held_by_line(table: Table) -> None:
    (table.folder.styles / "wave.jpg").write_bytes(b"x")
    table.put("c.jpg", p="content: c.jpg\nstyles: [wavee.jpg]")
    drop = table.only_drop()
    assert (drop.decision, drop.message) == (
        Decision.WAIT,
        "lacks wavee.jpg, which p.yaml names as styles",
    )
    table.clock.advance(60)
    drop = table.only_drop()
    assert drop.decision is Decision.HOLD
    assert drop.message == (
        "p.yaml, line 2: styles.0: 'wavee.jpg'; expected a picture beside it or in styles/, which "
        "is in neither. Did you mean 'wave.jpg'?"
    )


def test_a_style_missing_from_the_library_is_refused_at_once(table: Table) -> None:
    table.put("c.jpg", p="content: c.jpg\nstyles: styles/nowhere.jpg")
    drop = table.only_drop()
    assert drop.decision is Decision.REFUSE
    assert "p.yaml, line 2: styles.0: 'styles/nowhere.jpg'" in str(drop.error)


def test_a_link_out_of_the_library_is_refused(table: Table, tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"x")
    (table.folder.styles / "w.jpg").symlink_to(tmp_path / "secret.jpg")
    (table.folder.styles / "out").symlink_to(tmp_path)
    table.put(
        "c.jpg", p="content: c.jpg\nstyles: w.jpg", q="content: c.jpg\nstyles: out/secret.jpg"
    )
    for drop in table.look().candidates:
        assert drop.decision is Decision.REFUSE
        assert "not a link that leads elsewhere" in str(drop.error)
        assert tmp_path / "secret.jpg" not in {part.path for part in drop.inputs}


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_what_is_no_plain_file_is_refused(table: Table, tmp_path: Path, kind: str) -> None:
    path = table.folder.inbox / "a.content.jpg"
    if kind == "link":
        path.symlink_to("/etc/passwd")
    else:
        os.mkfifo(path)
    table.put("a.style.png")
    drop = table.only_drop()
    assert drop.decision is Decision.REFUSE
    assert isinstance(drop.error, InputError)


def test_folders_are_not_looked_into(table: Table) -> None:
    (table.folder.inbox / "a.content.jpg").mkdir()
    assert table.look() == Snapshot()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("a.content.jpg", "a.content.png", id="two_formats"),
        pytest.param("a.content.jpg", "a.content.JPG", id="two_cases"),
        pytest.param("a.style.jpg", "a.style1.jpg", id="two_spellings"),
        pytest.param("a.yaml", "a.yml", id="two_sidecars"),
    ],
)
def test_two_files_for_one_part_wait_and_are_listed(table: Table, first: str, second: str) -> None:
    table.put("a.content.jpg", "a.style.jpg", first, second)
    for name in (first, second):
        if name.endswith("ml"):
            (table.folder.inbox / name).write_text("size: 64")
    drop = table.only_drop()
    assert drop.decision is Decision.WAIT
    assert first in drop.message
    assert second in drop.message
    table.clock.advance(60)
    assert table.only_drop().decision is Decision.HOLD
    (table.folder.inbox / second).unlink()
    assert table.only_drop().decision is Decision.CLAIM


def test_one_name_in_two_normal_forms_is_ambiguous(table: Table) -> None:
    for form in ("NFC", "NFD"):
        table.put(unicodedata.normalize(form, "é.content.jpg"))  # type: ignore[arg-type]
    table.put("é.style.jpg")
    assert "several files for content" in table.only_drop().message


def test_a_role_that_the_sidecar_gives_to_another_file_is_ambiguous(table: Table) -> None:
    table.put("a.content.jpg", "other.jpg", "a.style.jpg", a="content: other.jpg")
    assert "several files for content" in table.only_drop().message


def test_what_belongs_to_no_job_is_a_stray(table: Table) -> None:
    table.put("holiday.jpg", "notes.txt", "a\nb.content.jpg")
    snapshot = table.look()
    assert snapshot.candidates == ()
    assert sorted(snapshot.unrecognised) == ["a\\nb.content.jpg", "holiday.jpg", "notes.txt"]


def test_a_bad_sidecar_of_a_complete_pair_is_refused(table: Table) -> None:
    table.put("a.content.jpg", "a.style.jpg", a="siez: 3")
    drop = table.only_drop()
    assert drop.decision is Decision.REFUSE
    assert isinstance(drop.error, SidecarError)
    assert len(drop.inputs) == 3


def test_a_bad_sidecar_before_its_pair_does_not_leave_the_pair_to_run_without_it(
    table: Table,
) -> None:
    table.put("a.content.jpg", a="siez: 3")
    drop = table.only_drop()
    assert drop.decision is Decision.WAIT
    assert "siez" in drop.message
    table.put("a.style.jpg")
    assert table.only_drop().decision is Decision.REFUSE


def test_a_mended_sidecar_is_read_again(table: Table) -> None:
    table.put("a.content.jpg", a="siez: 3")
    table.look()
    table.put("a.style.jpg", a="size: 64")
    drop = table.only_drop()
    assert drop.settings is not None
    assert (drop.decision, drop.settings.size) == (Decision.CLAIM, 64)


def test_a_path_that_leaves_the_folder_is_refused_at_once(table: Table) -> None:
    table.put(p="content: ../../etc/passwd.jpg\nstyles: w.jpg")
    drop = table.only_drop()
    assert drop.decision is Decision.REFUSE
    assert str(drop.error).startswith("p.yaml, line 1: content: '../../etc/passwd.jpg'")


def test_a_complete_drop_is_looked_at_again_when_what_it_is_made_of_changes(table: Table) -> None:
    (table.folder.styles / "w.jpg").write_bytes(b"x")
    table.put("c.jpg", p="content: c.jpg\nstyles: w.jpg")
    first = table.only_drop()
    assert table.only_drop() is first
    (table.folder.inbox / "p.yaml").write_text("content: c.jpg\nstyles: w.jpg\nsize: 64")
    second = table.only_drop()
    assert second.settings is not None
    assert (second.decision, second.settings.size) == (Decision.CLAIM, 64)
    table.put(q="content: c.jpg\nstyles: w.jpg")
    assert [d.of(FileRole.CONTENT)[0].shared for d in table.look().candidates] == [True, True]
    (table.folder.inbox / "q.yaml").unlink()
    assert not table.only_drop().of(FileRole.CONTENT)[0].shared
    table.options = ScanOptions({"steps": 7}, settle_seconds=1.0, wait_seconds=60.0)
    third = table.only_drop()
    assert third.settings is not None
    assert third.settings.steps == 7
    (table.folder.styles / "w.jpg").unlink()
    assert table.only_drop().decision is Decision.WAIT


def test_a_cancel_file_names_its_job(table: Table) -> None:
    table.put("a.cancel")
    assert list(table.look().control_files[ControlFile.CANCEL]) == ["a"]


def test_an_unforeseen_error_in_one_drop_leaves_the_others(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = FolderScanner._settings

    def trap(self: FolderScanner, *arguments: Any) -> Any:
        if trap.armed:  # type: ignore[attr-defined]
            trap.armed = False  # type: ignore[attr-defined]
            raise RuntimeError("a bug")
        return real(self, *arguments)

    table.put("a.content.jpg", "a.style.jpg", "b.content.jpg", "b.style.jpg")
    table.inbox.scan()
    table.clock.advance(1.5)
    trap.armed = True  # type: ignore[attr-defined]
    monkeypatch.setattr(FolderScanner, "_settings", trap)
    verdicts = {drop.name: drop.decision for drop in table.inbox.scan().candidates}
    assert verdicts == {"a": Decision.REFUSE, "b": Decision.CLAIM}


def test_a_sidecar_that_cannot_be_read_now_waits_and_holds_the_pictures_that_it_may_name(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a share somebody may have it open. Taken without it, the picture would be gone for it."""
    real = model.read_sidecar

    def busy(path: Path, name: str) -> Sidecar:
        if path.name == "b.yaml":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, name)

    table.put("cat.jpg", "cup.jpg", "c.content.jpg", "c.style.jpg")
    table.put(a="content: cat.jpg\nstyles: cup.jpg", b="content: cat.jpg\nstyles: cup.jpg")
    with monkeypatch.context() as patch:
        patch.setattr(model, "read_sidecar", busy)
        candidates = {drop.name: drop for drop in table.look().candidates}
    assert [candidates[name].decision for name in "abc"] == [
        Decision.WAIT,
        Decision.WAIT,
        Decision.CLAIM,
    ]
    assert candidates["a"].message == "waits until the sidecar of b can be read"
    assert "b.yaml: cannot be read: Permission denied" in candidates["b"].message
    assert [drop.decision for drop in table.inbox.scan().candidates] == [Decision.CLAIM] * 3
