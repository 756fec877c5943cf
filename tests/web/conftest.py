"""The real app as its users start it, and a real browser in front of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright
from support.browser import PATIENCE_MS, QUIET
from support.running_app import Server, watched_app

from emotion.images import read_image

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """``python app.py`` on a free port, with temporary folders of its own."""
    with watched_app(tmp_path_factory.mktemp("server")) as app:
        yield app


# Playwright keeps an event loop in this thread, so it is let go at the end of each module.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="module")
def launch(playwright: Playwright, chromium: str) -> Iterator[Callable[..., Browser]]:
    """Starts Chromium with further flags; closes what it started at the end of the module."""
    browsers: list[Browser] = []

    def start(*flags: str) -> Browser:
        browser = playwright.chromium.launch(executable_path=chromium, args=[*QUIET, *flags])
        browsers.append(browser)
        return browser

    yield start
    for browser in browsers:
        browser.close()


@pytest.fixture(scope="module")
def browser(launch: Callable[..., Browser]) -> Browser:
    """A desktop Chromium."""
    return launch()


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """The app in a window of its own."""
    context = browser.new_context(accept_downloads=True, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    window = context.new_page()
    window.goto(server.url)
    yield window
    context.close()


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory, portrait: Path) -> dict[str, Path]:
    """A short video with a face, and a long one that nobody wants to wait for."""
    folder = tmp_path_factory.mktemp("videos")
    picture = cv2.resize(read_image(portrait), (480, 480))
    made = {}
    for name, seconds in (("short", 2), ("long", 60)):
        made[name] = folder / f"{name}.mp4"
        with av.open(str(made[name]), "w") as out:
            stream = out.add_stream("libx264", rate=15, options={"preset": "ultrafast"})
            stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
            for number in range(seconds * 15):
                image = np.full((480, 640, 3), 110, np.uint8)
                left = 80 + round(70 * math.sin(number / 8))
                image[:, left : left + 480] = picture
                out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            out.mux(stream.encode())
    return made
