"""Uploads that were broken off: Gradio leaves what had arrived of them, and never looks at it again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

__all__ = ["delete_parts", "delete_parts_hourly"]

ONE_HOUR = 60 * 60


def delete_parts(folder: Path, *, unchanged_s: float = ONE_HOUR) -> int:
    """Delete the parts of uploads that have not grown for a while; how many there were.

    An upload arrives in a file beside the others and is moved to a folder of its own when it is complete
    (``GradioMultiPartParser`` in ``gradio/route_utils.py``), so what stays a file here was broken off.

    Args:
        folder: Gradio's folder of uploads.
        unchanged_s: Seconds; a slow upload still grows.
    """
    oldest, deleted = time.time() - unchanged_s, 0
    for path in folder.glob("tmp*"):
        with suppress(OSError):  # another program may be quicker
            if path.is_file() and not path.is_symlink() and path.stat().st_mtime < oldest:
                path.unlink()
                deleted += 1
    return deleted


def delete_parts_hourly(folder: Path) -> Callable[[], None]:
    """Begin to delete them, now and then every hour; what is returned ends it."""
    told_to_end = threading.Event()

    def work() -> None:
        while True:
            delete_parts(folder)
            if told_to_end.wait(ONE_HOUR):
                return

    threading.Thread(target=work, name="broken uploads", daemon=True).start()
    return told_to_end.set
