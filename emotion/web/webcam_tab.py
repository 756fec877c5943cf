"""The webcam tab: a live picture with boxes and labels, drawn in the browser from the server's numbers."""

from __future__ import annotations

import json
from pathlib import Path

import gradio as gr

from emotion.drawing import EXPRESSION_COLOURS, text_colour
from emotion.faces import DEFAULT_DETECTOR, DETECTORS
from emotion.types import Emotion
from emotion.web.fields import slider
from emotion.web.live import LiveReader, LiveSettings, Viewer
from emotion.web.pipelines import Pipelines
from emotion.web.session_report import summary_html

__all__ = ["build_webcam_tab", "report"]

HERE = Path(__file__).parent
FORGET_AFTER_S = 3600
"""A viewer's session is dropped this long after the last frame: Gradio counts from the last time that the
state was written, so each frame writes it."""


def build_webcam_tab(pipelines: Pipelines, detector_name: str = DEFAULT_DETECTOR) -> None:
    """Add the contents of the tab to the open ``gr.Tab``.

    Args:
        pipelines: Of the server.
        detector_name: The detector that is chosen at first.
    """
    reader = LiveReader(pipelines.get)

    # One frame is one small request, not an entry of Gradio's queue: nothing can pile up, no slot is held
    # for the length of a stream (so no time limit is needed), and LiveReader bounds the work itself.
    def on_frame(
        viewer: Viewer, detector: str, min_score: float, half_life_s: float, event: gr.EventData
    ) -> tuple[str, Viewer]:
        settings = LiveSettings(detector, min_score, half_life_s)
        return reader.answer(viewer, event._data, settings), viewer

    def on_report(viewer: Viewer, event: gr.EventData) -> str:
        return json.dumps({"n": event._data.get("n"), **report(viewer, event._data.get("what"))})

    viewer = gr.State(Viewer(), time_to_live=FORGET_AFTER_S)
    panel = gr.HTML(
        elem_id="webcam-panel",
        html_template="<div></div>",
        apply_default_css=False,
        js_on_load=_panel_script(),
    )
    with gr.Row(elem_id="webcam-settings"):
        detector = gr.Dropdown(
            [(title, name) for name, title in DETECTORS.items()],
            value=detector_name,
            label="Face detector",
            info="Can be changed while the camera runs.",
        )
        min_score = slider(
            0.05,
            1,
            pipelines.default_score(detector_name),
            step=0.05,
            label="Minimum score",
            info="Higher: fewer, surer faces.",
        )
        half_life = slider(
            0, 2, 0.3, step=0.1, label="Smoothing in seconds", info="0: each frame for itself."
        )
    reports = gr.HTML(
        elem_id="webcam-report",
        html_template="<div></div>",
        apply_default_css=False,
        js_on_load=(HERE / "report.js").read_text(encoding="utf-8"),
    )

    direct = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    panel.frame(
        on_frame,
        [viewer, detector, min_score, half_life],
        [panel, viewer],
        trigger_mode="multiple",
        **direct,
    )
    # A second download may be asked for before the first one is there.
    reports.report(on_report, viewer, reports, trigger_mode="multiple", **direct)
    detector.input(
        pipelines.default_score, detector, min_score, trigger_mode="always_last", **direct
    )


def report(viewer: Viewer, what: str | None) -> dict[str, str]:
    """What the summary button or one of the download buttons gets."""
    with viewer.lock:
        if what == "csv":
            text = viewer.session.to_csv()
            return {"text": text, "type": "text/csv", "name": "expression-session.csv"}
        if what == "json":
            text = viewer.session.to_json()
            return {"text": text, "type": "application/json", "name": "expression-session.json"}
        return {"html": summary_html(viewer.session.summary(), viewer.timeline)}


def _panel_script() -> str:
    """The panel's script with its markup and the palette in front."""
    palette = {
        emotion.value: {
            "colour": EXPRESSION_COLOURS[emotion],
            "ink": text_colour(EXPRESSION_COLOURS[emotion]),
        }
        for emotion in Emotion
    }
    markup = (HERE / "webcam.html").read_text(encoding="utf-8")
    script = (HERE / "webcam.js").read_text(encoding="utf-8")
    return f"const MARKUP = {json.dumps(markup)}, EXPRESSIONS = {json.dumps(palette)};\n{script}\n// 'frame'"
