"""What the dashboard and the command line ask: which sessions there are, and what they showed.

Every question is limited to an owner's sessions unless the caller says ``owner=None``. All of them but
:func:`observations` read the sums by second, a tenth of the rows or less.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from emotion.storage.schema import OBSERVATION, SECOND, SESSION

__all__ = [
    "Selection",
    "StoredSession",
    "count_sessions",
    "observations",
    "second_conditions",
    "session_conditions",
    "sessions",
]

CHUNK = 5_000
"""Rows that an export holds in memory."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records are meant.

    Attributes:
        owner: Hash of whose; None: everybody's.
        since_ms: From here on, in milliseconds since 1970; None: from the beginning.
        until_ms: Up to, but not including; None: to the end.
        source: ``webcam``, ``video`` or ``image``; None: all.
        session_ids: Only these sessions; None: all.
    """

    owner: str | None
    since_ms: int | None = None
    until_ms: int | None = None
    source: str | None = None
    session_ids: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A recording as it is kept; see ``schema.SESSION``."""

    id: int
    source: str
    title: str
    started_ms: int
    last_ms: int
    detector: str
    weights: str
    weights_sha256: str
    frames: int
    faces: int
    observations: int

    @property
    def duration_s(self) -> float:
        """Seconds from the start to the latest frame."""
        return (self.last_ms - self.started_ms) / 1000


def sessions(
    connection: Connection, wanted: Selection, *, limit: int = 1_000
) -> list[StoredSession]:
    """Recordings, the newest first."""
    columns = [SESSION.c[name] for name in StoredSession.__dataclass_fields__]
    query = select(*columns).where(*session_conditions(wanted))
    rows = connection.execute(
        query.order_by(SESSION.c.started_ms.desc(), SESSION.c.id).limit(limit)
    )
    return [StoredSession(**row._mapping) for row in rows]


def count_sessions(connection: Connection, wanted: Selection) -> int:
    """How many recordings there are."""
    query = select(func.count()).select_from(SESSION).where(*session_conditions(wanted))
    return int(connection.scalar(query) or 0)


def session_conditions(wanted: Selection) -> list[ColumnElement[bool]]:
    """What a row of ``emotion_session`` must satisfy. A session counts if any of it is in the period."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.owner is not None:
        conditions.append(SESSION.c.owner == wanted.owner)
    if wanted.since_ms is not None:
        conditions.append(SESSION.c.last_ms >= wanted.since_ms)
    if wanted.until_ms is not None:
        conditions.append(SESSION.c.started_ms < wanted.until_ms)
    if wanted.source is not None:
        conditions.append(SESSION.c.source == wanted.source)
    if wanted.session_ids is not None:
        conditions.append(SESSION.c.id.in_(wanted.session_ids))
    return conditions


def second_conditions(wanted: Selection) -> list[ColumnElement[bool]]:
    """What a row of ``emotion_second`` must satisfy."""
    ids = select(SESSION.c.id).where(*session_conditions(wanted))
    conditions: list[ColumnElement[bool]] = [SECOND.c.session_id.in_(ids)]
    if wanted.since_ms is not None:
        conditions.append(SECOND.c.second >= wanted.since_ms // 1000)
    if wanted.until_ms is not None:
        conditions.append(SECOND.c.second < -(-wanted.until_ms // 1000))
    return conditions


def observations(
    connection: Connection, wanted: Selection
) -> Iterator[tuple[StoredSession, Sequence[Row[Any]]]]:
    """All observations, the oldest session first, in chunks of one session each."""
    for session in reversed(sessions(connection, wanted, limit=10_000_000)):
        after = -1
        while True:
            rows = connection.execute(_chunk(session.id, after, wanted)).all()
            if not rows:
                break
            yield session, rows
            after = rows[-1].n


def _chunk(session_id: int, after: int, wanted: Selection) -> Select[Any]:
    """The next rows of a session. The primary key leads there, however long the session is."""
    query = select(OBSERVATION).where(
        OBSERVATION.c.session_id == session_id, OBSERVATION.c.n > after
    )
    if wanted.since_ms is not None:
        query = query.where(OBSERVATION.c.at_ms >= wanted.since_ms)
    if wanted.until_ms is not None:
        query = query.where(OBSERVATION.c.at_ms < wanted.until_ms)
    return query.order_by(OBSERVATION.c.n).limit(CHUNK)
