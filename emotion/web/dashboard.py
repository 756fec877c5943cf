"""What the dashboard does when somebody asks: read, export, delete. The layout is in ``dashboard_tab.py``."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

import gradio as gr

from emotion.errors import StorageError
from emotion.storage.deletion import delete_sessions, older_than
from emotion.storage.queries import Selection, StoredSession, count_sessions, sessions
from emotion.storage.recorder import session_name
from emotion.web import dashboard_figures as figures
from emotion.web.dashboard_findings import (
    ALL,
    LATEST,
    MOST_SESSIONS,
    Findings,
    read_findings,
    selection_of,
)
from emotion.web.export_links import ExportLinks
from emotion.web.languages import Words, words_for
from emotion.web.record_owners import ServerRecords
from emotion.web.render import render

__all__ = ["Dashboard", "charts_of", "said"]


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
        zone, words, problem = figures.read_zone(zone_name), words_for(request), ""
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
        labels = [figures.session_label(one, zone, words) for one in listed]
        status, place = self._records.recorder.status, self._database.place
        return (
            figures.notice_html(place, status, self._records.keep_days, words, problem),
            gr.Dropdown(
                [
                    (words["records_latest"], LATEST),
                    (words["records_all"], ALL),
                    *zip(labels, names, strict=True),
                ],
                value=session if session in (LATEST, ALL, *names) else LATEST,
            ),
            gr.HTML(render("dashboard_empty", words=words), visible=not listed and not problem),
            gr.Column(visible=bool(listed)),
            *charts_of(found, zone, words),
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
        words = words_for(request)
        try:
            owner = self._records.visible_to(request.username, token)
            with self._database.begin() as connection:
                wanted = selection_of(connection, owner, (period, source, session), zoom)
        except StorageError as error:
            return "", said(str(error), problem=True)
        return (
            (self._links.make(wanted, form), "") if wanted else ("", said(words["records_nothing"]))
        )

    def ask(
        self, kind: str, days: float | None, session: str, token: str, request: gr.Request
    ) -> tuple[Any, ...]:
        """Updates of: the question before deleting, its text, and what is said instead."""
        words = words_for(request)
        try:
            wanted = self._doomed(kind, days, session, self._records.owner(request.username, token))
            with self._database.begin() as connection:
                count = 0 if wanted is None else count_sessions(connection, wanted)
        except StorageError as error:
            return gr.Column(visible=False), "", said(str(error), problem=True)
        if not count:
            which = words["records_choose_first" if wanted is None else "records_none_meant"]
            return gr.Column(visible=False), "", said(which)
        question = words["records_ask"].format(sessions=_sessions(count, words))
        return gr.Column(visible=True), said(question), ""

    def delete(
        self, kind: str, days: float | None, session: str, token: str, request: gr.Request
    ) -> tuple[Any, ...]:
        """Updates of: the question, and what is said."""
        try:
            wanted = self._doomed(kind, days, session, self._records.owner(request.username, token))
            count = 0 if wanted is None else delete_sessions(self._database, wanted)
        except StorageError as error:
            return gr.Column(visible=False), said(str(error), problem=True)
        words = words_for(request)
        done = words["records_deleted"].format(sessions=_sessions(count, words))
        return gr.Column(visible=False), said(done)

    def _doomed(self, kind: str, days: float | None, session: str, owner: str) -> Selection | None:
        """What a button deletes: never anything but the asker's own."""
        if kind == "all":
            return Selection(owner)
        if kind == "older":
            return older_than(days or 0, owner=owner)
        with self._database.begin() as connection:
            chosen = selection_of(connection, owner, ("everything", ALL, session), None)
        return chosen if chosen and chosen.session_ids else None


def charts_of(found: Findings | None, zone: tzinfo, words: Words) -> tuple[Any, ...]:
    """Values of: change, distribution, trend, faces, strips, table."""
    if found is None:
        return figures.change_html(None, words), None, None, None, "", None
    return (
        figures.change_html(found.change, words),
        figures.distribution_table(found.shown),
        figures.trend_table(found.points, found.step_s),
        figures.faces_table(found.points, found.step_s, words),
        figures.strips_html(found.strips, found.step_s, zone, found.period, words),
        figures.sessions_table(found.found, found.most, zone, words),
    )


def said(text: str, *, problem: bool = False) -> str:
    """A line of text for people."""
    return render("said", text=text, problem=problem)


def _sessions(count: int, words: Words) -> str:
    if count == 1:
        return words["records_one_session"]
    return words["records_many_sessions"].format(count=f"{count:,}")
