"""The dashboard's figures: tables for Gradio's charts, and HTML for what it has no chart for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from emotion.drawing import EXPRESSION_COLOURS
from emotion.storage.queries import StoredSession
from emotion.storage.recorder import session_name
from emotion.storage.trends import Change, StripPoint, TrendPoint
from emotion.storage.writer import WriterStatus
from emotion.types import Emotion, Prediction
from emotion.web.bands import HEIGHT, WIDTH, bands
from emotion.web.languages import TEXT, Words
from emotion.web.render import render

__all__ = [
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

SESSION_COLUMNS = (
    *("started", "source", "file", "length", "frames", "faces", "most", "share", "session"),
)
"""Of the table; the words are ``records_column_…``."""

LEGEND = (
    "<ul class='records-legend live-legend'>"
    + "".join(
        f"<li style='--tone:{EXPRESSION_COLOURS[emotion]}'><i></i>{emotion}</li>"
        for emotion in Emotion
    )
    + f"</ul><p class='records-hint'>{TEXT('records_zoom')}</p>"
)


def read_zone(name: object) -> tzinfo:
    """The viewer's time zone by its name in the browser; UTC if this machine does not know it."""
    try:
        return ZoneInfo(str(name))
    except (KeyError, ValueError, OSError):
        return UTC


def session_label(session: StoredSession, zone: tzinfo, words: Words) -> str:
    """A session as a choice of a list."""
    what = session.title or words[f"records_of_{session.source}"]
    return f"{_local(session.started_ms, zone)} · {what} · {_length(session.duration_s)}"


def notice_html(
    place: str, status: WriterStatus, keep_days: float | None, words: Words, problem: str = ""
) -> str:
    """Where records are kept and for how long, and whatever is wrong with them."""
    return render(
        "dashboard_notice",
        words=words,
        place=place,
        status=status,
        keep_days=keep_days,
        problem=problem or status.error or "",
    )


def change_html(found: Change | None, words: Words) -> str:
    """What everyone showed in the last minute of the period, and how that changed."""
    cards = [] if found is None else [_card(emotion, found) for emotion in Emotion]
    cards.sort(key=lambda card: -card["now"])
    return render("dashboard_change", words=words, found=found, cards=cards)


def _card(emotion: Emotion, found: Change) -> dict[str, Any]:
    now = found.now.as_dict()[emotion]
    points = round(100 * (now - found.before.as_dict()[emotion])) if found.before else None
    return {
        "name": emotion,
        "colour": EXPRESSION_COLOURS[emotion],
        "now": now,
        "points": points,
    }


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


def faces_table(points: Sequence[TrendPoint], step_s: int, words: Words) -> pd.DataFrame:
    """Columns ``time``, ``faces`` and ``counted``: faces in view on average, and new ones a minute.

    A minute is the finest step: fewer faces than that come and go.
    """
    names = [words["records_in_view"], words["records_new_faces"]]
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
    found: Sequence[StoredSession],
    most: Mapping[int, tuple[Emotion, float]],
    zone: tzinfo,
    words: Words,
) -> pd.DataFrame:
    """One row for each session, by columns that people read and sort."""
    rows = []
    for session in found:
        label, share = most.get(session.id, ("", None))
        rows.append(
            (
                _local(session.started_ms, zone),
                words[f"records_of_{session.source}"],
                session.title,
                _length(session.duration_s),
                session.frames,
                session.faces,
                str(label),
                "" if share is None else f"{share:.0%}",
                session_name(session.id),
            )
        )
    columns = [words[f"records_column_{name}"] for name in SESSION_COLUMNS]
    return pd.DataFrame(rows, columns=columns)


def strips_html(
    points: Sequence[StripPoint],
    step_s: int,
    zone: tzinfo,
    period: tuple[int, int],
    words: Words,
) -> str:
    """A strip for each face: bands of the seven probabilities over time."""
    start, end = period[0], period[1] + step_s
    tracks = sorted({(point.session_id, point.track_id) for point in points})
    several = len({session for session, _ in tracks}) > 1
    lanes = []
    for session_id, track_id in tracks:
        own = [p for p in points if (p.session_id, p.track_id) == (session_id, track_id)]
        name = f"{words['face']} {track_id}"
        name += f" · {session_name(session_id)[:4]}" if several else ""
        lanes.append({"name": name, "bands": bands(_steps(own, step_s, start, end))})
    clock = "%H:%M:%S" if end - start < 7_200 else "%Y-%m-%d %H:%M"
    return render(
        "dashboard_strips",
        words=words,
        lanes=lanes,
        width=WIDTH,
        height=HEIGHT,
        ticks=[
            datetime.fromtimestamp(start + (end - start) * i / 4, zone).strftime(clock)
            for i in range(5)
        ],
        expressions=[{"name": e, "colour": EXPRESSION_COLOURS[e]} for e in Emotion],
    )


def _steps(
    points: Sequence[StripPoint], step_s: int, start: int, end: int
) -> Iterator[tuple[float, float, Prediction]]:
    per_second = WIDTH / (end - start)
    wide = max(step_s * per_second, 0.5)
    return (((point.second - start) * per_second, wide, point.mean) for point in points)


def _local(milliseconds: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, zone).strftime("%Y-%m-%d %H:%M:%S")


def _length(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
