"""`impasto styles`: what there is to paint with."""

from pathlib import Path

import pytest
from PIL import Image

from hotfolder.cli.main import main
from hotfolder.cli.styles import OWN_STYLES, read_notes
from hotfolder.errors import ExitCode
from plugin.client import Client


@pytest.fixture
def wave(tmp_path: Path) -> Path:
    path = tmp_path / "wave.png"
    Image.new("RGB", (80, 60), (20, 80, 160)).save(path)
    return path


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, str]:
    """Name -> the rest of its line."""
    capsys.readouterr()
    assert main(["styles", *arguments]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    return {line.split()[0]: line.partition(" ")[2].strip() for line in lines}


def test_the_library_is_listed_with_sizes_and_tags(
    hot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = listed(capsys)
    assert len(found) == 13
    assert found["ink.jpg"] == "2048 x 1536  ink, brush, black-and-white, quiet"


def test_without_a_hot_folder_those_that_come_with_impasto_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("IMPASTO_HOT_FOLDER", raising=False)
    assert len(listed(capsys)) == 13
    assert main(["styles", "remove", "ink"]) == ExitCode.FILE_ACCESS
    assert main(["styles", "--hot", "nowhere"]) == ExitCode.FILE_ACCESS
    assert (OWN_STYLES / "ink.jpg").is_file()


def test_several_tags_are_all_wanted_in_any_case(
    hot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert listed(capsys, "--tag", "Oil", "-t", "cool").keys() == {"night.jpg"}
    assert main(["styles", "--tag", "oli"]) == ExitCode.INPUT
    assert "'oil'" in capsys.readouterr().err


def test_the_contact_sheet_has_a_cell_for_each(
    hot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert listed(capsys, "--tag", "print", "--sheet", "print.png").keys() == {
        *("engraving.jpg", "woodcut.jpg")
    }
    with Image.open(tmp_path / "print.png") as sheet:
        assert sheet.width == 8 + 2 * (320 + 8)  # two pictures, one row
        assert sheet.height < 320
    assert main(["styles", "--sheet", "sheet.gif"]) == ExitCode.INPUT
    assert ".jpg or .png" in capsys.readouterr().err


def test_an_unreadable_picture_is_named_and_the_others_are_on_the_sheet(
    hot: Path, tmp_path: Path, wave: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (hot / "styles").glob("*.jpg"):
        path.unlink()
    (hot / "styles/broken.jpg").write_bytes(b"no picture")
    (hot / "styles/wave.png").write_bytes(wave.read_bytes())
    assert main(["styles", "--sheet", "all.png"]) == ExitCode.OK
    output = capsys.readouterr()
    assert "broken.jpg" in output.err
    assert "80 x 60" in output.out
    assert (tmp_path / "all.png").is_file()


def test_a_picture_is_added_tagged_and_seen_by_the_client(
    hot: Path, wave: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["styles", "add", str(wave), "--tag", "sea", "-t", "blue"]) == ExitCode.OK
    assert (hot / "styles/wave.png").read_bytes() == wave.read_bytes()
    assert listed(capsys, "--tag", "sea") == {"wave.png": "80 x 60  sea, blue"}
    assert "wave.png" in {style.name for style in Client(hot).styles()}
    assert main(["styles", "tag", "wave", "harbour"]) == ExitCode.OK
    assert read_notes(hot / "styles").tags["wave.png"] == ["harbour"]
    assert main(["styles", "tag", "wave"]) == ExitCode.OK
    assert read_notes(hot / "styles").tags.get("wave.png", []) == []


def test_what_cannot_be_painted_with_is_not_added(
    hot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    before = sorted(hot.rglob("*"))
    assert main(["styles", "add", "torn.png"]) == ExitCode.INPUT
    assert "torn.png" in capsys.readouterr().err
    assert sorted(hot.rglob("*")) == before


def test_no_other_picture_is_replaced_by_one_of_its_name(
    hot: Path, wave: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["styles", "add", str(wave)]) == ExitCode.OK
    assert main(["styles", "add", str(wave)]) == ExitCode.OK  # it is there already
    Image.new("RGB", (80, 60), "red").save(wave)
    assert main(["styles", "add", str(wave)]) == ExitCode.INPUT
    assert "--name" in capsys.readouterr().err
    assert main(["styles", "add", str(wave), "--name", "red wave"]) == ExitCode.OK
    assert (hot / "styles/red wave.png").read_bytes() == wave.read_bytes()
    assert (hot / "styles/wave.png").read_bytes() != wave.read_bytes()


@pytest.mark.parametrize("name", ["../out", ".hidden", "a/b"])
def test_a_name_leads_nowhere_else(
    hot: Path, wave: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(hot.rglob("*"))
    assert main(["styles", "add", str(wave), "--name", name]) == ExitCode.INPUT
    assert "--name" in capsys.readouterr().err
    assert sorted(hot.rglob("*")) == before


def test_a_removed_picture_is_kept_hidden(
    hot: Path, wave: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = wave.read_bytes()
    for _ in range(2):
        assert main(["styles", "add", str(wave), "--tag", "sea"]) == ExitCode.OK
        assert main(["styles", "remove", "wave"]) == ExitCode.OK
    kept = sorted((hot / "styles/.removed").iterdir())
    assert [path.read_bytes() for path in kept] == [content, content]
    assert "wave.png" not in listed(capsys)
    assert "wave.png" not in {style.name for style in Client(hot).styles()}
    assert "wave.png" not in read_notes(hot / "styles").tags


def test_one_that_comes_with_impasto_stays_away_until_it_is_added_again(hot: Path) -> None:
    assert main(["styles", "remove", "night", "ink.jpg"]) == ExitCode.OK
    assert main(["init", "--hot", "hot"]) == ExitCode.OK
    assert not (hot / "styles/night.jpg").exists()
    assert main(["styles", "add", "night"]) == ExitCode.OK
    assert (hot / "styles/night.jpg").read_bytes() == (OWN_STYLES / "night.jpg").read_bytes()
    assert read_notes(hot / "styles").removed == ["ink.jpg"]
    assert read_notes(hot / "styles").tags["night.jpg"][0] == "oil"


def test_if_one_name_is_wrong_nothing_is_removed(
    hot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(hot.rglob("*"))
    assert main(["styles", "remove", "night", "mosaik.jpg"]) == ExitCode.INPUT
    assert "'mosaic.jpg'" in capsys.readouterr().err
    assert sorted(hot.rglob("*")) == before


def test_two_of_one_stem_are_asked_about(hot: Path, wave: Path) -> None:
    assert main(["styles", "add", str(wave), "--name", "ink"]) == ExitCode.OK
    assert main(["styles", "remove", "ink"]) == ExitCode.INPUT
    assert main(["styles", "remove", "ink.png"]) == ExitCode.OK
    assert (hot / "styles/ink.jpg").exists()


def test_damaged_tags_are_refused_in_words_and_kept(
    hot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (hot / "styles/tags.yaml").write_text("night.jpg: oil\n")
    assert main(["styles", "tag", "night", "blue"]) == ExitCode.CONFIGURATION
    message = capsys.readouterr().err
    assert "tags.yaml" in message
    assert "list" in message
    assert (hot / "styles/tags.yaml").read_text() == "night.jpg: oil\n"
