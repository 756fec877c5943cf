"""What the dashboard reads: what its fields select, and everything that its charts show of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from emotion.storage import trends
from emotion.storage.queries import Selection, StoredSession, sessions
from emotion.storage.recorder import session_number
from emotion.types import Emotion

__all__ = [
    "ALL",
    "LATEST",
    "MOST_SESSIONS",
    "PERIODS",
    "SOURCES",
    "Findings",
    "read_findings",
    "selection_of",
]

PERIODS = {
    "everything": None,
    "minutes": 600,
    "hour": 3_600,
    "day": 86_400,
    "week": 7 * 86_400,
    "month": 30 * 86_400,
}
"""Seconds; the words are ``records_period_…``."""
ALL, LATEST = "all", "latest"
"""Choices of sessions beside their names."""
SOURCES = {ALL: None, "webcam": "webcam", "video": "video", "image": "image"}
"""As the database has them; the words are ``records_of_…``."""
MOST_SESSIONS = 200
"""Sessions that the list and the table name: the newest."""


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that the charts show, read in one transaction."""

    found: list[StoredSession]
    most: dict[int, tuple[Emotion, float]]
    shown: dict[Emotion, int]
    points: list[trends.TrendPoint]
    strips: list[trends.StripPoint]
    change: trends.Change | None
    period: tuple[int, int]
    step_s: int


def read_findings(connection: Connection, wanted: Selection) -> Findings | None:
    """Ask the database for one selection; None if there is nothing in it."""
    period = trends.span(connection, wanted)
    if period is None:
        return None
    step_s = trends.fitting_step(period[1] - period[0])
    return Findings(
        sessions(connection, replace(wanted, session_ids=None), limit=MOST_SESSIONS),
        trends.most_shown(connection, replace(wanted, session_ids=None)),
        trends.distribution(connection, wanted),
        trends.trend(connection, wanted, step_s),
        trends.strips(connection, wanted, step_s) if wanted.session_ids else [],
        trends.change(connection, wanted),
        period,
        step_s,
    )


def selection_of(
    connection: Connection, owner: str | None, fields: tuple[str, str, str], zoom: Any
) -> Selection | None:
    """What the fields mean; None if they ask for the latest session and there is none.

    Args:
        connection: To the database.
        owner: Whose sessions; None: everybody's.
        fields: Period, source and session.
        zoom: Seconds since 1970 at both ends of a range that was drawn into a chart; it comes before the
            period. Else None.
    """
    period, source, session = fields
    seconds = PERIODS.get(period)
    since_ms = round((time.time() - seconds) * 1000) if seconds else None
    until_ms = None
    if zoom:
        since_ms, until_ms = (round(float(edge) * 1000) for edge in zoom)
    wanted = Selection(owner, since_ms, until_ms, SOURCES.get(source))
    if session == ALL:
        return wanted
    number = session_number(session)
    if number is None:
        newest = sessions(connection, wanted, limit=1)
        return replace(wanted, session_ids=(newest[0].id,)) if newest else None
    return replace(wanted, session_ids=(number,))
