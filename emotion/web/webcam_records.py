"""Recording a webcam session, and giving its live feed away: only when its viewer asks for it."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from weakref import WeakKeyDictionary

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emotion.errors import EmotionError
from emotion.faces import DEFAULT_DETECTOR
from emotion.moments import Moment
from emotion.storage.recorder import Origin, Recording, owner_hash, session_name
from emotion.web.access import guarded, token_of
from emotion.web.kept import Kept
from emotion.web.live import Viewer
from emotion.web.pipelines import Pipelines
from emotion.web.services import Services

__all__ = ["BROWSER_HEADER", "WebcamRecords"]

BROWSER_HEADER = "X-Emotion-Browser"
"""The browser's token, which stays the same from session to session; see ``record_owners.py``."""

EVERY_S = 0.1
"""As often as a session keeps moments for its own CSV."""


@dataclass(slots=True)
class _Asked:
    """What the viewer of one session asked for."""

    recording: Recording | None = None
    feed: str = ""
    owner: str = ""


class WebcamRecords:
    """Connects the viewers of a server with its services.

    Args:
        services: Of the server.
        pipelines: Of the server.
        viewers: Of the server, by what ``token_of`` says.
    """

    def __init__(self, services: Services, pipelines: Pipelines, viewers: Kept[Viewer]) -> None:
        self._services = services
        self._pipelines = pipelines
        self._viewers = viewers
        self._asked: WeakKeyDictionary[Viewer, _Asked] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def on_moment(self, viewer: Viewer, moment: Moment) -> None:
        """Keep or pass on a frame, if its viewer asked for that. Never waits."""
        with self._lock:
            asked = self._asked.get(viewer)
        if asked and asked.recording:
            asked.recording.add(moment)
        if asked and asked.feed:
            self._services.live.publish(asked.feed, asked.owner, moment)

    def on_reply(self, reply: Mapping[str, Any]) -> None:
        """Count a frame for the metrics."""
        metrics = self._services.metrics
        if metrics is None:
            return
        if reply.get("passed"):
            metrics.dropped("webcam")
        elif "faces" not in reply:
            metrics.error("webcam")
        else:
            times = {stage: reply[f"{stage}_ms"] for stage in ("detect", "classify", "server")}
            metrics.frame("webcam", len(reply["faces"]), **times)
            if reply.get("busy"):
                metrics.busy("webcam")

    def route(self) -> Route:
        """``GET /live/record`` tells, ``POST`` changes: ``record`` and ``feed`` are 1 or 0."""
        return Route("/live/record", guarded(self._answer), methods=["GET", "POST"])

    async def _answer(self, request: Request) -> Response:
        key = token_of(request)
        if key is None:
            return JSONResponse({"error": "No session."}, HTTPStatus.BAD_REQUEST)
        viewer = self._viewers.get_or_make(key, Viewer)
        try:
            if request.method == "POST":
                await run_in_threadpool(self._change, viewer, request)
        except EmotionError as error:
            return JSONResponse({"error": str(error)}, HTTPStatus.BAD_REQUEST)
        return JSONResponse(self._state(viewer))

    def _change(self, viewer: Viewer, request: Request) -> None:
        wanted, records = request.query_params, self._services.records
        with self._lock:
            asked = self._asked.setdefault(viewer, _Asked())
        if wanted.get("record") == "1" and asked.recording is None and records:
            owner = records.owner(request.state.user, request.headers.get(BROWSER_HEADER))
            pipeline = self._pipelines.get(wanted.get("detector", DEFAULT_DETECTOR))
            origin = Origin.of(pipeline, owner, "webcam")
            with viewer.lock:
                asked.recording = records.recorder.start(
                    origin,
                    every_s=EVERY_S,
                    time_s=viewer.time_s,
                    last_s=viewer.session.last_kept_s,
                )
        elif wanted.get("record") == "0" and asked.recording:
            asked.recording.stop()
            asked.recording = None
        if wanted.get("feed") == "1" and not asked.feed:
            asked.owner = owner_hash("user", request.state.user) if request.state.user else ""
            asked.feed = session_name(secrets.randbits(48))
        elif wanted.get("feed") == "0":
            asked.feed = ""

    def _state(self, viewer: Viewer) -> dict[str, Any]:
        with self._lock:
            asked = self._asked.get(viewer, _Asked())
        recording, records = asked.recording, self._services.records
        status = records.recorder.status if records else None
        return {
            "offered": records is not None,
            "recording": recording is not None and not recording.deleted,
            "session": recording.name if recording else None,
            "deleted": recording is not None and recording.deleted,
            "place": records.recorder.database.place if records else None,
            "waiting": status.waiting if status else 0,
            "lost": status.lost if status else 0,
            "problem": status.error if status else None,
            "feed": f"live/events?session={asked.feed}" if asked.feed else None,
        }
