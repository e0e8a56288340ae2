"""What the page lets in, by real requests to a real process."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image
from support_page import Served, finished, served

from hotfolder.page.safety.guard import MAX_FORM_BYTES
from hotfolder.page.safety.token import token_file
from hotfolder.page.site import MAX_STREAMS_EACH
from hotfolder.paths import FolderPaths

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("evil.example", id="another_name"),
        pytest.param("evil.example:{port}", id="another_name_with_our_port"),
        pytest.param("127.0.0.1:{port}.evil.example", id="our_address_as_its_prefix"),
        pytest.param("127.0.0.1:1", id="another_port"),
        pytest.param("192.168.0.9:{port}", id="an_address_that_it_is_not_bound_to"),
        pytest.param("user@127.0.0.1:{port}", id="with_a_user"),
        pytest.param("", id="none"),
    ],
)
def test_a_name_that_leads_here_and_is_not_ours_is_refused(shared_page: Served, host: str) -> None:
    """DNS rebinding: a stranger's name that resolves to 127.0.0.1."""
    status, text = shared_page.raw("GET", "/", {"Host": host.format(port=shared_page.port)})
    assert status in (400, 421)  # h11 refuses some of them before us
    assert "Finished" not in text
    assert "<nav" not in text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_this_machines_own_names_are_let_in(shared_page: Served, host: str) -> None:
    status, text = shared_page.raw("GET", "/", {"Host": f"{host}:{shared_page.port}"})
    assert status == 200
    assert "<nav" in text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Origin": "http://evil.example"}, 403, id="another_site"),
        pytest.param({"Origin": "null"}, 403, id="a_sandboxed_frame"),
        pytest.param({"Origin": "http://127.0.0.1:1"}, 403, id="another_port_of_this_machine"),
        pytest.param({"Origin": "file://127.0.0.1:{port}"}, 403, id="a_file"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="cross_site_without_origin"),
        pytest.param({}, 403, id="neither_header"),
        pytest.param({"Origin": "http://127.0.0.1:{port}"}, 303, id="the_page"),
        pytest.param({"Sec-Fetch-Site": "same-origin"}, 303, id="the_page_without_origin"),
    ],
)
def test_only_the_page_itself_may_change_anything(
    shared_page: Served, headers: dict[str, str], status: int
) -> None:
    page, paused = shared_page, shared_page.folder.private / "paused"
    paused.unlink(missing_ok=True)
    own = {key: value.format(port=page.port) for key, value in headers.items()}
    body = b"reason=noise"
    form = {
        "Host": f"127.0.0.1:{page.port}",
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(body)),
    }
    got, _ = page.raw("POST", "/do/pause", form | own, body)
    assert got == status
    assert paused.exists() == (status == 303)


def test_another_site_may_link_to_the_page_and_show_nothing_of_it(
    folder: FolderPaths, page: Served
) -> None:
    finished(folder, "cat")
    host = {"Host": f"127.0.0.1:{page.port}", "Sec-Fetch-Site": "cross-site"}
    assert page.raw("GET", "/gallery", {**host, "Sec-Fetch-Mode": "navigate"})[0] == 200
    for target in ("/original/outbox/cat.png", "/static/page.js", "/events?parts=now"):
        assert page.raw("GET", target, {**host, "Sec-Fetch-Mode": "no-cors"})[0] == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_other_methods_are_refused(shared_page: Served, method: str) -> None:
    with shared_page.client() as client:
        assert client.request(method, "/").status_code == 405


def test_every_answer_has_the_policies(folder: FolderPaths, page: Served) -> None:
    finished(folder, "cat")
    with page.client() as client:
        for target in ("/", "/gallery", "/drop", "/nothing", "/static/page.css"):
            answer = client.get(target)
            assert answer.headers["content-security-policy"] == POLICY
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "same-origin"
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        picture = client.get("/original/outbox/cat.png")
        assert picture.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert picture.headers["content-type"] == "image/png"
        refused = client.get("/", headers={"Host": "evil.example"})
        assert refused.headers["content-security-policy"] == POLICY


def test_no_page_has_inline_script_or_style(folder: FolderPaths, page: Served) -> None:
    finished(folder, "cat", originals=True)
    with page.client() as client:
        for target in ("/", "/gallery", "/gallery/cat", "/failed", "/drop", "/styles", "/bin"):
            html = client.get(target).text
            for inline in ("<style", " style=", "javascript:", " onclick", " onload", "hx-on"):
                assert inline not in html
            assert html.count("<script") == html.count("<script src=") == 3
            assert "http://" not in html.replace("http://www.w3.org", "")


@pytest.fixture(scope="module")
def traps(shared_page: Served) -> Served:
    """Links, pipes and folders where pictures should be."""
    folder = shared_page.folder
    finished(folder, "cat")
    secret = folder.root.parent / "secret.png"
    Image.new("RGB", (32, 32)).save(secret)
    (folder.outbox / "link.png").symlink_to(secret)
    (folder.outbox / ".hidden.png").write_bytes(secret.read_bytes())
    (folder.styles / "out").symlink_to(folder.root.parent)
    (folder.outbox / "folder.png").mkdir()
    os.mkfifo(folder.outbox / "pipe.png")
    return shared_page


@pytest.mark.parametrize(
    "target",
    [
        "/original/outbox/../../secret.png",
        "/original/outbox/..%2f..%2fsecret.png",
        "/original/outbox/%2e%2e/%2e%2e/secret.png",
        "/original/outbox/..%5csecret.png",
        "/original//etc/passwd",
        "/original/%2fetc%2fpasswd",
        "/original/status/server.json",
        "/original/.impasto/lock.png",
        "/original/.impasto/spool/1/inputs/cat.png",
        "/original/outbox/.hidden.png",
        "/original/outbox/cat.result.yaml",
        "/original/outbox/cat.png%00.png",
        "/original/outbox/link.png",
        "/original/outbox/pipe.png",
        "/original/outbox/folder.png",
        "/original/styles/out/secret.png",
        "/thumb/small/outbox/link.png",
        "/thumb/small/outbox/..%2f..%2fsecret.png",
        "/thumb/huge/outbox/cat.png",
        "/static/..%2f__init__.py",
        "/static/../app.py",
        "/static/LICENSE.htmx",
        "/preview/..%2f..%2fsecret",
        "/job/..%2f..%2fsecret",
    ],
)
def test_no_path_of_a_request_leads_out_of_its_place(traps: Served, target: str) -> None:
    status, text = traps.raw("GET", target, {"Host": f"127.0.0.1:{traps.port}"})
    assert status == 404
    assert "PNG" not in text


def test_a_status_that_is_a_link_is_not_read(folder: FolderPaths, page: Served) -> None:
    outside = folder.root.parent / "outside.json"
    outside.write_text('{"state": "running", "message": "a secret", "id": "1"}')
    (folder.status / "cat.json").symlink_to(outside)
    with page.client() as client:
        assert "secret" not in client.get("/").text


def test_names_are_shown_as_text(folder: FolderPaths, page: Served) -> None:
    name = "<img src=x onerror=alert(1)>"
    finished(folder, name)
    failed = folder.failed / "<b>bold"
    failed.mkdir()
    (failed / "error.txt").write_text("<script>alert(2)</script>")
    with page.client() as client:
        html = client.get("/gallery").text + client.get("/failed").text
        assert "<img src=x" not in html
        assert "&lt;img src=x onerror=alert(1)&gt;" in html
        assert "<script>alert" not in html
        assert "<b>bold" not in html


def test_a_body_is_counted_as_it_comes_whatever_its_headers_promise(page: Served) -> None:
    host = {
        "Host": f"127.0.0.1:{page.port}",
        "Origin": page.address,
        "Content-Type": "application/x-www-form-urlencoded",
    }
    large = b"reason=" + b"x" * (MAX_FORM_BYTES + 1)
    promised = {"Content-Length": str(len(large))}
    assert page.raw("POST", "/do/pause", host | promised, large)[0] == 413
    with page.client() as client:  # In chunks, without a length.
        answer = client.post(
            "/do/pause",
            content=iter([b"reason=", *[b"x" * 8192] * 9]),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert answer.status_code == 413
    absurd = {**host, "Content-Type": "multipart/form-data; boundary=x"}
    assert page.raw("POST", "/drop", absurd | {"Content-Length": str(10**12)})[0] == 413


def test_too_many_changes_are_slowed_down(folder: FolderPaths, page: Served) -> None:
    with page.client() as client:
        answers = [client.post("/do/nothing").status_code for _ in range(70)]
        assert answers[:50] == [404] * 50
        assert 429 in answers
        refused = client.post("/do/pause", data={"reason": "x"})
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert not (folder.private / "paused").exists()
        assert client.get("/").status_code == 200  # reading goes on


def test_more_open_pages_than_there_may_be_are_refused_and_room_comes_back(page: Served) -> None:
    request = f"GET /events?parts=now HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\n\r\n".encode()

    def open_page() -> tuple[socket.socket, bytes]:
        opened = socket.create_connection(("127.0.0.1", page.port), timeout=20)
        opened.sendall(request)
        return opened, opened.recv(12)

    pages = [open_page() for _ in range(MAX_STREAMS_EACH)]
    assert {start for _, start in pages} == {b"HTTP/1.1 200"}
    refused, start = open_page()
    refused.close()
    assert start == b"HTTP/1.1 503"
    with page.client() as client:
        assert client.get("/").status_code == 200
    for opened, _ in pages:
        opened.close()
    for _ in range(100):
        again, start = open_page()
        again.close()
        if start == b"HTTP/1.1 200":
            return
        time.sleep(0.2)
    raise AssertionError("no room came back")


def test_a_status_folder_that_becomes_a_link_is_not_followed(
    folder: FolderPaths, page: Served
) -> None:
    elsewhere = folder.root.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "cat.json").write_text('{"state": "queued", "message": "a secret"}')
    with page.client() as client:
        folder.status.rename(folder.root.parent / "moved")
        folder.status.symlink_to(elsewhere)
        client.post("/do/resume")
        html = client.get("/").text
    assert "secret" not in html
    assert "The folder is out of reach" in html


# --- the token


REACHABLE = "0.0.0.0:0"


def test_an_address_that_others_can_reach_needs_the_link_that_is_shown_once(
    folder: FolderPaths, tmp_path: Path
) -> None:
    finished(folder, "cat")
    state = tmp_path / "state"
    with served(folder, address=REACHABLE, state=state) as page:
        assert page.token is not None
        assert page.process.stderr is not None
        assert "unencrypted" in page.process.stderr.readline()
        with page.client() as client:
            for target in (
                "/",
                "/gallery",
                "/original/outbox/cat.png",
                "/events",
                "/static/page.js",
            ):
                assert client.get(target).status_code == 401
            assert client.post("/do/pause").status_code == 401
            assert client.get("/", params={"token": "wrong"}).status_code == 401
            entered = client.get("/", params={"token": page.token})
            assert entered.status_code == 200
            cookie = entered.headers["set-cookie"].lower()
            assert "httponly" in cookie
            assert "samesite=strict" in cookie
            assert "<nav" in client.get("/").text
    with served(folder, address=REACHABLE, state=state) as page:
        assert page.token is None  # not shown again


def test_a_new_link_counts_at_once_and_the_old_one_and_its_cookie_are_void(
    folder: FolderPaths, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    with served(folder, address=REACHABLE, state=state) as page, page.client() as client:
        client.get("/", params={"token": page.token})
        assert client.get("/").status_code == 200
        command = f"page --hot {folder.root} --address 0.0.0.0:{page.port} --new-token".split()
        program = f"from hotfolder.cli.main import main; raise SystemExit(main({command}))"
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "XDG_STATE_HOME": str(state)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert client.get("/").status_code == 401
        assert client.get("/", params={"token": page.token}).status_code == 401
        new = done.stderr.partition("?token=")[2].split()[0]
        assert client.get("/", params={"token": new}).status_code == 200
        assert client.get("/").status_code == 200


def test_the_token_is_kept_as_a_hash_for_this_user_alone(
    folder: FolderPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    with served(folder, address=REACHABLE, state=state) as page:
        assert page.token is not None
        file = token_file(folder.root)
        assert file.stat().st_mode & 0o777 == 0o600
        assert page.token not in file.read_text()
        kept = [path.read_bytes() for path in folder.root.rglob("*") if path.is_file()]
        assert not any(page.token.encode() in data for data in kept)


def test_guessing_tokens_is_slowed_down(folder: FolderPaths, tmp_path: Path) -> None:
    with (
        served(folder, address=REACHABLE, state=tmp_path / "state") as page,
        page.client() as client,
    ):
        answers = [client.get("/", params={"token": str(n)}).status_code for n in range(12)]
        assert answers[:10] == [401] * 10
        assert answers[10:] == [429, 429]
        assert client.get("/", params={"token": page.token}).status_code == 429


def test_loopback_needs_no_token_and_nobody_else_reaches_it(page: Served) -> None:
    assert page.token is None
    others = {
        info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    } - {"127.0.0.1"}
    for other in others:
        with socket.socket() as reached:
            reached.settimeout(2)
            assert reached.connect_ex((str(other), page.port)) != 0


# --- pictures


def test_a_picture_that_unpacks_to_gigabytes_has_no_thumbnail_and_the_page_lives(
    folder: FolderPaths, page: Served
) -> None:
    finished(folder, "cat")
    bomb = folder.outbox / "bomb.png"
    Image.new("1", (30_000, 30_000)).save(bomb)
    (folder.outbox / "bomb.result.yaml").write_text("name: bomb\n")
    (folder.outbox / "broken.png").write_bytes((folder.outbox / "cat.png").read_bytes()[:60])
    with page.client() as client:
        for name in ("bomb", "broken"):
            answer = client.get(f"/thumb/small/outbox/{name}.png", timeout=60)
            assert answer.headers["content-type"] == "image/svg+xml"
        made = client.get("/thumb/small/outbox/cat.png")
        assert made.headers["content-type"] == "image/webp"
        assert made.content[8:12] == b"WEBP"


def test_the_page_decodes_no_picture_itself(folder: FolderPaths, page: Served) -> None:
    finished(folder, "cat")
    with page.client() as client:
        client.get("/")
        client.get("/gallery/cat")
        client.get("/thumb/small/outbox/cat.png")
    mapped = Path(f"/proc/{page.process.pid}/maps").read_text()
    assert "python" in mapped
    for library in ("_imaging", "numpy", "torch", "imagecodecs"):
        assert library not in mapped
