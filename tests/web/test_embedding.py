"""Pages of another site with the app inside: an element, and a frame."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect
from support.browser import PATIENCE_MS
from support.places import ROOT
from support.running_app import Server

PAGES = ROOT / "examples" / "embed"
AS_WRITTEN = "http://127.0.0.1:7860"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Another web site, whose pages name the running app."""
    folder = tmp_path_factory.mktemp("site")
    for page in PAGES.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert AS_WRITTEN in text
        (folder / page.name).write_text(text.replace(AS_WRITTEN, server.url), encoding="utf-8")
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{other.server_port}"
        other.shutdown()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[tuple[Page, list[str]]]:
    """A window, and every address that it asks for."""
    window = browser.new_page(viewport={"width": 1100, "height": 900})
    window.set_default_timeout(PATIENCE_MS)
    asked: list[str] = []
    window.on("request", lambda request: asked.append(request.url))
    yield window, asked
    window.close()


def read_a_picture(app: Page | FrameLocator, picture: Path) -> None:
    app.locator("#picture input[type=file]").set_input_files(picture)
    expect(app.locator("#summary")).to_contain_text("1 face", timeout=PATIENCE_MS)
    expect(app.locator("#results")).to_contain_text("happy")


def test_the_element(
    site: str, server: Server, visitor: tuple[Page, list[str]], portrait: Path
) -> None:
    page, asked = visitor
    page.goto(f"{site}/element.html")
    read_a_picture(page, portrait)
    foreign = [url for url in asked if not url.startswith((site, server.url, "data:", "blob:"))]
    assert foreign == []


def test_the_frame(
    site: str, server: Server, visitor: tuple[Page, list[str]], portrait: Path
) -> None:
    page, asked = visitor
    page.goto(f"{site}/frame.html")
    read_a_picture(page.frame_locator("iframe"), portrait)
    foreign = [url for url in asked if not url.startswith((site, server.url, "data:", "blob:"))]
    assert foreign == []
