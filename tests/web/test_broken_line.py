"""The line to the server breaks, stalls, or the server is started anew: the page and its work go on."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, expect
from support.running_app import running_app
from support.slow_line import LineControl, slow_line

from benchmarks.fake_camera import write_camera_video

if TYPE_CHECKING:
    from support.running_app import Server

PATIENCE_MS = 60_000


@dataclass
class Visit:
    """A page that reaches the app over a bad line."""

    page: Page
    line: LineControl
    loads: int = 0

    def open(self, tab: str) -> None:
        self.page.on("domcontentloaded", lambda _: setattr(self, "loads", self.loads + 1))
        self.page.goto(self.line.url)
        self.page.get_by_role("tab", name=tab).click()

    def start_camera(self) -> None:
        self.page.evaluate(
            "document.addEventListener('expressionframe', e => { window.last = e.detail })"
        )
        expect(self.page.get_by_role("button", name="Start camera")).to_be_enabled()
        self.page.get_by_role("button", name="Start camera").click()
        self.frames(10)

    def frames(self, count: int) -> None:
        """Wait for so many more answers."""
        now = self.page.evaluate("window.last?.n ?? 0")
        self.page.wait_for_function(f"window.last && window.last.n > {now} + {count}")


@pytest.fixture(scope="module")
def filming(
    launch: Callable[..., Browser], portrait: Path, tmp_path_factory: pytest.TempPathFactory
) -> Browser:
    """A browser whose camera shows a face."""
    video = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
    write_camera_video(portrait, video, seconds=4)
    return launch(
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={video}",
    )


@pytest.fixture
def visit(filming: Browser, server: Server) -> Iterator[Visit]:
    context = filming.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    with slow_line(port_of(server.url)) as line:
        yield Visit(context.new_page(), line)
        context.close()


@pytest.mark.parametrize("fault", ["cut 0.2", "cut 3", "stall 6"])
def test_the_camera_goes_on_with_its_session(visit: Visit, fault: str) -> None:
    visit.open("Webcam")
    visit.start_camera()
    before = visit.page.evaluate("window.last.frame")
    what, seconds = fault.split()
    visit.line.do(what, float(seconds))
    if float(seconds) > 1:
        expect(visit.page.locator(".live-note")).to_contain_text("out of reach")
    visit.frames(10)
    assert visit.page.evaluate("window.last.frame") > before, "the same session"
    expect(visit.page.locator(".live-note")).not_to_contain_text("out of reach")
    assert visit.loads == 1
    expect(visit.page.get_by_role("tab", selected=True)).to_have_text("Webcam")


def test_frames_are_shown_in_order_over_a_long_line(visit: Visit) -> None:
    visit.open("Webcam")
    visit.line.do("delay", 0.15)
    visit.page.evaluate("""
        window.shown = [];
        document.addEventListener('expressionframe', e => { window.shown.push(e.detail) });
    """)
    visit.start_camera()
    visit.page.wait_for_function("window.shown.length > 30")
    shown = visit.page.evaluate("window.shown.map(d => [d.n, d.frame])")
    assert shown == sorted(shown)
    assert max(visit.page.evaluate("window.shown.map(d => d.figures.in_flight)")) > 1


def test_on_a_slow_line_pictures_become_smaller(visit: Visit) -> None:
    visit.open("Webcam")
    visit.start_camera()
    visit.line.do("upload", 16_000)
    visit.page.wait_for_function("window.last.figures.side < 300 && window.last.faces.length === 1")


def test_a_picture_is_read_although_the_line_broke(visit: Visit, portrait: Path) -> None:
    visit.open("Image")
    expect(visit.page.locator("#picture input[type=file]")).to_be_attached()
    visit.line.do("cut", 3)
    visit.page.locator("#picture input[type=file]").set_input_files(portrait)
    expect(visit.page.locator("#line-notice")).to_contain_text("Trying again")
    expect(visit.page.locator("#results")).to_contain_text("happy", timeout=PATIENCE_MS)
    expect(visit.page.locator("#line-notice")).to_be_hidden()
    assert visit.loads == 1


def test_a_video_is_read_on_while_the_line_is_broken(visit: Visit, videos: dict[str, Path]) -> None:
    visit.open("Video")
    visit.page.locator("#video input[type=file]").set_input_files(videos["long"])
    expect(visit.page.locator("#video")).to_contain_text("long")
    visit.page.locator("#video-start").click()
    progress = visit.page.locator("#video-progress")
    expect(progress).to_contain_text("left", timeout=PATIENCE_MS)
    visit.line.do("cut", 3)
    expect(progress).to_contain_text("goes on reading", timeout=PATIENCE_MS)
    expect(progress).to_contain_text("left", timeout=PATIENCE_MS)
    assert visit.loads == 1
    visit.page.locator("#video-cancel").click()
    expect(progress).to_contain_text("Stopped", timeout=PATIENCE_MS)


class BreaksOff(BaseHTTPRequestHandler):
    """Promises more than it sends, as a connection that breaks."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", "9999")
        self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()
        self.wfile.write(b'data: {"msg": "estimation"}\n\ndata: {"msg": "proce')
        time.sleep(0.5)  # Chromium drops what arrives together with the break

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.mark.parametrize("how", ["breaks", "forgets"])
def test_a_stream_of_results_that_breaks_is_a_message_and_no_reload(visit: Visit, how: str) -> None:
    """What Gradio's script gets of a queued event whose stream breaks, or whose session nobody knows."""
    visit.open("Image")
    visit.page.wait_for_function("window.keepsPage")
    with ThreadingHTTPServer(("127.0.0.1", 0), BreaksOff) as broken:
        Thread(target=broken.serve_forever, daemon=True).start()
        site = f"http://127.0.0.1:{broken.server_port}" if how == "breaks" else visit.line.url
        url = f"{site}/gradio_api/queue/data?session_hash=nobody"
        text = visit.page.evaluate("url => fetch(url).then(r => r.text())", url)
        broken.shutdown()
    assert ('data: {"msg": "estimation"}\n\n' in text) == (how == "breaks")
    assert "session_not_found" not in text
    *_, message, end, rest = text.split("\n\n")
    assert '"process_completed"' in message
    assert "Please try again" in message
    assert (end, rest) == ('data: {"msg":"close_stream"}', "")


def test_a_server_that_is_started_anew_begins_a_new_session(
    filming: Browser, tmp_path: Path
) -> None:
    context = filming.new_context()
    context.set_default_timeout(PATIENCE_MS)
    with contextlib.ExitStack() as first, contextlib.ExitStack() as stack:
        app = first.enter_context(running_app(tmp_path / "first"))
        line = stack.enter_context(slow_line(port_of(app.url)))
        visit = Visit(context.new_page(), line)
        visit.open("Webcam")
        visit.start_camera()
        visit.frames(20)
        first.close()
        expect(visit.page.locator(".live-note")).to_contain_text("out of reach")
        again = stack.enter_context(running_app(tmp_path / "second"))
        line.do("target", port_of(again.url))
        visit.page.wait_for_function("window.last.frame < 10")
        visit.frames(10)
        assert visit.loads == 1
        context.close()


def port_of(url: str) -> int:
    return int(url.rsplit(":", 1)[1])
