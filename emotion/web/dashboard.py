"""What the dashboard does when somebody asks: read, export, delete. The layout is in ``dashboard_tab.py``."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import tzinfo
from html import escape
from typing import Any

import gradio as gr
from sqlalchemy import Connection

from emotion.errors import StorageError
from emotion.storage import trends
from emotion.storage.deletion import delete_sessions, older_than
from emotion.storage.queries import Selection, StoredSession, count_sessions, sessions
from emotion.storage.recorder import session_name, session_number
from emotion.types import Emotion
from emotion.web import dashboard_figures as figures
from emotion.web.export_links import ExportLinks
from emotion.web.record_owners import ServerRecords

__all__ = [
    "ALL",
    "LATEST",
    "PERIODS",
    "SOURCES",
    "Dashboard",
    "Findings",
    "charts_of",
    "read_findings",
    "said",
    "selection_of",
]

PERIODS = {
    "everything": None,
    "the last 10 minutes": 600,
    "the last hour": 3_600,
    "the last day": 86_400,
    "the last 7 days": 7 * 86_400,
    "the last 30 days": 30 * 86_400,
}
SOURCES = {"all": None, "webcam": "webcam", "videos": "video", "images": "image"}
ALL, LATEST = "all", "latest"
"""Choices of sessions beside their names."""
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


class Dashboard:
    """The handlers of the tab.

    Args:
        records: Of the server.
        links: Makes the links of downloads.
    """

    def __init__(self, records: ServerRecords, links: ExportLinks) -> None:
        self._records = records
        self._links = links
        self._database = records.recorder.database

    def refresh(
        self,
        period: str,
        source: str,
        session: str,
        zoom: Any,
        zone_name: str,
        token: str,
        request: gr.Request,
    ) -> tuple[Any, ...]:
        """Updates of: notice, list of sessions, empty state, everything else, and the charts."""
        zone, problem = figures.read_zone(zone_name), ""
        found: Findings | None = None
        listed: list[StoredSession] = []
        try:
            owner = self._records.visible_to(request.username, token)
            if self._database.exists:
                with self._database.begin() as connection:
                    listed = sessions(connection, Selection(owner), limit=MOST_SESSIONS)
                    wanted = selection_of(connection, owner, (period, source, session), zoom)
                    found = read_findings(connection, wanted) if wanted else None
        except StorageError as error:
            problem = str(error)
        names = [session_name(one.id) for one in listed]
        labels = [figures.session_label(one, zone) for one in listed]
        status, place = self._records.recorder.status, self._database.place
        return (
            figures.notice_html(place, status, self._records.keep_days, problem),
            gr.Dropdown(
                [("the latest", LATEST), ("all", ALL), *zip(labels, names, strict=True)],
                value=session if session in (LATEST, ALL, *names) else LATEST,
            ),
            gr.HTML(visible=not listed and not problem),
            gr.Column(visible=bool(listed)),
            *charts_of(found, zone),
        )

    def export(
        self,
        form: str,
        period: str,
        source: str,
        session: str,
        zoom: Any,
        token: str,
        request: gr.Request,
    ) -> tuple[str, str]:
        """The path of a download and what is to be said about it."""
        try:
            owner = self._records.visible_to(request.username, token)
            with self._database.begin() as connection:
                wanted = selection_of(connection, owner, (period, source, session), zoom)
        except StorageError as error:
            return "", said(str(error), problem=True)
        return (self._links.make(wanted, form), "") if wanted else ("", said("There is nothing."))

    def ask(
        self, kind: str, days: float | None, session: str, token: str, request: gr.Request
    ) -> tuple[Any, ...]:
        """Updates of: the question before deleting, its text, and what is said instead."""
        try:
            wanted = self._doomed(kind, days, session, self._records.owner(request.username, token))
            with self._database.begin() as connection:
                count = 0 if wanted is None else count_sessions(connection, wanted)
        except StorageError as error:
            return gr.Column(visible=False), "", said(str(error), problem=True)
        if not count:
            which = (
                "Choose a session above." if wanted is None else "None of your sessions is meant."
            )
            return gr.Column(visible=False), "", said(which)
        what = "1 session" if count == 1 else f"{count:,} sessions"
        return gr.Column(visible=True), said(f"Delete {what} for good? There is no way back."), ""

    def delete(
        self, kind: str, days: float | None, session: str, token: str, request: gr.Request
    ) -> tuple[Any, ...]:
        """Updates of: the question, and what is said."""
        try:
            wanted = self._doomed(kind, days, session, self._records.owner(request.username, token))
            count = 0 if wanted is None else delete_sessions(self._database, wanted)
        except StorageError as error:
            return gr.Column(visible=False), said(str(error), problem=True)
        what = "1 session" if count == 1 else f"{count:,} sessions"
        return gr.Column(visible=False), said(f"Deleted {what} for good.")

    def _doomed(self, kind: str, days: float | None, session: str, owner: str) -> Selection | None:
        """What a button deletes: never anything but the asker's own."""
        if kind == "all":
            return Selection(owner)
        if kind == "older":
            return older_than(days or 0, owner=owner)
        with self._database.begin() as connection:
            chosen = selection_of(connection, owner, ("everything", "all", session), None)
        return chosen if chosen and chosen.session_ids else None


def charts_of(found: Findings | None, zone: tzinfo) -> tuple[Any, ...]:
    """Values of: change, distribution, trend, faces, strips, table."""
    if found is None:
        return figures.NOTHING_FOUND, None, None, None, "", None
    return (
        figures.change_html(found.change),
        figures.distribution_table(found.shown),
        figures.trend_table(found.points, found.step_s),
        figures.faces_table(found.points, found.step_s),
        figures.strips_html(found.strips, found.step_s, zone, found.period),
        figures.sessions_table(found.found, found.most, zone),
    )


def said(text: str, *, problem: bool = False) -> str:
    """A line of text for people."""
    style = "records-problem' role='alert" if problem else "records-said' role='status"
    return f"<p class='{style}'>{escape(text)}</p>"
