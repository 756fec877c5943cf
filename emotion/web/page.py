"""The page: its frame, its looks and its tabs."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import gradio as gr
from gradio.blocks import BlockFunction
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse
from starlette.routing import BaseRoute, Route

from emotion.errors import EmotionError
from emotion.faces import DEFAULT_DETECTOR
from emotion.web.api import add_analyze, add_analyze_video, add_health
from emotion.web.dashboard_tab import build_dashboard_tab
from emotion.web.image_tab import build_image_tab
from emotion.web.kept import Kept
from emotion.web.languages import TEXT
from emotion.web.live import Viewer
from emotion.web.live_routes import live_routes
from emotion.web.model_tab import build_model_tab
from emotion.web.pipelines import Pipelines
from emotion.web.services import Services
from emotion.web.video_jobs import VideoJobs
from emotion.web.video_tab import build_video_tab, video_routes
from emotion.web.webcam_records import WebcamRecords
from emotion.web.webcam_tab import build_webcam_tab

__all__ = ["CSS", "HEAD", "ICON", "TABS", "THEME", "TITLE", "addresses", "build_page"]

TABS = ("image", "webcam", "video", "dashboard", "model")
"""Names of the tabs, which are also their addresses."""

STATIC = Path(__file__).parent / "static"

ICON = STATIC / "icon.svg"

EMBED_SCRIPT = Path(gr.__file__).parent / "templates" / "frontend" / "gradio.js"
"""Defines ``<gradio-app>``. Gradio puts it on a server of its own; ours needs no other server."""

TITLE = "Facial expressions"

START_CAMERA = (STATIC / "start_camera.js").read_text(encoding="utf-8")

THEME = gr.themes.Default(
    primary_hue="blue",
    neutral_hue="slate",
    # Fonts of the viewer's own system: nothing is fetched from elsewhere.
    font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
    font_mono=["ui-monospace", "Menlo", "Consolas", "monospace"],
).set(
    # Gradio's own are too pale to be read easily: 2.6 : 1 and 3.7 : 1 on white, where 4.5 : 1 is asked for.
    body_text_color_subdued="*neutral_600",
    body_text_color_subdued_dark="*neutral_300",
    color_accent="*primary_600",  # the selected tab's name; page.css has the dark page's
    button_primary_background_fill="*primary_600",
    button_primary_background_fill_hover="*primary_700",
)

CSS = "\n".join(
    (STATIC / name).read_text(encoding="utf-8")
    for name in ("page.css", "webcam.css", "model.css", "dashboard.css")
)

HEAD = f"<script>{(STATIC / 'keep_page.js').read_text(encoding='utf-8')}</script>"

ONE_HOUR = 60 * 60
CLEAN_UP = (ONE_HOUR, 23 * ONE_HOUR)
"""Once an hour Gradio deletes the files that are older, so that none is left after a day."""

MOST_WAITING = 100
"""Calls that wait at once. A server that is asked for more says so at once (503, "Queue is full"), instead of
letting people wait for minutes; on two cores a hundred pictures take about four seconds."""


class _Page(gr.Blocks):  # type: ignore[misc]  # Gradio has no types
    """Blocks whose endpoints are made for programs that call them thousands of times."""

    def validate_inputs(self, block_fn: BlockFunction, inputs: list[Any]) -> None:
        """Accept fewer values than an endpoint takes.

        Gradio's clients fill in what is left out; a program that posts to ``/call/analyze`` by itself may
        leave out the last ones too, so that an endpoint can learn something new without breaking older
        programs.
        """
        if block_fn.api_visibility == "public":
            inputs.extend(block.value for block in block_fn.inputs[len(inputs) :])
        super().validate_inputs(block_fn, inputs)

    async def process_api(
        self, block_fn: BlockFunction, *args: Any, session_hash: str | None = None, **options: Any
    ) -> dict[str, Any]:
        """Answer a call, and keep nothing of a caller of an endpoint: they have no state.

        For each call over plain HTTP Gradio opens a session of 140 kB that describes the whole page, and
        keeps ten thousand of them.
        """
        try:
            answer: dict[str, Any] = await super().process_api(
                block_fn, *args, session_hash=session_hash, **options
            )
            return answer
        finally:
            if block_fn.api_visibility == "public" and session_hash is not None:
                self.state_holder.session_data.pop(session_hash, None)
                self.state_holder.time_last_used.pop(session_hash, None)


def build_page(
    pipelines: Pipelines,
    jobs: VideoJobs,
    detector: str = DEFAULT_DETECTOR,
    services: Services | None = None,
) -> gr.Blocks:
    """Build the whole app.

    Args:
        pipelines: Of the server.
        jobs: Videos that the server reads.
        detector: The detector that is chosen at first.
        services: What it offers beside reading expressions.
    """
    services = services or Services()
    with _Page(title=TITLE, analytics_enabled=False, delete_cache=CLEAN_UP) as page:
        with gr.Row(elem_id="header"):
            gr.Markdown(f"# {TITLE}\n" + TEXT("tagline"))
            webcam = gr.Button(
                TEXT("open_webcam"), variant="primary", scale=0, elem_id="open-webcam"
            )
        problem = _problem(pipelines, detector)
        if problem:
            gr.Markdown(
                f"**This server cannot read expressions yet.** {problem}", elem_id="problem"
            )
        with gr.Tabs() as tabs:
            with gr.Tab(TEXT("tab_image"), id="image"):
                build_image_tab(page, pipelines, detector)
            with gr.Tab(TEXT("tab_webcam"), id="webcam"):
                build_webcam_tab(pipelines, detector, records=services.records is not None)
            with gr.Tab(TEXT("tab_video"), id="video"):
                build_video_tab(pipelines, jobs, detector, services.records)
            if services.records and services.links:
                with gr.Tab(TEXT("tab_dashboard"), id="dashboard") as dashboard:
                    read_anew = build_dashboard_tab(services.records, services.links)
                read_anew(dashboard.select)
            with gr.Tab(TEXT("tab_model"), id="model"):
                build_model_tab(pipelines)
        webcam.click(
            lambda: gr.Tabs(selected="webcam"),
            None,
            tabs,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        ).then(None, js=START_CAMERA)
        page.load(_asked_tab, None, tabs, queue=False, api_visibility="private")
        add_analyze(pipelines, detector)
        add_analyze_video(pipelines, jobs.line, detector)
        add_health(pipelines)
        gr.Markdown(TEXT("limits"), elem_id="footer-notes")
    page.queue(max_size=MOST_WAITING)
    return page


def addresses(
    pipelines: Pipelines, jobs: VideoJobs, services: Services | None = None
) -> list[BaseRoute]:
    """What the server answers beside Gradio's own addresses.

    Args:
        pipelines: Of the server.
        jobs: Videos that the server reads.
        services: What it offers beside reading expressions.

    The name of each tab (``/webcam``) opens the page at that tab; the redirect is relative, so that it also
    works behind a proxy that serves the app under a path. ``/gradio.js`` is the script that other sites embed
    the app with, in the version that fits. ``/live/`` is for the webcam's frames, ``/video/job`` for a video
    that is being read.
    """

    def to_tab(request: Request) -> RedirectResponse:
        query = urlencode({**request.query_params, "tab": request.url.path.rsplit("/", 1)[-1]})
        return RedirectResponse(f"./?{query}")

    def script(request: Request) -> FileResponse:
        return FileResponse(EMBED_SCRIPT, media_type="text/javascript")

    services, viewers = services or Services(), Kept[Viewer]()
    records = WebcamRecords(services, pipelines, viewers)
    return [
        *(Route(f"/{tab}", to_tab) for tab in TABS),
        Route("/gradio.js", script),
        *live_routes(pipelines.get, viewers, records.on_moment, records.on_reply),
        records.route(),
        *services.routes(),
        *video_routes(jobs),
    ]


def _asked_tab(request: gr.Request) -> Any:
    """Open the tab that the address names, if it names one."""
    tab = request.query_params.get("tab")
    return gr.Tabs(selected=tab) if tab in TABS else gr.skip()


def _problem(pipelines: Pipelines, detector: str) -> str | None:
    """Why nothing can be analysed, or None. Loads what the first viewer would have to wait for."""
    try:
        pipelines.get(detector)
    except EmotionError as error:
        return str(error)
    return None
