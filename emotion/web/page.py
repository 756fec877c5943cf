"""The page: its frame, its looks and its tabs."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import gradio as gr
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse
from starlette.routing import BaseRoute, Route

from emotion.errors import EmotionError
from emotion.faces import DEFAULT_DETECTOR
from emotion.web.api import add_analyze_video, add_health
from emotion.web.image_tab import build_image_tab
from emotion.web.model_tab import build_model_tab
from emotion.web.pipelines import Pipelines
from emotion.web.video_tab import build_video_tab
from emotion.web.webcam_tab import build_webcam_tab

__all__ = ["CSS", "ICON", "TABS", "THEME", "TITLE", "addresses", "build_page"]

TABS = ("image", "webcam", "video", "model")
"""Names of the tabs, which are also their addresses."""

ICON = Path(__file__).parent / "icon.svg"

EMBED_SCRIPT = Path(gr.__file__).parent / "templates" / "frontend" / "gradio.js"
"""Defines ``<gradio-app>``. Gradio puts it on a server of its own; ours needs no other server."""

TITLE = "Facial expressions"

HEADER = """# Facial expressions
Happy, sad, surprised? Show it a picture, your camera or a film,
and see which of seven expressions each face shows.
"""

FOOTER = """**What this is not.** It reads what a face *shows*, not what a person feels. It was trained on
small grey pictures from the web and agrees with their labels about two times in three, as people do;
how it treats different groups of people has not been measured. Please decide nothing about anybody with it:
no hiring, policing, exams, work or school.

**Your pictures** stay on this server. Uploads and their annotated copies are deleted within a day, camera
frames are never stored, and nothing is sent to anybody else.
"""

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
    (Path(__file__).parent / name).read_text(encoding="utf-8")
    for name in ("page.css", "webcam.css", "model.css")
)

ONE_HOUR = 60 * 60
CLEAN_UP = (ONE_HOUR, 23 * ONE_HOUR)
"""Once an hour Gradio deletes the files that are older, so that none is left after a day."""


def build_page(pipelines: Pipelines, detector: str = DEFAULT_DETECTOR) -> gr.Blocks:
    """Build the whole app.

    Args:
        pipelines: Of the server.
        detector: The detector that is chosen at first.
    """
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=CLEAN_UP) as page:
        gr.Markdown(HEADER, elem_id="header")
        problem = _problem(pipelines, detector)
        if problem:
            gr.Markdown(
                f"**This server cannot read expressions yet.** {problem}", elem_id="problem"
            )
        with gr.Tabs() as tabs:
            with gr.Tab("Image", id="image"):
                build_image_tab(pipelines, detector)
            with gr.Tab("Webcam", id="webcam"):
                build_webcam_tab(pipelines, detector)
            with gr.Tab("Video", id="video"):
                build_video_tab(pipelines, detector)
            with gr.Tab("Model", id="model"):
                build_model_tab(pipelines)
        page.load(_asked_tab, None, tabs, queue=False, api_visibility="private")
        add_analyze_video(pipelines, detector)
        add_health(pipelines)
        gr.Markdown(FOOTER, elem_id="footer-notes")
    return page


def addresses() -> list[BaseRoute]:
    """What the server answers beside Gradio's own addresses.

    ``/image``, ``/webcam``, ``/video`` and ``/model`` open the page at that tab; the redirect is relative,
    so that it also works behind a proxy that serves the app under a path. ``/gradio.js`` is the script that
    other sites embed the app with, in the version that fits.
    """

    def to_tab(request: Request) -> RedirectResponse:
        query = urlencode({**request.query_params, "tab": request.url.path.rsplit("/", 1)[-1]})
        return RedirectResponse(f"./?{query}")

    def script(request: Request) -> FileResponse:
        return FileResponse(EMBED_SCRIPT, media_type="text/javascript")

    return [*(Route(f"/{tab}", to_tab) for tab in TABS), Route("/gradio.js", script)]


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
