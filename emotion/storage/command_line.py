"""Recording for commands: the database is tried first, and at the end everything must have been written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from emotion.errors import StorageError
from emotion.moments import Moment, TrackedFace
from emotion.results import PictureRecord
from emotion.storage.database import Database
from emotion.storage.recorder import Origin, Recorder, owner_hash

__all__ = ["COMMAND_OWNER", "open_recorder", "record_picture"]

COMMAND_OWNER = owner_hash("command", "")
"""Owner of what commands record. No browser's dashboard shows it, unless it is shared."""

PATIENCE_S = 30.0


@contextmanager
def open_recorder(address: str) -> Iterator[Recorder]:
    """A recorder for the length of a command.

    Args:
        address: See :class:`emotion.storage.database.Database`.

    Raises:
        StorageError: If the database cannot be used, or if not everything could be written.
    """
    recorder = Recorder(Database(address))
    with recorder.database.begin(create=True):
        pass  # better known now than after an hour of work
    try:
        yield recorder
    finally:
        status = recorder.close(timeout_s=PATIENCE_S)
    if status.lost:
        raise StorageError(
            f"{status.lost:,} observations could not be written. {status.error or ''}".rstrip()
        )


def record_picture(recorder: Recorder, origin: Origin, picture: PictureRecord) -> None:
    """Keep one picture as a session of one frame; nothing if it could not be read."""
    if picture.error is not None:
        return
    faces = tuple(
        TrackedFace(
            replace(face, track_id=number),
            face.prediction.label,
            face.prediction,
            sure=face.prediction.sure,
        )
        for number, face in enumerate(picture.faces, start=1)
    )
    recording = recorder.start(replace(origin, title=picture.source))
    recording.add(Moment(0, 0.0, faces))
    recording.stop()
