"""What a sidecar, and the library, add to the pictures that a scan finds."""

import errno
from pathlib import Path

import pytest
from support_inbox import Inbox, paths

from hotfolder.errors import SidecarError
from hotfolder.file_names import FileRole
from hotfolder.inbox import model
from hotfolder.inbox.model import Decision
from hotfolder.inbox.sidecar import Sidecar
from hotfolder.throttle import in_one_go


def test_init_file_without_a_picture_waits_for_it(inbox: Inbox) -> None:
    inbox.put("a.content.jpg", "a.style.png", a="init: file")
    assert inbox.only_candidate().message == "lacks a picture to start from (a.init.png)"


def test_a_palette_belongs_to_the_pair(inbox: Inbox) -> None:
    inbox.put("a.content.jpg", "a.style.png", "a.palette.jpg")
    candidate = inbox.only_candidate()
    assert candidate.settings is not None
    assert (candidate.settings.colours, candidate.settings.palette) == ("palette", "a.palette.jpg")
    assert paths(candidate, FileRole.PALETTE) == ["a.palette.jpg"]


@pytest.mark.parametrize("named", ["", "palette: a.palette.jpg\n"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [("keep_colours: true", "false"), ("colours: content", "palette or blend, since there is a")],
)
def test_other_colours_beside_the_jobs_own_palette_are_refused_by_their_line(
    inbox: Inbox, named: str, text: str, expected: str
) -> None:
    inbox.put("a.content.jpg", "a.style.png", "a.palette.jpg", a=named + text)
    candidate = inbox.only_candidate()
    assert candidate.decision is Decision.REFUSE
    line = 2 if named else 1
    assert candidate.message.startswith(f"a.yaml, line {line}: {text}; expected {expected}")


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


def test_a_role_that_the_sidecar_gives_to_another_file_is_ambiguous(inbox: Inbox) -> None:
    inbox.put("a.content.jpg", "other.jpg", "a.style.jpg", a="content: other.jpg")
    assert "several files for content" in inbox.only_candidate().message


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
