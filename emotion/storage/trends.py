"""Figures over time, from the sums by second."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, Integer, case, func, literal_column, select

from emotion.storage.queries import Selection, second_conditions, session_conditions
from emotion.storage.schema import SECOND, SESSION
from emotion.types import Emotion, Prediction

__all__ = [
    "STEPS",
    "Change",
    "StripPoint",
    "TrendPoint",
    "change",
    "distribution",
    "fitting_step",
    "most_shown",
    "span",
    "strips",
    "trend",
]

STEPS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
"""Steps of a trend in seconds. Days are those of UTC."""

MOST_POINTS = 600
"""A chart is as wide as this; more points than pixels tell nothing."""

MOST_STRIPS = 12
"""Faces that get a strip of their own: those that were in view longest."""

FACE_FRAMES = case((SECOND.c.track_id > 0, SECOND.c.frames), else_=0)
ALL_FRAMES = case((SECOND.c.track_id == 0, SECOND.c.frames), else_=0)


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One step of a trend.

    Attributes:
        second: Its start, in seconds since 1970, UTC.
        mean: Mean prediction of everyone in view; None if nobody was.
        faces: Mean number of faces in view.
        new_faces: Faces that were seen for the first time.
    """

    second: int
    mean: Prediction | None
    faces: float
    new_faces: int


@dataclass(frozen=True, slots=True)
class StripPoint:
    """What one face showed in one step of a session."""

    session_id: int
    track_id: int
    second: int
    mean: Prediction


@dataclass(frozen=True, slots=True)
class Change:
    """What everyone showed in the latest step, and in as long a time before it."""

    seconds: int
    now: Prediction
    before: Prediction | None


def span(connection: Connection, wanted: Selection) -> tuple[int, int] | None:
    """First and last second (since 1970) of the sessions within the period; None if there are none."""
    query = select(func.min(SESSION.c.started_ms), func.max(SESSION.c.last_ms))
    first, last = connection.execute(query.where(*session_conditions(wanted))).one()
    if first is None:
        return None
    since = first if wanted.since_ms is None else max(first, wanted.since_ms)
    until = last if wanted.until_ms is None else min(last, wanted.until_ms)
    return int(since) // 1000, max(int(until), int(since)) // 1000


def fitting_step(seconds: int) -> int:
    """The finest of :data:`STEPS` that gives a chart no more points than it can show."""
    return next((s for s in STEPS.values() if seconds / s <= MOST_POINTS), STEPS["day"])


def distribution(connection: Connection, wanted: Selection) -> dict[Emotion, int]:
    """How many observations had each expression as their label."""
    whole = wanted.since_ms is None and wanted.until_ms is None
    table = SESSION if whole else SECOND
    where = session_conditions(wanted) if whole else second_conditions(wanted)
    sums = [func.coalesce(func.sum(table.c[f"label_{emotion}"]), 0) for emotion in Emotion]
    row = connection.execute(select(*sums).where(*where)).one()
    return {emotion: int(count) for emotion, count in zip(Emotion, row, strict=True)}


def most_shown(connection: Connection, wanted: Selection) -> dict[int, tuple[Emotion, float]]:
    """For each whole session with a face: the label of most observations, and its share (0–1)."""
    columns = [SESSION.c[f"label_{emotion}"] for emotion in Emotion]
    query = select(SESSION.c.id, *columns).where(*session_conditions(wanted))
    found: dict[int, tuple[Emotion, float]] = {}
    for session_id, *counts in connection.execute(query):
        most, total = max(zip(counts, Emotion, strict=True)), sum(counts)
        if total:
            found[int(session_id)] = (most[1], int(most[0]) / int(total))
    return found


def trend(connection: Connection, wanted: Selection, step_s: int) -> list[TrendPoint]:
    """Mean prediction and number of faces by step; steps without a frame are left out.

    Args:
        connection: To the database.
        wanted: Which records.
        step_s: Length of a step in seconds.
    """
    bucket = _bucket(step_s)
    query = (
        select(bucket, func.sum(FACE_FRAMES), func.sum(ALL_FRAMES), func.sum(SECOND.c.new_faces))
        .add_columns(*_sums())
        .where(*second_conditions(wanted))
        .group_by(bucket)
        .order_by(bucket)
    )
    return [
        TrendPoint(
            int(second) * step_s,
            _mean(row[4:], faces),
            float(faces) / int(frames) if frames else 0.0,
            int(new_faces),
        )
        for row in connection.execute(query)
        for second, faces, frames, new_faces in [row[:4]]
    ]


def strips(connection: Connection, wanted: Selection, step_s: int) -> list[StripPoint]:
    """The faces that were in view longest, each with its mean prediction by step."""
    frames = func.sum(SECOND.c.frames)
    where = [*second_conditions(wanted), SECOND.c.track_id > 0]
    face = (SECOND.c.session_id, SECOND.c.track_id)
    longest = connection.execute(
        select(*face)
        .where(*where)
        .group_by(*face)
        .order_by(frames.desc(), *face)
        .limit(MOST_STRIPS)
    ).all()
    points: list[StripPoint] = []
    bucket = _bucket(step_s)
    for session_id, track_id in sorted((int(s), int(t)) for s, t in longest):
        query = (
            select(bucket, frames, *_sums())
            .where(*where, SECOND.c.session_id == session_id, SECOND.c.track_id == track_id)
            .group_by(bucket)
            .order_by(bucket)
        )
        for row in connection.execute(query):
            mean = _mean(row[2:], row[1])
            if mean:
                points.append(StripPoint(session_id, track_id, int(row[0]) * step_s, mean))
    return points


def change(connection: Connection, wanted: Selection, seconds: int = 60) -> Change | None:
    """What everyone showed in the last seconds that were recorded, beside as many before them."""
    whole = span(connection, wanted)
    if whole is None:
        return None
    end = (whole[1] + 1) * 1000
    middle = end - seconds * 1000
    now = _mean_of(connection, replace(wanted, since_ms=middle, until_ms=end))
    before = _mean_of(
        connection, replace(wanted, since_ms=middle - seconds * 1000, until_ms=middle)
    )
    return Change(seconds, now, before) if now else None


def _mean_of(connection: Connection, wanted: Selection) -> Prediction | None:
    query = select(func.sum(FACE_FRAMES), *_sums()).where(*second_conditions(wanted))
    row = connection.execute(query).one()
    return _mean(row[1:], row[0])


def _bucket(step_s: int) -> ColumnElement[int]:
    """The number of the step that a second lies in."""
    # Written out, because PostgreSQL does not know two parameters of the same value for the same column.
    return SECOND.c.second // literal_column(str(int(step_s)), Integer)


def _sums() -> list[ColumnElement[float]]:
    return [func.sum(SECOND.c[f"sum_{emotion}"]) for emotion in Emotion]


def _mean(sums: Iterable[float | None], faces: float | None) -> Prediction | None:
    """Sums of probabilities as a distribution; rounding to four decimals is put right."""
    values = [float(value or 0.0) for value in sums]
    total = sum(values)
    return Prediction(tuple(value / total for value in values)) if faces and total > 0 else None
