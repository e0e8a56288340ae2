"""How the page behaves for people: screen readers, phones, keyboards, no JavaScript, no jumps."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import looking
from playwright.sync_api import Browser, Request, expect
from support_page import finished, served, write_server, write_status

from hotfolder.paths import FolderPaths

PAGES = ("/", "/gallery", "/gallery/cat", "/failed", "/drop", "/styles", "/bin", "/nothing")

MAX_BYTES = 100_000
"""Of a page without its pictures, as it comes over the network."""


@pytest.fixture(scope="module")
def shown(
    tmp_path_factory: pytest.TempPathFactory, photograph: Path, painting: Path
) -> FolderPaths:
    """A hot folder with something of everything, which nobody serves."""
    folder = FolderPaths(tmp_path_factory.mktemp("shown") / "hot")
    folder.create()
    for name in ("night.png", "evening.png"):
        shutil.copyfile(painting, folder.styles / name)
    for name in ("cat", "heron", "a-very-long-name-" * 6):
        finished(folder, name, originals=True)
    failed = folder.failed / "castle"
    failed.mkdir()
    (failed / "error.txt").write_text("castle.yaml, line 3: style_wieght: unknown key")
    shutil.copyfile(photograph, failed / "castle.content.png")
    write_server(folder, strays=["IMG_1234.jpg (a picture that no job names)"])
    step = {"id": "2026-1", "step": 30, "steps": 60, "fraction": 0.5, "eta_seconds": 60.0}
    write_status(folder, "portrait", "running", **step, preview="status/portrait.preview.jpg")
    shutil.copyfile(photograph, folder.status / "portrait.preview.jpg")
    write_status(folder, "dog", "queued", position=1)
    write_status(folder, "bridge", "held", message="held: lacks a style picture")
    write_status(folder, "holiday", "running", message="batch: 1 done of 2", fraction=0.5)
    finished(folder, "binned")
    return folder


@pytest.fixture(scope="module")
def address(shown: FolderPaths) -> Iterator[str]:
    with served(shown) as page:
        with page.client() as client:
            client.post("/do/delete", data={"name": "binned"})
        yield page.address


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_to_complain_of(browser: Browser, address: str, dark: bool) -> None:
    axe = Axe()
    with looking(browser, address, dark=dark) as eyes:
        for path in PAGES:
            eyes.page.goto(path)
            for details in eyes.page.locator("details").all():
                details.evaluate("it => it.open = true")
            found = axe.run(eyes.page)
            assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        eyes.complaints = [text for text in eyes.complaints if "404" not in text]


@pytest.mark.parametrize("width", [360, 768, 2200])
def test_nothing_is_wider_than_the_window(browser: Browser, address: str, width: int) -> None:
    with looking(browser, address, width=width, height=800) as eyes:
        for path in PAGES:
            eyes.page.goto(path)
            assert eyes.page.evaluate("document.documentElement.scrollWidth") <= width, path
            eyes.keep(f"{path.strip('/').replace('/', '-') or 'now'}-{width}")
        eyes.complaints = [text for text in eyes.complaints if "404" not in text]


def test_a_phones_buttons_are_large_enough_for_a_finger(browser: Browser, address: str) -> None:
    with looking(browser, address, width=360, height=800) as eyes:
        eyes.page.goto("/")
        for button in eyes.page.locator("button, nav a, a.button").all():
            box = button.bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) >= 36
            assert box["height"] < 60  # its words on one line
            assert box["x"] + box["width"] <= 360


def test_everything_can_be_read_without_javascript(browser: Browser, address: str) -> None:
    with looking(browser, address, script=False) as eyes:
        page = eyes.page
        page.goto("/")
        expect(page.locator("article.running")).to_contain_text("step 30 of 60")
        expect(page.locator(".queue")).to_contain_text("lacks a style picture")
        page.get_by_role("link", name="Gallery").click()
        page.get_by_role("link", name="heron").click()
        expect(page.locator(".compare img")).to_have_count(2)
        page.locator("summary").click()
        expect(page.locator(".settings")).to_contain_text("style_weight")
        page.goto("/")
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_role("button", name="Resume")).to_be_visible()
        page.get_by_role("button", name="Resume").click()


def test_it_is_worked_by_the_keyboard(browser: Browser, address: str) -> None:
    with looking(browser, address) as eyes:
        page = eyes.page
        page.goto("/gallery")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.keyboard.press("Tab")
        page.keyboard.type("her")
        page.keyboard.press("Enter")
        expect(page.locator(".card")).to_have_count(1)


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_jumps_and_no_focus_is_lost_as_news_come(
    browser: Browser, address: str, shown: FolderPaths, width: int
) -> None:
    with looking(browser, address, width=width) as eyes:
        page = eyes.page
        page.goto("/")
        expect(page.locator(".queue")).to_contain_text("dog")
        button = page.get_by_role("button", name="Cancel dog")
        button.focus()
        for step in range(31, 41):
            fraction = step / 60
            losses = {"content": 1e6 / step, "style": 9e6 / step, "tv": 0.0, "total": 1e7 / step}
            write_status(
                *(shown, "portrait", "running"),
                **{"id": "2026-1", "step": step, "steps": 60, "fraction": fraction},
                **{"eta_seconds": 120.0 - step, "losses": losses, "device": "cpu"},
                preview="status/portrait.preview.jpg",
            )
            expect(page.locator(".counts")).to_contain_text(f"step {step} of 60")
        assert button.evaluate("it => it === document.activeElement")
        assert sum(shift[0] for shift in eyes.shifts()) < 0.02, eyes.shifts()


def test_a_page_weighs_less_than_a_hundred_kilobytes_without_its_pictures(
    browser: Browser, address: str
) -> None:
    for path in ("/", "/gallery", "/drop"):
        with looking(browser, address) as eyes:  # Nothing is in its cache.
            requests: list[Request] = []
            eyes.page.on("requestfinished", lambda request: requests.append(request))  # noqa: B023
            eyes.page.goto(path, wait_until="load")
            sizes = [
                request.sizes()
                for request in requests
                if request.resource_type not in ("image", "eventsource")
            ]
            assert len(sizes) >= 5  # the page, its style, three scripts; sometimes its icon
            total = sum(each["responseBodySize"] + each["responseHeadersSize"] for each in sizes)
            assert 10_000 < total < MAX_BYTES


def test_thousands_of_paintings_are_scrolled_through_as_they_are_needed(
    browser: Browser, tmp_path: Path
) -> None:
    folder = FolderPaths(tmp_path / "hot")
    folder.create()
    picture = finished(folder, "original", time=1_600_000_000)
    record = folder.outbox / "original.result.yaml"
    for number in range(10_000):
        os.link(picture, folder.outbox / f"cat-{number:05}.png")
        os.link(record, folder.outbox / f"cat-{number:05}.result.yaml")
    with served(folder) as page, looking(browser, page.address) as eyes:
        eyes.page.goto("/gallery")
        cards = eyes.page.locator(".card .name")
        shown = cards.count()
        assert shown == 48
        for _ in range(4):
            eyes.page.locator("li.more").scroll_into_view_if_needed()
            expect(cards.nth(shown)).to_be_attached()
            shown = cards.count()
        names = cards.all_text_contents()
        assert names == sorted(set(names), reverse=True)
        assert shown < 1000


def test_a_real_browser_is_kept_out_without_the_token(
    browser: Browser, shown: FolderPaths, tmp_path: Path
) -> None:
    with (
        served(shown, address="0.0.0.0:0", state=tmp_path / "state") as page,
        looking(browser, page.address) as eyes,
    ):
        eyes.page.goto("/")
        expect(eyes.page.get_by_text("This page needs its link")).to_be_visible()
        eyes.page.get_by_label("Token").fill(page.token or "")
        eyes.page.get_by_role("button", name="Go in").click()
        expect(eyes.page.locator(".queue")).to_contain_text("dog")
        assert "token" not in eyes.page.url
        eyes.complaints = [text for text in eyes.complaints if "401" not in text]
