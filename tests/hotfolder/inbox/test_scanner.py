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
from hotfolder.throttle import in_one_go
from plugin.client.protocol import ControlFile


class Inbox:
    """An inbox to put files into and scan."""

    def __init__(self, folder: FolderPaths, clock: FakeClock) -> None:
        self.folder = folder
        self.clock = clock
        self.options = ScanOptions({}, settle_seconds=1.0, wait_seconds=60.0)
        self.scanner = InboxScanner(folder, lambda: self.options, clock=clock)

    def put(self, *names: str, **texts: str) -> None:
        for name in names:
            (self.folder.inbox / name).write_bytes(b"x")
        for name, text in texts.items():
            (self.folder.inbox / f"{name}.yaml").write_text(text)

    def scan_settled(self) -> Snapshot:
        """A scan of files that have been quiet."""
        in_one_go(self.scanner.steps())
        self.clock.advance(1.5)
        return in_one_go(self.scanner.steps())

    def only_candidate(self) -> JobCandidate:
        candidates = self.scan_settled().candidates
        assert len(candidates) == 1
        return candidates[0]


@pytest.fixture
def inbox(folder: FolderPaths, clock: FakeClock) -> Inbox:
    return Inbox(folder, clock)


def paths(candidate: JobCandidate, role: FileRole) -> list[str]:
    return [file.path.name for file in candidate.of(role)]


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


def test_init_file_without_a_picture_waits_for_it(inbox: Inbox) -> None:
    inbox.put("a.content.jpg", "a.style.png", a="init: file")
    assert inbox.only_candidate().message == "lacks a picture to start from (a.init.png)"


def test_a_palette_belongs_to_the_pair(inbox: Inbox) -> None:
    inbox.put("a.content.jpg", "a.style.png", "a.palette.jpg")
    candidate = inbox.only_candidate()
    assert candidate.settings is not None
    assert (candidate.settings.colours, candidate.settings.palette) == ("palette", "a.palette.jpg")
    assert paths(candidate, FileRole.PALETTE) == ["a.palette.jpg"]


def test_a_sidecar_names_a_palette_beside_it_or_in_the_library(inbox: Inbox) -> None:
    inbox.put("a.content.jpg", "a.style.png", "sunset.jpg", a="palette: sunset.jpg")
    assert paths(inbox.only_candidate(), FileRole.PALETTE) == ["sunset.jpg"]
    inbox.folder.styles.mkdir(exist_ok=True)
    (inbox.folder.styles / "brand.png").write_bytes(b"x")
    inbox.put(a="palette: styles/brand.png\ncolours: blend")
    candidate = inbox.only_candidate()
    assert [file.stays for file in candidate.of(FileRole.PALETTE)] == [True]
    assert candidate.settings is not None
    assert (candidate.settings.colours, candidate.settings.palette) == ("blend", "styles/brand.png")


def test_colours_of_a_palette_wait_for_its_picture(inbox: Inbox) -> None:
    inbox.put("a.content.jpg", "a.style.png", a="colours: palette")
    message = "lacks a picture whose colours are used (a.palette.png)"
    assert inbox.only_candidate().message == message
    inbox.put("a.palette.webp")
    assert inbox.only_candidate().decision is Decision.CLAIM


def test_a_palette_that_is_not_there_is_waited_for_with_the_sidecars_line(inbox: Inbox) -> None:
    inbox.put("a.content.jpg", "a.style.png", a="size: 64\npalette: sunset.jpg")
    assert inbox.only_candidate().message == "lacks sunset.jpg, which a.yaml names as palette"
    inbox.clock.advance(1e6)
    assert inbox.only_candidate().message.startswith("a.yaml, line 2: palette: 'sunset.jpg'")


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


def test_a_sidecar_may_name_its_pictures(inbox: Inbox) -> None:
    inbox.put("cat.jpg", p="content: cat.jpg\nstyles: [wave.jpg, styles/deep/sea.png]")
    (inbox.folder.styles / "wave.jpg").write_bytes(b"x")
    (inbox.folder.styles / "deep").mkdir()
    (inbox.folder.styles / "deep" / "sea.png").write_bytes(b"x")
    snapshot = inbox.scan_settled()
    (candidate,) = snapshot.candidates
    assert candidate.decision is Decision.CLAIM
    assert [(file.path.name, file.shared) for file in candidate.inputs] == [
        ("cat.jpg", False),
        ("wave.jpg", True),
        ("sea.png", True),
        ("p.yaml", False),
    ]
    assert snapshot.unrecognised == ()


def test_a_picture_beside_the_sidecar_comes_before_the_librarys(inbox: Inbox) -> None:
    (inbox.folder.styles / "w.jpg").write_bytes(b"x")
    inbox.put("c.jpg", "w.jpg", p="content: c.jpg\nstyles: w.jpg")
    assert inbox.only_candidate().of(FileRole.STYLE)[0].path == inbox.folder.inbox / "w.jpg"


def test_a_pairs_content_may_take_its_style_from_the_library(inbox: Inbox) -> None:
    (inbox.folder.styles / "w.jpg").write_bytes(b"x")
    inbox.put("a.content.jpg", a="styles: w.jpg")
    assert inbox.only_candidate().decision is Decision.CLAIM


def test_a_picture_that_two_sidecars_name_is_shared(inbox: Inbox) -> None:
    inbox.put(
        "c.jpg", "s.jpg", a="content: c.jpg\nstyles: s.jpg", b="content: c.jpg\nstyles: s.jpg"
    )
    for candidate in inbox.scan_settled().candidates:
        assert {file.path.name: file.shared for file in candidate.inputs} == {
            "c.jpg": True,
            "s.jpg": True,
            f"{candidate.name}.yaml": False,
        }


def test_a_missing_named_picture_is_waited_for_and_then_held_by_line(inbox: Inbox) -> None:
    (inbox.folder.styles / "wave.jpg").write_bytes(b"x")
    inbox.put("c.jpg", p="content: c.jpg\nstyles: [wavee.jpg]")
    candidate = inbox.only_candidate()
    assert (candidate.decision, candidate.message) == (
        Decision.WAIT,
        "lacks wavee.jpg, which p.yaml names as styles",
    )
    inbox.clock.advance(60)
    candidate = inbox.only_candidate()
    assert candidate.decision is Decision.HOLD
    assert candidate.message == (
        "p.yaml, line 2: styles.0: 'wavee.jpg'; expected a picture beside it or in styles/, which "
        "is in neither. Did you mean 'wave.jpg'?"
    )


def test_a_style_missing_from_the_library_is_refused_at_once(inbox: Inbox) -> None:
    inbox.put("c.jpg", p="content: c.jpg\nstyles: styles/nowhere.jpg")
    candidate = inbox.only_candidate()
    assert candidate.decision is Decision.REFUSE
    assert "p.yaml, line 2: styles.0: 'styles/nowhere.jpg'" in str(candidate.error)


def test_a_link_out_of_the_library_is_refused(inbox: Inbox, tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"x")
    (inbox.folder.styles / "w.jpg").symlink_to(tmp_path / "secret.jpg")
    (inbox.folder.styles / "out").symlink_to(tmp_path)
    inbox.put(
        "c.jpg", p="content: c.jpg\nstyles: w.jpg", q="content: c.jpg\nstyles: out/secret.jpg"
    )
    for candidate in inbox.scan_settled().candidates:
        assert candidate.decision is Decision.REFUSE
        assert "not a link that leads elsewhere" in str(candidate.error)
        assert tmp_path / "secret.jpg" not in {file.path for file in candidate.inputs}


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


def test_a_role_that_the_sidecar_gives_to_another_file_is_ambiguous(inbox: Inbox) -> None:
    inbox.put("a.content.jpg", "other.jpg", "a.style.jpg", a="content: other.jpg")
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


def test_a_bad_sidecar_of_a_complete_pair_is_refused(inbox: Inbox) -> None:
    inbox.put("a.content.jpg", "a.style.jpg", a="siez: 3")
    candidate = inbox.only_candidate()
    assert candidate.decision is Decision.REFUSE
    assert isinstance(candidate.error, SidecarError)
    assert len(candidate.inputs) == 3


def test_a_bad_sidecar_before_its_pair_does_not_leave_the_pair_to_run_without_it(
    inbox: Inbox,
) -> None:
    inbox.put("a.content.jpg", a="siez: 3")
    candidate = inbox.only_candidate()
    assert candidate.decision is Decision.WAIT
    assert "siez" in candidate.message
    inbox.put("a.style.jpg")
    assert inbox.only_candidate().decision is Decision.REFUSE


def test_a_mended_sidecar_is_read_again(inbox: Inbox) -> None:
    inbox.put("a.content.jpg", a="siez: 3")
    inbox.scan_settled()
    inbox.put("a.style.jpg", a="size: 64")
    candidate = inbox.only_candidate()
    assert candidate.settings is not None
    assert (candidate.decision, candidate.settings.size) == (Decision.CLAIM, 64)


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


def test_a_sidecar_that_cannot_be_read_now_waits_and_holds_the_pictures_that_it_may_name(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a share somebody may have it open. Taken without it, the picture would be gone for it."""
    real = model.read_sidecar

    def busy(path: Path, name: str) -> Sidecar:
        if path.name == "b.yaml":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, name)

    inbox.put("cat.jpg", "cup.jpg", "c.content.jpg", "c.style.jpg")
    inbox.put(a="content: cat.jpg\nstyles: cup.jpg", b="content: cat.jpg\nstyles: cup.jpg")
    with monkeypatch.context() as patch:
        patch.setattr(model, "read_sidecar", busy)
        candidates = {candidate.name: candidate for candidate in inbox.scan_settled().candidates}
    assert [candidates[name].decision for name in "abc"] == [
        Decision.WAIT,
        Decision.WAIT,
        Decision.CLAIM,
    ]
    assert candidates["a"].message == "waits until the sidecar of b can be read"
    assert "b.yaml: cannot be read: Permission denied" in candidates["b"].message
    assert [candidate.decision for candidate in in_one_go(inbox.scanner.steps()).candidates] == [
        Decision.CLAIM
    ] * 3
