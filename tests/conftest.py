"""What several tests need: a browser, ffmpeg, a free port, a picture with one face."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from support.places import ROOT
from support.programs import BROWSERS, find_program

# In the background, shells start programs with Ctrl-C switched off, and their children inherit that; the
# tests of Ctrl-C need it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of Chromium, for Playwright's ``executable_path``."""
    return find_program(BROWSERS, "browser tests", "chromium")


@pytest.fixture(scope="session")
def ffmpeg() -> str:
    """Path of ffmpeg, which makes the videos that tests read."""
    return find_program(("ffmpeg",), "tests with videos", "ffmpeg")


@pytest.fixture(scope="session")
def portrait() -> Path:
    """A picture with exactly one face, large and frontal."""
    return ROOT / "examples" / "astronaut.jpg"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that drive a browser can be chosen by themselves: ``-m browser``."""
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
