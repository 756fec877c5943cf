"""Records on a disk that is full or read-only, in a mount namespace of its own.

``python small_disk.py FOLDER full|readonly`` mounts a small file system on FOLDER and prints what a recorder
says as JSON. It must run under ``unshare --mount`` (and ``--map-root-user``, unless by root).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from support.streams import moments

from emotion.storage.database import Database
from emotion.storage.queries import Selection, sessions
from emotion.storage.recorder import Origin, Recorder

FRAMES = 600


def wait_until(condition: Callable[[], bool]) -> None:
    """Return when it is so; the caller checks what matters."""
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)


def full(folder: Path) -> dict[str, object]:
    """The disk is full for a while, then there is room."""
    recorder = Recorder(Database(str(folder / "records.db")))
    recording = recorder.start(Origin("a" * 64, "webcam"))
    stream = moments(FRAMES)
    for _ in range(10):
        recording.add(next(stream))
    wait_until(lambda: recorder.status.written > 0)
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
    for moment in stream:
        recording.add(moment)
    wait_until(lambda: recorder.status.error is not None)
    while_full = asdict(recorder.status)
    filler.unlink()
    after = asdict(recorder.close())
    with Database(str(folder / "records.db")).begin() as connection:
        [session] = sessions(connection, Selection(None))
    return {"while_full": while_full, "after": after, "frames": session.frames}


def readonly(folder: Path) -> dict[str, object]:
    """The disk can be read only, all the time."""
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    recorder = Recorder(Database(str(folder / "records.db")))
    recording = recorder.start(Origin("a" * 64, "webcam"))
    for moment in moments(FRAMES):
        recording.add(moment)
    wait_until(lambda: recorder.status.error is not None)
    return {"status": asdict(recorder.status)}


if __name__ == "__main__":
    mounted, fault = Path(sys.argv[1]), {"full": full, "readonly": readonly}[sys.argv[2]]
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(mounted)], check=True)
    print(json.dumps(fault(mounted)))
