"""What several tests need: a browser, ffmpeg, a free port, a picture with one face."""

from __future__ import annotations

import os
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


LONGEST_FIRST = ("training", "storage", "web", "commands", "weights")
"""Folders whose tests start programs and wait for them. They begin first, so that no process is left alone
with a long file at the end."""


def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores: many tests wait for a server or a clock."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first; and tests that drive a browser can be chosen by themselves: ``-m browser``."""
    order = {folder: place for place, folder in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: order.get(item.path.parent.name, len(order)))
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
