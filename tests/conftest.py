"""What several tests need: a browser, ffmpeg, a free port, a picture with one face.

On a continuous-integration machine (``CI`` is set) a missing program is a failure: there every test must run.
"""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

# In the background, shells start programs with Ctrl-C switched off, and their children inherit that; the
# tests of Ctrl-C need it.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_program(names: tuple[str, ...], needed_for: str, package: str) -> str:
    """Path of the first of some programs; without any, the test is skipped, or fails under CI."""
    for name in names:
        if path := shutil.which(name):
            return path
    reason = f"{names[0]} is not installed; needed for {needed_for}: sudo apt-get install {package}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of Chromium, for Playwright's ``executable_path``."""
    return find_program(BROWSERS, "browser tests", "chromium")


@pytest.fixture(scope="session")
def ffmpeg() -> str:
    """Path of ffmpeg, which makes the films that tests read."""
    return find_program(("ffmpeg",), "tests with films", "ffmpeg")


@pytest.fixture(scope="session")
def portrait() -> Path:
    """A picture with exactly one face, large and frontal."""
    return ROOT / "examples" / "astronaut.jpg"
