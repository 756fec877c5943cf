"""What streams talk to: start a recording, hand over moments, stop. Nothing here waits for the database."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from emotion.moments import Moment
from emotion.pipeline import EmotionPipeline
from emotion.results import is_due
from emotion.storage.database import Database
from emotion.storage.rows import SessionInfo, observation_rows
from emotion.storage.schema import TITLE_LENGTH
from emotion.storage.writer import CAPACITY, SessionTail, Writer, WriterStatus
from emotion.weights.config import DEFAULT_RUNTIME

__all__ = ["Origin", "Recorder", "Recording", "owner_hash", "session_name", "session_number"]


def owner_hash(kind: str, name: str) -> str:
    """Whose records these are: SHA-256, so that the database names nobody.

    Args:
        kind: ``user`` (somebody who logged in), ``browser`` (its random token) or
            ``command`` (the command line).
        name: The user's name or the token.
    """
    return hashlib.sha256(f"emotion records\0{kind}\0{name}".encode()).hexdigest()


def session_name(number: int) -> str:
    """The number of a session as people see it: twelve hexadecimal digits."""
    return f"{number:012x}"


def session_number(name: str) -> int | None:
    """The number behind :func:`session_name`, or None if this is no such name."""
    try:
        return int(name, 16) if 0 < len(name) <= 12 else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a recording comes from.

    Attributes:
        owner: See :func:`owner_hash`.
        source: ``webcam``, ``video`` or ``image``.
        title: Name of the file, without its folder; empty for a webcam.
        detector: Its name.
        weights: Name of the network.
        weights_sha256: Hash of its file, or empty.
    """

    owner: str
    source: str
    title: str = ""
    detector: str = ""
    weights: str = ""
    weights_sha256: str = ""

    @classmethod
    def of(cls, pipeline: EmotionPipeline, owner: str, source: str, title: str = "") -> Origin:
        """The origin of what a pipeline reads."""
        spec = pipeline.classifier.spec
        file = spec.files.get(spec.runtime(DEFAULT_RUNTIME))
        sha256 = file.sha256 if file else ""
        return cls(owner, source, title, pipeline.detector.name, spec.name, sha256)


class Recording:
    """One stream that is being recorded. Safe to use from several threads.

    Args:
        info: What is known at the start.
        writer: Takes the rows.
        every_s: Frames closer together than this are left out, as in a session's CSV; 0 keeps all.
        last_s: Time of the frame that was kept before the first one, or None.
    """

    def __init__(
        self, info: SessionInfo, writer: Writer, every_s: float, last_s: float | None = None
    ) -> None:
        self.info = info
        self._writer = writer
        self._every_s = every_s
        self._tail = SessionTail(info)
        self._last_s = last_s
        self._lock = threading.Lock()
        self._stopped = False

    @property
    def name(self) -> str:
        """The session's name in the dashboard and on the command line."""
        return session_name(self.info.id)

    @property
    def deleted(self) -> bool:
        """Whether somebody deleted this session while it was recorded; then nothing more is kept."""
        return self._tail.deleted

    def add(self, moment: Moment) -> None:
        """Keep a frame. Never waits and never raises; what no longer fits is lost and counted."""
        with self._lock:
            if self._stopped or not is_due(self._last_s, moment.time_s, self._every_s):
                return
            self._last_s = moment.time_s
            self._writer.put(self._tail, observation_rows(self.info, moment, self._tail.accepted))

    def stop(self) -> None:
        """Keep nothing more. What waits is still written."""
        with self._lock:
            self._stopped = True


class Recorder:
    """Makes recordings in one database. A server and a command have one each.

    Args:
        database: Where to; it is created with the first recording.
        clock: Seconds since 1970, read once for each recording. Within a recording the stream's own time
            counts, so a clock that is set back while it runs disorders nothing.
        capacity: Rows that may wait for the database.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], float] = time.time,
        capacity: int = CAPACITY,
    ) -> None:
        self.database = database
        self._clock = clock
        self._writer = Writer(database, capacity=capacity)

    @property
    def status(self) -> WriterStatus:
        """How much waits, is written and is lost, and why."""
        return self._writer.status

    def start(
        self,
        origin: Origin,
        *,
        every_s: float = 0.0,
        time_s: float = 0.0,
        last_s: float | None = None,
    ) -> Recording:
        """Begin a recording.

        Args:
            origin: Where it comes from.
            every_s: Frames closer together than this are left out; 0 keeps all.
            time_s: The stream's time now, if it is already running.
            last_s: Time of the frame that the stream's session kept last, so that both keep the same ones.
        """
        info = SessionInfo(
            id=secrets.randbits(48),
            owner=origin.owner,
            source=origin.source,
            title=Path(origin.title).name[:TITLE_LENGTH],
            started_ms=round((self._clock() - time_s) * 1000),
            detector=origin.detector,
            weights=origin.weights,
            weights_sha256=origin.weights_sha256,
        )
        return Recording(info, self._writer, every_s, last_s)

    def close(self, timeout_s: float = 5.0) -> WriterStatus:
        """Write what waits and end; what this returns says whether anything was lost.

        Args:
            timeout_s: How long a database that does not answer is waited for.
        """
        status = self._writer.close(timeout_s)
        self.database.close()
        return status
