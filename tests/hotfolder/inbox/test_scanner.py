import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from support_inbox import Inbox, paths

from hotfolder.errors import InputError
from hotfolder.file_names import FileRole
from hotfolder.inbox.candidate import Snapshot
from hotfolder.inbox.folder_scanner import FolderScanner, ScanOptions
from hotfolder.inbox.model import Decision
from hotfolder.throttle import in_one_go
from plugin.client.protocol import ControlFile


def test_a_pair_is_a_job(inbox: Inbox) -> None:
    inbox.put("a.content.jpg", "a.style.png")
    candidate = inbox.only_candidate()
    assert candidate.decision is Decision.CLAIM
    assert (candidate.name, paths(candidate, FileRole.CONTENT)) == ("a", ["a.content.jpg"])
    assert paths(candidate, FileRole.STYLE) == ["a.style.png"]


def test_more_styles_keep_their_order(inbox: Inbox) -> None:
    inbox.put("a.content.jpg", "a.style10.png", "a.style2.jpg", "a.style.png")
    inbox.put(*(f"a.style{n}.png" for n in range(3, 10)))
    names = paths(inbox.only_candidate(), FileRole.STYLE)
    assert names[:3] == ["a.style.png", "a.style2.jpg", "a.style3.png"]
    assert names[-1] == "a.style10.png"


def test_a_second_style_alone_waits_for_the_first(inbox: Inbox) -> None:
    inbox.put("a.content.jpg", "a.style2.png")
    candidate = inbox.only_candidate()
    assert (candidate.decision, candidate.message) == (
        Decision.WAIT,
        "lacks a style picture (a.style.jpg)",
    )


def test_a_picture_to_start_from_belongs_to_the_pair(inbox: Inbox) -> None:
    inbox.put("a.content.jpg", "a.style.png", "a.init.png")
    settings = inbox.only_candidate().settings
    assert settings is not None
    assert (settings.init, settings.init_file) == ("file", "a.init.png")


def test_half_a_pair_waits_and_is_then_held_for_ever(inbox: Inbox) -> None:
    inbox.put("a.content.jpg")
    assert inbox.only_candidate().decision is Decision.WAIT
    for seconds in (60, 1e6):
        inbox.clock.advance(seconds)
        candidate = inbox.only_candidate()
        assert candidate.decision is Decision.HOLD
        assert candidate.message == "lacks a style picture (a.style.jpg)"
    inbox.put("a.style.jpg")
    assert inbox.only_candidate().decision is Decision.CLAIM


def test_a_released_candidate_waits_anew(inbox: Inbox) -> None:
    inbox.put("a.content.jpg")
    inbox.scan_settled()
    inbox.clock.advance(60)
    assert inbox.only_candidate().decision is Decision.HOLD
    inbox.scanner.release("a")
    assert inbox.only_candidate().decision is Decision.WAIT


def test_a_growing_file_holds_its_job_back(inbox: Inbox) -> None:
    inbox.put("a.content.jpg", "a.style.png")
    inbox.scan_settled()
    inbox.put("a.content.jpg")
    (inbox.folder.inbox / "a.content.jpg").write_bytes(b"more")
    snapshot = in_one_go(inbox.scanner.steps())
    assert (snapshot.candidates[0].decision, snapshot.candidates[0].message) == (
        Decision.WAIT,
        "arriving",
    )
    assert snapshot.settling == pytest.approx(1.0)


def test_a_rename_into_the_folder_is_one_delivery(inbox: Inbox) -> None:
    inbox.put("a.style.png", ".a.content.jpg", "b.jpg.part")
    assert inbox.only_candidate().decision is Decision.WAIT
    (inbox.folder.inbox / ".a.content.jpg").rename(inbox.folder.inbox / "a.content.jpg")
    assert inbox.only_candidate().decision is Decision.CLAIM


def test_a_hard_link_is_a_delivery(inbox: Inbox, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.jpg").write_bytes(b"x")
    os.link(tmp_path / "elsewhere.jpg", inbox.folder.inbox / "a.content.jpg")
    inbox.put("a.style.png")
    assert inbox.only_candidate().decision is Decision.CLAIM


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_what_is_no_plain_file_is_refused(inbox: Inbox, tmp_path: Path, kind: str) -> None:
    path = inbox.folder.inbox / "a.content.jpg"
    if kind == "link":
        path.symlink_to("/etc/passwd")
    else:
        os.mkfifo(path)
    inbox.put("a.style.png")
    candidate = inbox.only_candidate()
    assert candidate.decision is Decision.REFUSE
    assert isinstance(candidate.error, InputError)


def test_folders_are_not_scanned_as_files(inbox: Inbox) -> None:
    (inbox.folder.inbox / "a.content.jpg").mkdir()
    assert inbox.scan_settled() == Snapshot()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("a.content.jpg", "a.content.png", id="two_formats"),
        pytest.param("a.content.jpg", "a.content.JPG", id="two_cases"),
        pytest.param("a.style.jpg", "a.style1.jpg", id="two_spellings"),
        pytest.param("a.yaml", "a.yml", id="two_sidecars"),
    ],
)
def test_two_files_for_one_part_wait_and_are_listed(inbox: Inbox, first: str, second: str) -> None:
    inbox.put("a.content.jpg", "a.style.jpg", first, second)
    for name in (first, second):
        if name.endswith("ml"):
            (inbox.folder.inbox / name).write_text("size: 64")
    candidate = inbox.only_candidate()
    assert candidate.decision is Decision.WAIT
    assert first in candidate.message
    assert second in candidate.message
    inbox.clock.advance(60)
    assert inbox.only_candidate().decision is Decision.HOLD
    (inbox.folder.inbox / second).unlink()
    assert inbox.only_candidate().decision is Decision.CLAIM


def test_one_name_in_two_normal_forms_is_ambiguous(inbox: Inbox) -> None:
    for form in ("NFC", "NFD"):
        inbox.put(unicodedata.normalize(form, "é.content.jpg"))  # type: ignore[arg-type]
    inbox.put("é.style.jpg")
    assert "several files for content" in inbox.only_candidate().message


def test_what_belongs_to_no_job_is_unrecognised(inbox: Inbox) -> None:
    inbox.put("holiday.jpg", "notes.txt", "a\nb.content.jpg")
    snapshot = inbox.scan_settled()
    assert snapshot.candidates == ()
    assert sorted(snapshot.unrecognised) == [
        "a\\nb.content.jpg (no job can have this name)",
        "holiday.jpg (a picture that no job names)",
        "notes.txt (neither a picture nor a sidecar)",
    ]


def test_a_path_that_leaves_the_folder_is_refused_at_once(inbox: Inbox) -> None:
    inbox.put(p="content: ../../etc/passwd.jpg\nstyles: w.jpg")
    candidate = inbox.only_candidate()
    assert candidate.decision is Decision.REFUSE
    assert str(candidate.error).startswith("p.yaml, line 1: content: '../../etc/passwd.jpg'")


def test_a_candidate_is_assembled_again_when_what_it_is_made_of_changes(
    inbox: Inbox,
) -> None:
    (inbox.folder.styles / "w.jpg").write_bytes(b"x")
    inbox.put("c.jpg", p="content: c.jpg\nstyles: w.jpg")
    first = inbox.only_candidate()
    assert inbox.only_candidate() is first
    (inbox.folder.inbox / "p.yaml").write_text("content: c.jpg\nstyles: w.jpg\nsize: 64")
    second = inbox.only_candidate()
    assert second.settings is not None
    assert (second.decision, second.settings.size) == (Decision.CLAIM, 64)
    inbox.put(q="content: c.jpg\nstyles: w.jpg")
    both = inbox.scan_settled().candidates
    assert [each.of(FileRole.CONTENT)[0].shared for each in both] == [True, True]
    (inbox.folder.inbox / "q.yaml").unlink()
    assert not inbox.only_candidate().of(FileRole.CONTENT)[0].shared
    inbox.options = ScanOptions({"steps": 7}, settle_seconds=1.0, wait_seconds=60.0)
    third = inbox.only_candidate()
    assert third.settings is not None
    assert third.settings.steps == 7
    (inbox.folder.styles / "w.jpg").unlink()
    assert inbox.only_candidate().decision is Decision.WAIT


def test_a_cancel_file_names_its_job(inbox: Inbox) -> None:
    inbox.put("a.cancel")
    assert list(inbox.scan_settled().control_files[ControlFile.CANCEL]) == ["a"]


def test_an_unforeseen_error_in_one_candidate_leaves_the_others(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = FolderScanner._settings

    def trap(self: FolderScanner, *arguments: Any) -> Any:
        if trap.armed:  # type: ignore[attr-defined]
            trap.armed = False  # type: ignore[attr-defined]
            raise RuntimeError("a bug")
        return real(self, *arguments)

    inbox.put("a.content.jpg", "a.style.jpg", "b.content.jpg", "b.style.jpg")
    in_one_go(inbox.scanner.steps())
    inbox.clock.advance(1.5)
    trap.armed = True  # type: ignore[attr-defined]
    monkeypatch.setattr(FolderScanner, "_settings", trap)
    decisions = {
        candidate.name: candidate.decision
        for candidate in in_one_go(inbox.scanner.steps()).candidates
    }
    assert decisions == {"a": Decision.REFUSE, "b": Decision.CLAIM}
