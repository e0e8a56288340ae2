"""The page as a process of its own, beside the server."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
from processes import Until

from hotfolder.config.page_address import PageAddress
from hotfolder.page.process import PageProcess, page_command
from hotfolder.paths import FolderPaths


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def pages_of(pid: int) -> list[psutil.Process]:
    children = psutil.Process(pid).children()
    return [child for child in children if "hotfolder.page" in child.cmdline()]


def test_watch_serves_the_page_in_a_process_of_its_own_and_starts_it_again(
    folder: FolderPaths, until: Until
) -> None:
    port = free_port()
    command = [
        *(sys.executable, "-c", "from hotfolder.cli.main import main; raise SystemExit(main())"),
        *("watch", "--hot", str(folder.root), "--device", "cpu", "--page", f"127.0.0.1:{port}"),
    ]
    watch = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        until(lambda: answers(port), 60)
        (page,) = pages_of(watch.pid)
        mapped = Path(f"/proc/{watch.pid}/maps").read_text()
        assert "torch" not in mapped
        assert "_imaging" not in mapped
        page.kill()
        until(lambda: answers(port) and pages_of(watch.pid), 60)
        assert watch.poll() is None
        again = pages_of(watch.pid)[0]
        watch.send_signal(signal.SIGTERM)
        assert watch.wait(30) == 0
        until(lambda: not again.is_running(), 20)
    finally:
        watch.kill()
        watch.wait()


def test_a_page_ends_with_its_parent_however_that_ends(folder: FolderPaths, until: Until) -> None:
    port = free_port()
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from hotfolder.config.page_address import PageAddress\n"
        "from hotfolder.page.process import PageProcess, page_command\n"
        f"with PageProcess(page_command(Path({str(folder.root)!r}),\n"
        f"        PageAddress('127.0.0.1', {port}))):\n"
        "    time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL)
    until(lambda: answers(port), 40)
    parent.kill()
    parent.wait()
    until(lambda: not answers(port), 20)


def test_a_page_that_cannot_be_started_is_tried_again_and_ends_nothing(
    until: Until, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    program = f"open({str(notes)!r}, 'a').write('x'); raise SystemExit(5)"
    with PageProcess([sys.executable, "-c", program]):
        until(lambda: notes.exists() and len(notes.read_text()) >= 2, 20)
    count = len(notes.read_text())
    time.sleep(0.1)
    assert len(notes.read_text()) == count


def test_of_several_hot_folders_each_has_its_page_at_the_next_port(
    folder: FolderPaths, until: Until
) -> None:
    other = FolderPaths(folder.root.with_name("other"))
    other.create()
    port = free_port()
    config = folder.root.with_name("config.yaml")
    config.write_text(f"page: 127.0.0.1:{port}\ndevices: [cpu]\n")
    command = [
        *(sys.executable, "-c", "from hotfolder.cli.main import main; raise SystemExit(main())"),
        *("watch", "--hot", str(folder.root), "--hot", str(other.root), "--config", str(config)),
    ]
    watch = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        for number, each in enumerate((folder, other)):
            until(lambda number=number: answers(port + number), 60)
            text = httpx.get(f"http://127.0.0.1:{port + number}/", trust_env=False).text
            assert f"<p>{each.root} ·" in text
    finally:
        watch.terminate()
        watch.wait(30)


def test_the_servers_process_loads_nothing_of_the_page() -> None:
    """But for the module that starts it."""
    program = (
        "import sys, hotfolder.cli.main, hotfolder.server.server, hotfolder.page.process\n"
        "print([n for n in sys.modules if n.split('.')[0] in ('starlette', 'uvicorn', 'jinja2')\n"
        "       or n.startswith('hotfolder.page.') and n != 'hotfolder.page.process'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.strip() == "[]"


def test_the_page_is_started_with_this_python_and_its_address(tmp_path: Path) -> None:
    command = page_command(tmp_path, PageAddress("::1", 8321))
    assert command[0] == sys.executable
    assert command[-2:] == [str(tmp_path), "[::1]:8321"]
