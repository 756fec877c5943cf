"""Programs of the machine that some tests drive.

On a continuous-integration machine (``CI`` is set) a missing program is a failure: there every test must run.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_program(
    names: tuple[str, ...], needed_for: str, package: str, *, folders: Sequence[Path] = ()
) -> str:
    """Path of the first of some programs; without any, the test is skipped, or fails under CI.

    Args:
        names: Any of them will do.
        needed_for: What cannot be tested without it.
        package: The Debian package that has it.
        folders: Where to look, beside the user's own path.
    """
    path = os.pathsep.join([os.environ["PATH"], *map(str, folders)])
    for name in names:
        if found := shutil.which(name, path=path):
            return found
    reason = f"{names[0]} is not installed; needed for {needed_for}: sudo apt-get install {package}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
