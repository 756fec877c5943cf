"""What everyone shows right now, for programs: server-sent events at ``/live/events``.

::

    GET /live/events?session=0123456789ab&seconds=2&every=0.5

    event: expression
    data: {"time": "2026-11-26T07:33:19.250Z", "sessions": 1, "faces": 3, "label": "happy",
           "probabilities": {"angry": 0.01, ...}}

``session`` may come several times. Its names are random, so only the viewer can have passed one on; where
people log in, each hears their own sessions only. ``session=all`` means all of one's own, and on a
server with ``--shared-dashboard`` everybody's. Nothing is stored: a session keeps the last minute in memory
and is forgotten ten seconds after its last frame.
"""

from __future__ import annotations

import asyncio
import json
import math
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from emotion.moments import Moment
from emotion.storage.recorder import owner_hash
from emotion.types import Emotion, Prediction
from emotion.web.program_login import for_programs, user_of

__all__ = ["EVERYBODY", "EveryoneNow", "LiveHub"]

EVERYBODY = "all"
LONGEST_S = 60.0
KEEP_EVERY_S = 0.1
FORGET_AFTER_S = 10.0
FRESH_S = 2.0
"""A stream that is silent for longer has nobody in view."""

MOST_LISTENERS = 100
EVERY_S = (0.1, 0.5, 10.0)
SECONDS = (0.0, 2.0, LONGEST_S)
"""Least, usual and most of the parameters ``every`` and ``seconds``."""


@dataclass(frozen=True, slots=True)
class EveryoneNow:
    """What everyone in some sessions shows.

    Attributes:
        sessions: Streams that are running.
        faces: Faces in view right now.
        mean: Mean prediction of all faces over the asked seconds; None if there was none.
    """

    sessions: int
    faces: int
    mean: Prediction | None


@dataclass(slots=True)
class _Stream:
    """The last minute of one session: (time, faces, sums of their probabilities)."""

    owner: str
    heard_s: float = 0.0
    sights: deque[tuple[float, int, Sequence[float]]] = field(default_factory=deque)


class LiveHub:
    """Takes the moments of all webcams and tells listeners about them. Safe to use from several threads.

    Args:
        shared: Whether ``session=all`` means everybody's where nobody logs in.
        clock: Seconds of a clock that is never set back.
    """

    def __init__(
        self, *, shared: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._shared = shared
        self._clock = clock
        self._streams: dict[str, _Stream] = {}
        self._lock = threading.Lock()
        self._listeners = 0

    @property
    def viewers(self) -> int:
        """Streams that are running."""
        with self._lock:
            self._forget()
            return len(self._streams)

    def publish(self, session: str, owner: str, moment: Moment) -> None:
        """The next frame of a session.

        Args:
            session: Its random name.
            owner: Hash of who may hear it; see :func:`emotion.storage.recorder.owner_hash`.
            moment: What is in view.
        """
        now = self._clock()
        rows = [face.seen.prediction.probabilities for face in moment.faces]
        sums = [sum(column) for column in zip(*rows, strict=True)]
        with self._lock:
            stream = self._streams.setdefault(session, _Stream(owner))
            stream.heard_s = now
            if stream.sights and now - stream.sights[-1][0] < KEEP_EVERY_S:
                stream.sights.pop()  # the newer frame stands for both
            stream.sights.append((now, len(rows), sums))
            while now - stream.sights[0][0] > LONGEST_S:
                stream.sights.popleft()
            self._forget()

    def everyone(self, sessions: Sequence[str], owner: str | None, seconds: float) -> EveryoneNow:
        """What everyone in these sessions shows.

        Args:
            sessions: Their names, or :data:`EVERYBODY`.
            owner: Only those of this owner; None: of anybody.
            seconds: How far back the mean reaches; 0 means the latest frame.
        """
        now = self._clock()
        totals, count, faces = [0.0] * len(Emotion), 0, 0
        with self._lock:
            self._forget()
            streams = [
                stream
                for name, stream in self._streams.items()
                if (EVERYBODY in sessions or name in sessions) and owner in (None, stream.owner)
            ]
            for stream in streams:
                fresh = now - stream.heard_s <= FRESH_S
                faces += stream.sights[-1][1] if fresh else 0
                sights = [sight for sight in stream.sights if now - sight[0] <= seconds]
                for _, number, sums in sights or ([stream.sights[-1]] if fresh else []):
                    if number:
                        totals = [a + b for a, b in zip(totals, sums, strict=True)]
                        count += number
        whole = sum(totals)
        mean = Prediction(tuple(value / whole for value in totals)) if count else None
        return EveryoneNow(len(streams), faces, mean)

    def route(self) -> Route:
        """``/live/events``."""
        return Route("/live/events", for_programs(self._answer))

    async def _answer(self, request: Request) -> Response:
        asked = request.query_params
        sessions = [name for name in asked.getlist("session") if name]
        try:
            seconds, every_s = (
                _number(asked.get("seconds"), SECONDS),
                _number(asked.get("every"), EVERY_S),
            )
        except ValueError as error:
            return PlainTextResponse(f"{error}\n", 400)
        user = await user_of(request)
        if not sessions or (EVERYBODY in sessions and not user and not self._shared):
            return PlainTextResponse(
                "Say which session is meant: /live/events?session=NAME, as shown in the webcam tab. "
                "session=all needs a login, or a server with --shared-dashboard.\n",
                400,
            )
        if self._listeners >= MOST_LISTENERS:
            return PlainTextResponse("Too many programs are listening. Try again later.\n", 503)
        owner = owner_hash("user", user) if user else None
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        page = request.app.blocks
        events = self._events(
            lambda: self.everyone(sessions, owner, seconds), every_s, lambda: page.is_running
        )
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)

    async def _events(
        self, ask: Callable[[], EveryoneNow], every_s: float, is_running: Callable[[], bool]
    ) -> AsyncIterator[str]:
        """Events until the listener goes away, or the server is told to end: it waits for open answers."""
        self._listeners += 1
        try:
            yield "retry: 2000\n\n"
            while is_running():
                yield f"event: expression\ndata: {json.dumps(_as_dict(ask()))}\n\n"
                await asyncio.sleep(every_s)
        finally:
            self._listeners -= 1

    def _forget(self) -> None:
        """Drop the streams that ended. Called with the lock held."""
        now = self._clock()
        ended = [n for n, s in self._streams.items() if now - s.heard_s > FORGET_AFTER_S]
        for name in ended:
            del self._streams[name]


def _as_dict(now_shown: EveryoneNow) -> dict[str, object]:
    shown = now_shown.mean.as_dict() if now_shown.mean else None
    return {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "sessions": now_shown.sessions,
        "faces": now_shown.faces,
        "label": str(now_shown.mean.label) if now_shown.mean else None,
        "probabilities": {str(e): round(p, 4) for e, p in shown.items()} if shown else None,
    }


def _number(text: str | None, bounds: tuple[float, float, float]) -> float:
    """A parameter within its bounds; the usual value if it is not given."""
    least, usual, most = bounds
    if text is None:
        return usual
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise ValueError(f"Must be a number from {least:g} to {most:g}. Received: {text[:40]!r}")
    return value
