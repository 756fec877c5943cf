"""The addresses that the webcam panel asks: one for frames, two for its session, one for its scripts.

They are routes of the same server as Gradio's own, but not Gradio events: Gradio's script in the browser
reloads the whole page when one of its requests breaks, and an event costs as much as reading a frame.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from emotion.errors import EmotionError
from emotion.moments import Moment
from emotion.pipeline import EmotionPipeline
from emotion.web.access import guarded, token_of
from emotion.web.kept import Kept
from emotion.web.languages import Words, words_for
from emotion.web.live import LiveFrame, LiveReader, LiveSettings, Viewer
from emotion.web.session_report import summary_html

__all__ = ["live_routes", "session_report"]

SCRIPTS = Path(__file__).parent / "static" / "live"

MOST_BYTES = 2_000_000
"""Of one frame; the largest that our page sends has a tenth of it."""

NO_TOKEN = "Each request needs the token of its session."


def live_routes(
    pipeline_of: Callable[[str], EmotionPipeline],
    viewers: Kept[Viewer],
    on_moment: Callable[[Viewer, Moment], None] = lambda viewer, moment: None,
    on_reply: Callable[[Mapping[str, Any]], None] = lambda reply: None,
) -> list[BaseRoute]:
    """What the server answers under ``/live/``.

    ``POST /live/frame`` reads a frame, ``GET /live/session`` says whether a session is still known,
    ``GET /live/report`` sums it up, ``/live/js/`` has the panel's scripts
    and, in ``words.js``, its words in the viewer's language. Sessions go by the token in the
    header ``X-Emotion-Token`` and are kept for an hour after the last request.

    Args:
        pipeline_of: Gives the shared pipeline of a detector.
        viewers: Of the server, by their token.
        on_moment: See :class:`emotion.web.live.LiveReader`.
        on_reply: Is told of every answer to a frame.
    """
    reader = LiveReader(pipeline_of, on_moment)

    async def frame(request: Request) -> Response:
        key = token_of(request)
        if key is None:
            return _error(NO_TOKEN, HTTPStatus.BAD_REQUEST)
        try:
            settings = LiveSettings.of(request.query_params)
            number, time_s = _place(request)
            jpeg = await _body(request)
        except EmotionError as error:
            return _error(str(error), HTTPStatus.BAD_REQUEST)
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)
        viewer = viewers.get_or_make(key, Viewer)
        reply = await reader.answer(viewer, LiveFrame(jpeg, number, time_s), settings)
        on_reply(reply)
        return JSONResponse(reply)

    async def session(request: Request) -> Response:
        return JSONResponse(_session(_viewer(viewers, request)))

    async def report(request: Request) -> Response:
        viewer = _viewer(viewers, request) or Viewer()
        what = request.query_params.get("what", "")
        words = words_for(request)
        return JSONResponse(await run_in_threadpool(session_report, viewer, what, words))

    return [
        Route("/live/frame", guarded(frame), methods=["POST"]),
        Route("/live/session", guarded(session)),
        Route("/live/report", guarded(report)),
        Route("/live/js/words.js", _words),
        Mount("/live/js", _Scripts(directory=SCRIPTS)),
    ]


def _viewer(viewers: Kept[Viewer], request: Request) -> Viewer | None:
    """Whose token the request brings, if it is known."""
    key = token_of(request)
    return viewers.get(key) if key else None


def _session(viewer: Viewer | None) -> dict[str, Any]:
    """Whether there is something to continue from, and how far it got."""
    if viewer is None or not viewer.frames:
        return {"known": False}
    return {"known": True, "time_s": viewer.time_s, "frames": viewer.frames}


def _words(request: Request) -> Response:
    """The words that the scripts need, as a module."""
    words = {name: text for name, text in words_for(request).items() if name.startswith("live_")}
    return Response(
        f"export default {json.dumps(words)};",
        media_type="text/javascript",
        headers={"Cache-Control": "no-cache", "Vary": "Accept-Language"},
    )


class _Scripts(StaticFiles):
    """Scripts that browsers may keep, but ask about each time: they change with the server's version."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        response = super().file_response(*args, **options)
        response.headers["Cache-Control"] = "no-cache"
        return response


def session_report(viewer: Viewer, what: str, words: Words) -> dict[str, str]:
    """What the summary button or one of the download buttons gets."""
    with viewer.lock:
        if what == "csv":
            text = viewer.session.to_csv()
            return {"text": text, "type": "text/csv", "name": "expression-session.csv"}
        if what == "json":
            text = viewer.session.to_json()
            return {"text": text, "type": "application/json", "name": "expression-session.json"}
        return {"html": summary_html(viewer.session.summary(), viewer.timeline, words)}


def _place(request: Request) -> tuple[tuple[int, int], float]:
    """Number and time of a frame.

    Raises:
        EmotionError: If the address does not have them.
    """
    query = request.query_params
    try:
        return (int(query["run"]), int(query["n"])), float(query["time_s"])
    except (KeyError, ValueError) as error:
        raise EmotionError(
            "A frame needs run and n (whole numbers) and time_s (seconds) in its address. "
            f"Received: {request.url.query!r}."
        ) from error


async def _body(request: Request) -> bytes:
    """The bytes of a frame.

    Raises:
        EmotionError: If there are too many.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise EmotionError(f"A frame must not have more than {MOST_BYTES:,} bytes.")
    return bytes(body)


def _error(text: str, status: HTTPStatus) -> Response:
    return JSONResponse({"error": text}, status)
