"""Writes rows in batches on a thread of its own, so that a slow or dead database never stops a stream.

What cannot be written yet waits in a bounded buffer. When that is full, new observations are lost and
counted; what was written stays. Each batch is one transaction that names how many rows came before it: a
batch whose outcome is unknown, because the connection broke, is never written twice.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, insert, select, update

from emotion.errors import StorageError
from emotion.storage.database import Database
from emotion.storage.rows import Row, SessionInfo, second_rows
from emotion.storage.schema import OBSERVATION, SECOND, SESSION
from emotion.types import Emotion

__all__ = ["CAPACITY", "SessionTail", "Writer", "WriterStatus", "write_rows"]

CAPACITY = 50_000
"""Rows that may wait: eighty minutes of one face ten times a second, about 40 MB."""

FLUSH_S = 1.0
"""What a process that is killed loses at most."""

BATCH = 5_000
"""Most rows of one transaction."""

RETRY_S = (1.0, 2.0, 5.0, 10.0)
"""Pauses after one, two, three and more failures in a row."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WriterStatus:
    """How the writer is doing.

    Attributes:
        waiting: Rows in the buffer.
        written: Rows written since the start.
        lost: Rows that found the buffer full or whose session was deleted meanwhile.
        error: Why nothing can be written right now, or None.
    """

    waiting: int
    written: int
    lost: int
    error: str | None


@dataclass(slots=True)
class SessionTail:
    """One recording as the writer sees it.

    Attributes:
        info: What it started with.
        tracks: Number of different faces so far.
        accepted: Rows taken into the buffer so far.
        stored: Whether its row in ``emotion_session`` is written.
        seconds: Rows of ``emotion_second`` written so far.
        deleted: Whether somebody deleted the session while it was recorded.
    """

    info: SessionInfo
    tracks: set[int] = field(default_factory=set)
    accepted: int = 0
    stored: bool = False
    seconds: int = 0
    deleted: bool = False


class Writer:
    """Takes rows from any thread and writes them.

    Args:
        database: Where to.
        capacity: Rows that may wait.
    """

    def __init__(self, database: Database, *, capacity: int = CAPACITY) -> None:
        self._database = database
        self._capacity = capacity
        self._buffer: deque[tuple[SessionTail, list[Row]]] = deque()
        self._wake = threading.Condition()
        self._waiting = self._written = self._lost = self._failures = 0
        self._error: str | None = None
        self._closing = False
        self._thread: threading.Thread | None = None

    @property
    def status(self) -> WriterStatus:
        """A snapshot; costs nothing."""
        with self._wake:
            return WriterStatus(self._waiting, self._written, self._lost, self._error)

    def put(self, tail: SessionTail, rows: list[Row]) -> bool:
        """Hand over the rows of one frame; False if they are lost. Never waits for the database."""
        with self._wake:
            if tail.deleted or self._closing or self._waiting + len(rows) > self._capacity:
                self._lost += len(rows)
                return False
            self._buffer.append((tail, rows))
            self._waiting += len(rows)
            tail.accepted += len(rows)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="records", daemon=True)
                self._thread.start()
            return True

    def close(self, timeout_s: float) -> WriterStatus:
        """Write what waits, and end; what cannot be written in time is lost."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join(timeout_s)
        with self._wake:
            self._lost, self._waiting = self._lost + self._waiting, 0
            self._buffer.clear()
            return WriterStatus(0, self._written, self._lost, self._error)

    def _run(self) -> None:
        while True:
            with self._wake:
                pause = (
                    RETRY_S[min(self._failures, len(RETRY_S)) - 1] if self._failures else FLUSH_S
                )
                if not self._closing and self._waiting < BATCH:
                    self._wake.wait(pause)
                elif self._failures:
                    self._wake.wait(0.2 if self._closing else pause)
                batch = self._take()
                if not batch and self._closing:
                    return
            if batch:
                self._write(batch)

    def _take(self) -> list[tuple[SessionTail, list[Row]]]:
        """The oldest entries, left in the buffer until they are written."""
        taken: list[tuple[SessionTail, list[Row]]] = []
        rows = 0
        for entry in self._buffer:
            if taken and rows + len(entry[1]) > BATCH:
                break
            taken.append(entry)
            rows += len(entry[1])
        return taken

    def _write(self, batch: Sequence[tuple[SessionTail, list[Row]]]) -> None:
        by_session: dict[int, tuple[SessionTail, list[Row]]] = {}
        for tail, rows in batch:
            by_session.setdefault(tail.info.id, (tail, []))[1].extend(rows)
        lost = 0
        try:
            with self._database.begin(create=True) as connection:
                outcomes = [
                    write_rows(connection, tail, rows) for tail, rows in by_session.values()
                ]
        except StorageError as error:
            self._note_failure(str(error))
            return
        except Exception as error:  # the thread must live on
            log.exception("Records could not be written")
            self._note_failure(f"Records cannot be written: {error}")
            return
        for (tail, rows), seconds in zip(by_session.values(), outcomes, strict=True):
            tail.stored = True
            if seconds is None:
                tail.deleted, lost = True, lost + len(rows)
            else:
                tail.seconds = seconds
                tail.tracks.update(row["track_id"] for row in rows if row["track_id"] is not None)
        with self._wake:
            done = sum(len(rows) for _, rows in batch)
            for _ in batch:
                if self._buffer:
                    self._buffer.popleft()
            self._waiting = max(self._waiting - done, 0)
            self._written, self._lost = self._written + done - lost, self._lost + lost
            self._failures, self._error = 0, None

    def _note_failure(self, message: str) -> None:
        with self._wake:
            self._failures += 1
            if self._error != message:
                log.warning("%s", message)
            self._error = message


def write_rows(connection: Connection, tail: SessionTail, rows: Sequence[Row]) -> int | None:
    """Write consecutive rows of one session in an open transaction.

    Returns:
        How many rows of ``emotion_second`` the session now has; None if somebody deleted it.
    """
    info = tail.info
    first, after = rows[0]["n"], rows[-1]["n"] + 1
    where = SESSION.c.id == info.id
    current = connection.execute(
        select(SESSION.c.observations, SESSION.c.seconds).where(where).with_for_update()
    ).first()
    if current is None:
        if tail.stored or first > 0:
            return None
        connection.execute(insert(SESSION).values(_session_row(info)))
    elif current.observations >= after:
        return int(
            current.seconds
        )  # the connection broke after the commit, and this is the second try
    sums = second_rows(rows, current.seconds if current else 0, tail.tracks)
    tracks = tail.tracks | {row["track_id"] for row in rows if row["track_id"] is not None}
    labels = Counter(row["label"] for row in rows)
    connection.execute(
        update(SESSION)
        .where(where)
        .values(
            last_ms=max(row["at_ms"] for row in rows),
            frames=SESSION.c.frames + len({row["frame"] for row in rows}),
            faces=len(tracks),
            observations=after,
            seconds=sums[-1]["n"] + 1,
            **{f"label_{e}": SESSION.c[f"label_{e}"] + labels[str(e)] for e in Emotion},
        )
    )
    connection.execute(insert(OBSERVATION), list(rows))
    connection.execute(insert(SECOND), sums)
    return int(sums[-1]["n"]) + 1


def _session_row(info: SessionInfo) -> Row:
    return {
        "id": info.id,
        "owner": info.owner,
        "source": info.source,
        "title": info.title,
        "started_ms": info.started_ms,
        "last_ms": info.started_ms,
        "detector": info.detector,
        "weights": info.weights,
        "weights_sha256": info.weights_sha256,
        **{"frames": 0, "faces": 0, "observations": 0, "seconds": 0},
        **{f"label_{emotion}": 0 for emotion in Emotion},
    }
