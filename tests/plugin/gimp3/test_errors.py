"""What goes wrong is one readable message, comes in time, and leaves the image as it was."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted import (
    Script,
    ScriptedServer,
    dies,
    fails,
    gives_rubbish,
    is_cancelled,
    lies_about_the_result,
)
from session import Gimp

CALL = """
status, message = call(
    "impasto-neural-style", image, [layer], **{{
        "style": "sun", "hot_folder": "/share/scripted", **{arguments}}})
answer = status, message if isinstance(message, str) else None
"""


@pytest.fixture(autouse=True)
def image_stays_as_it_was(gimp: Gimp) -> Iterator[None]:
    gimp.run("""
        for each in Gimp.get_images():
            each.delete()
        image = Gimp.Image.new(96, 64, Gimp.ImageBaseType.RGB)
        layer = Gimp.Layer.new(
            image, "photo", 96, 64, image_type(image, False), 100, Gimp.LayerMode.NORMAL)
        image.insert_layer(layer, None, 0)
        fill(layer, "red")
        image.clean_all()
    """)
    yield
    state = gimp.run("answer = image.is_dirty(), len(image.get_layers()), len(Gimp.get_images())")
    assert state == [False, 1, 1]


def message_of(gimp: Gimp, **arguments: object) -> str:
    """What a script is told by a call that fails."""
    status, message = gimp.run(CALL.format(arguments=arguments))
    assert status == "execution-error"
    assert message
    return str(message)


def test_a_folder_that_is_none(gimp: Gimp, scripted: ScriptedServer) -> None:
    message = message_of(gimp, hot_folder="/share/nowhere")
    assert message == (
        "The hot folder is not there. Connect its disk or its share, or choose another one with "
        "Hot folder..."
    )


def test_no_server(gimp: Gimp, scripted: ScriptedServer) -> None:
    scripted.alive = False
    scripted.send_heartbeat(state="stopped")
    message = message_of(gimp)
    assert "No server works for the hot folder /share/scripted" in message
    assert not list(scripted.root.joinpath("inbox").glob("*.yaml"))


@pytest.mark.parametrize(
    ("style", "reason"),
    [
        ("", "No style is chosen"),
        ("moon", "has no moon (any more). It has: sun.png"),
        ("/share/nothing.jpg", "/share/nothing.jpg is not there"),
        ("/share/console.log", "not a picture that Impasto reads"),
    ],
)
def test_no_style(gimp: Gimp, scripted: ScriptedServer, style: str, reason: str) -> None:
    assert reason in message_of(gimp, style=style)
    assert not scripted.sidecars


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (fails, "The paint ran out."),
        (is_cancelled, "Somebody has cancelled"),
        (dies, "The server went away"),
        (lies_about_the_result, "somebody has taken it away"),
        (gives_rubbish, "GIMP cannot read the painting untitled-sun"),
    ],
)
def test_a_server_that_does_not_deliver(
    gimp: Gimp, scripted: ScriptedServer, script: Script, reason: str
) -> None:
    scripted.script = script
    message = message_of(gimp)
    assert reason in message
    assert "/share" not in message
    assert "`" not in message  # no command line
    assert len(scripted.sidecars) == 1


def test_a_full_disk(gimp: Gimp, scripted: ScriptedServer) -> None:
    """A hot folder of 64 KB, which only this GIMP sees, and next to nothing free in it."""
    (scripted.root.parent / "full").mkdir(exist_ok=True)
    beat = (scripted.root / "status" / "server.json").read_text()
    gimp.run(f"""
        import datetime, os, subprocess
        full = "/share/full"
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", full], check=True)
        for name in ("inbox", "status", "styles"):
            os.mkdir(os.path.join(full, name))
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        beat = {{**json.loads({beat!r}), "updated": now}}
        pathlib.Path(full, "status", "server.json").write_text(json.dumps(beat))
        pathlib.Path(full, "styles", "sun.png").write_bytes(b"x")
        try:
            with open(full + "/filler", "wb", buffering=0) as filler:
                while True:
                    filler.write(bytes(4096))
        except OSError:
            pass
    """)
    message = message_of(gimp, hot_folder="/share/full")
    left = gimp.run("answer = os.listdir('/share/full/inbox')")
    gimp.run("subprocess.run(['umount', full], check=True)")
    assert "cannot be written to: No space left on device" in message
    assert left == []


def test_a_picture_that_gimp_cannot_write(gimp: Gimp, scripted: ScriptedServer) -> None:
    (gimp.share / "content.png").unlink(missing_ok=True)
    told = gimp.run("""
        import sys
        sys.path.insert(0, str(pathlib.Path(Gimp.directory(), "plug-ins", "impasto")))
        from images.region import Region
        from messages import explain
        try:
            Region(image, [layer], selection_only=True).export(pathlib.Path("/share/none/x.png"))
        except Exception as error:
            answer = explain(error)
    """)
    assert "GIMP refused file-png-export: " in told
    assert "No such file" in told


def test_what_nobody_expected_is_in_a_log_that_the_message_names(
    gimp: Gimp, scripted: ScriptedServer
) -> None:
    module = gimp.profile / "plug-ins" / "impasto" / "painting" / "job.py"
    sound = module.read_text()
    module.write_text(sound.replace("    choices.check()\n", "    1 / 0\n"))
    try:
        message = message_of(gimp)
    finally:
        module.write_text(sound)
    log = "/share/console/impasto/impasto.log"
    assert "ZeroDivisionError" in message
    assert log in message
    logged = Path(gimp.share, *Path(log).parts[2:]).read_text()
    assert "Traceback" in logged
    assert "1 / 0" in logged


def test_a_number_out_of_range_is_refused_by_gimp_which_keeps_the_usual_one(
    gimp: Gimp, scripted: ScriptedServer
) -> None:
    scripted.script = fails
    message_of(gimp, strength=1000.0)
    assert "strength" not in scripted.sidecars[0]


def test_a_number_that_gimp_lets_pass_and_no_server_would_paint_is_refused(
    gimp: Gimp, scripted: ScriptedServer
) -> None:
    assert message_of(gimp, size=20) == "size is 20; it must be from 32 to 16384."
    assert not scripted.sidecars


def test_the_colours_of_a_picture_need_a_picture(gimp: Gimp, scripted: ScriptedServer) -> None:
    assert "No palette is chosen" in message_of(gimp, colours="palette")
    assert "has no moon (any more)" in message_of(gimp, colours="palette", palette="moon")
    assert not scripted.sidecars
    scripted.script = fails
    message_of(gimp, colours="palette", palette="sun")
    assert (scripted.sidecars[0]["colours"], scripted.sidecars[0]["palette"]) == (
        "palette",
        "sun.png",
    )


def test_a_job_says_who_wants_it_and_that_it_must_be_heard_from(
    gimp: Gimp, scripted: ScriptedServer
) -> None:
    scripted.script = fails
    message_of(gimp, strength=40.0, colours="blend", style_scale=2.0, seed=9, size=640)
    sidecar = dict(scripted.sidecars[0])
    assert sidecar.pop("client")["editor"] == "gimp"
    assert sidecar.pop("content").startswith("untitled-sun")
    assert sidecar == {
        "styles": ["sun.png"],
        "preset": "standard",
        "format": "png",
        "bits": "auto",
        "profile": "content",
        "size": 640,
        "strength": 40.0,
        "colours": "blend",
        "colour_amount": 0.5,
        "style_scale": 2.0,
        "seed": 9,
        "owner": {"heartbeat": True},
        "priority": 7,
    }
