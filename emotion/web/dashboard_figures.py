"""The dashboard's figures: tables for Gradio's charts, and HTML for what it has no chart for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from html import escape
from zoneinfo import ZoneInfo

import pandas as pd

from emotion.drawing import EXPRESSION_COLOURS
from emotion.storage.queries import StoredSession
from emotion.storage.recorder import session_name
from emotion.storage.trends import Change, StripPoint, TrendPoint
from emotion.storage.writer import WriterStatus
from emotion.types import Emotion

__all__ = [
    "EMPTY",
    "LEGEND",
    "change_html",
    "distribution_table",
    "faces_table",
    "notice_html",
    "read_zone",
    "session_label",
    "sessions_table",
    "strips_html",
    "trend_table",
]

EMPTY = """<div class='records-empty'><h3>Nothing is recorded here yet</h3>
<p>Nothing is kept unless you ask for it. To begin, open the <b>Webcam</b> or the <b>Video</b> tab and
switch on <b>Record</b>. Only numbers are kept: where a face was, and the seven probabilities. Never a
picture.</p></div>"""

SESSION_COLUMNS = (
    *("started", "source", "file", "length", "frames", "faces", "shown most", "share", "session"),
)

WIDTH, HEIGHT = 1000, 100

LEGEND = (
    "<ul class='records-legend live-legend'>"
    + "".join(
        f"<li style='--tone:{EXPRESSION_COLOURS[emotion]}'><i></i>{emotion}</li>"
        for emotion in Emotion
    )
    + "</ul><p class='records-hint'>Draw a range into a chart to look closer; double-click to go back.</p>"
)

NOTHING_FOUND = "<p class='records-none'>No face was seen in this period.</p>"


def read_zone(name: object) -> tzinfo:
    """The viewer's time zone by its name in the browser; UTC if this machine does not know it."""
    try:
        return ZoneInfo(str(name))
    except (KeyError, ValueError, OSError):
        return UTC


def session_label(session: StoredSession, zone: tzinfo) -> str:
    """A session as a choice of a list."""
    what = session.title or session.source
    return f"{_local(session.started_ms, zone)} · {what} · {_length(session.duration_s)}"


def notice_html(
    place: str, status: WriterStatus, keep_days: float | None, problem: str = ""
) -> str:
    """Where records are kept and for how long, and whatever is wrong with them."""
    kept = f"Sessions are deleted after {keep_days:g} days." if keep_days else ""
    lines = [f"<p class='records-place'>Kept in <code>{escape(place)}</code>. {kept}</p>"]
    problem = problem or status.error or ""
    if problem:
        lines.append(f"<p class='records-problem' role='alert'>{escape(problem)}</p>")
    if status.waiting and status.error:
        lines.append(f"<p class='records-problem'>{status.waiting:,} observations wait for it.</p>")
    if status.lost:
        lines.append(
            f"<p class='records-problem'>{status.lost:,} observations of this server were lost, because "
            "the database was away for too long or their session was deleted.</p>"
        )
    return "".join(lines)


def change_html(found: Change | None) -> str:
    """What everyone showed in the last minute of the period, and how that changed."""
    if found is None:
        return NOTHING_FOUND
    cards = "".join(_card(emotion, found) for emotion in _by_size(found))
    return (
        f"<h3>Everyone, in the last {found.seconds} seconds of this period</h3>"
        f"<ul class='records-cards'>{cards}</ul>"
    )


def _by_size(found: Change) -> list[Emotion]:
    return sorted(Emotion, key=lambda emotion: -found.now.as_dict()[emotion])


def _card(emotion: Emotion, found: Change) -> str:
    now = found.now.as_dict()[emotion]
    trend = ""
    if found.before:
        points = round(100 * (now - found.before.as_dict()[emotion]))
        arrow = "▲" if points > 0 else "▼" if points < 0 else "="
        said = f"{points:+} points" if points else "as before"
        trend = f"<small title='{said}' aria-label='{said}'>{arrow} {abs(points)}</small>"
    return (
        f"<li style='--tone:{EXPRESSION_COLOURS[emotion]};--share:{now:.1%}'>"
        f"<span>{emotion}</span><b>{now:.0%}</b>{trend}<i></i></li>"
    )


def distribution_table(shown: Mapping[Emotion, int]) -> pd.DataFrame:
    """Columns ``expression`` and ``share`` (per cent of all observations)."""
    total = sum(shown.values()) or 1
    rows = [{"expression": str(e), "share": round(100 * n / total, 2)} for e, n in shown.items()]
    return pd.DataFrame(rows if any(shown.values()) else [], columns=["expression", "share"])


def trend_table(points: Sequence[TrendPoint], step_s: int) -> pd.DataFrame:
    """Columns ``time``, ``probability`` and ``expression``, with a gap where nothing was recorded."""
    values = [
        (p.second, {str(e): v for e, v in p.mean.as_dict().items()} if p.mean else None)
        for p in points
    ]
    return _curves(values, step_s, list(map(str, Emotion)), ["time", "probability", "expression"])


def faces_table(points: Sequence[TrendPoint], step_s: int) -> pd.DataFrame:
    """Columns ``time``, ``faces`` and ``counted``: faces in view on average, and new ones a minute.

    A minute is the finest step: fewer faces than that come and go.
    """
    names = ["in view on average", "new faces a minute"]
    wide = max(step_s, 60)
    steps: dict[int, list[TrendPoint]] = {}
    for point in points:
        steps.setdefault(point.second // wide * wide, []).append(point)
    values = []
    for second, inside in steps.items():
        mean = sum(point.faces for point in inside) / len(inside)
        new = sum(point.new_faces for point in inside) * 60 / wide
        values.append((second, {names[0]: mean, names[1]: new}))
    return _curves(values, wide, names, ["time", "faces", "counted"])


def _curves(
    values: Sequence[tuple[int, Mapping[str, float] | None]],
    step_s: int,
    names: Sequence[str],
    columns: list[str],
) -> pd.DataFrame:
    """One row for each value. Curves reach to the end of their last step and break where nothing is."""
    rows: list[tuple[int, float | None, str]] = []
    for (second, shown), after in zip(values, [*values[1:], None], strict=True):
        rows += [(second, shown[name] if shown else None, name) for name in names]
        end = second + step_s
        if shown and (after is None or after[1] is None or after[0] > end + step_s):
            rows += [(end, shown[name], name) for name in names]
            rows += [(end, None, name) for name in names if after]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(
        time=pd.to_datetime(table["time"], unit="s"),
        **{columns[1]: table[columns[1]].astype(float)},
    )


def sessions_table(
    found: Sequence[StoredSession], most: Mapping[int, tuple[Emotion, float]], zone: tzinfo
) -> pd.DataFrame:
    """One row for each session, by columns that people read and sort."""
    rows = []
    for session in found:
        label, share = most.get(session.id, ("", None))
        rows.append(
            (
                _local(session.started_ms, zone),
                session.source,
                session.title,
                _length(session.duration_s),
                session.frames,
                session.faces,
                str(label),
                "" if share is None else f"{share:.0%}",
                session_name(session.id),
            )
        )
    return pd.DataFrame(rows, columns=list(SESSION_COLUMNS))


def strips_html(
    points: Sequence[StripPoint], step_s: int, zone: tzinfo, period: tuple[int, int]
) -> str:
    """A strip for each face: bands of the seven probabilities over time."""
    if not points:
        return "<p class='records-hint'>Choose a session to see its faces one by one.</p>"
    start, end = period[0], period[1] + step_s
    faces = sorted({(point.session_id, point.track_id) for point in points})
    several = len({session for session, _ in faces}) > 1
    lanes = ""
    for session_id, track_id in faces:
        own = [p for p in points if (p.session_id, p.track_id) == (session_id, track_id)]
        name = f"face {track_id}" + (f" · {session_name(session_id)[:4]}" if several else "")
        lanes += (
            f"<div class='session-lane'><span>{name}</span>"
            f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' preserveAspectRatio='none' shape-rendering='crispEdges' "
            f"role='img' aria-label='Expressions of {name} over time'>"
            f"{_bands(own, step_s, start, end)}</svg></div>"
        )
    clock = "%H:%M:%S" if end - start < 7_200 else "%d %b %H:%M"
    ticks = "".join(
        f"<span>{datetime.fromtimestamp(start + (end - start) * i / 4, zone).strftime(clock)}</span>"
        for i in range(5)
    )
    return (
        f"<div class='session-report'><h3>The faces that were in view longest</h3>{lanes}"
        f"<div class='session-axis'>{ticks}</div></div>"
    )


def _bands(points: Sequence[StripPoint], step_s: int, start: int, end: int) -> str:
    shapes = dict.fromkeys(Emotion, "")
    per_second = WIDTH / (end - start)
    wide = max(step_s * per_second, 0.5)
    for point in points:
        x, y = (point.second - start) * per_second, float(HEIGHT)
        for emotion, probability in point.mean.as_dict().items():
            tall = probability * HEIGHT
            y -= tall
            shapes[emotion] += f"M{x:.1f} {y:.1f}h{wide:.2f}v{tall:.1f}h-{wide:.2f}z"
    return "".join(
        f"<path d='{path}' fill='{EXPRESSION_COLOURS[emotion]}'/>"
        for emotion, path in shapes.items()
        if path
    )


def _local(milliseconds: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, zone).strftime("%Y-%m-%d %H:%M:%S")


def _length(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
