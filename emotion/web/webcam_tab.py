"""The webcam tab: a live picture with boxes and labels, drawn in the browser from the server's numbers."""

from __future__ import annotations

import json

import gradio as gr

from emotion.drawing import EXPRESSION_COLOURS, text_colour
from emotion.faces import DEFAULT_DETECTOR, DETECTORS
from emotion.prior import DEFAULT_PRIOR
from emotion.types import Emotion
from emotion.web.languages import DEFAULT, LANGUAGES, TEXT
from emotion.web.pipelines import Pipelines
from emotion.web.render import render
from emotion.web.scripts import mount_script
from emotion.web.widgets import prior_input, slider

__all__ = ["build_webcam_tab"]

LEAST_SCORE, HALF_LIFE_S = 0.05, 0.3

# An emptied field sends null, a half-typed one a 0: the panel keeps to what makes sense.
TO_PANEL = f"""(detector, min_score, half_life_s, prior) => JSON.stringify({{
    detector,
    min_score: Math.min(Math.max(min_score ?? 0, {LEAST_SCORE}), 1),
    half_life_s: half_life_s ?? {HALF_LIFE_S},
    prior,
}})"""


def build_webcam_tab(
    pipelines: Pipelines, detector_name: str = DEFAULT_DETECTOR, *, records: bool = False
) -> None:
    """Add the contents of the tab to the open ``gr.Tab``. The panel asks the routes of ``live_routes.py``.

    Args:
        pipelines: Of the server.
        detector_name: The detector that is chosen at first.
        records: Whether sessions can be recorded on this server.
    """
    score = pipelines.default_score(detector_name)
    settings = {"detector": detector_name, "min_score": score, "half_life_s": HALF_LIFE_S}
    settings["prior"] = DEFAULT_PRIOR
    panel = gr.HTML(
        json.dumps(settings),
        elem_id="webcam-panel",
        html_template="<div></div>",
        apply_default_css=False,
        js_on_load=mount_script(
            "panel.js",
            "mountPanel",
            markup=render("webcam", words=LANGUAGES[DEFAULT]),
            tones=_tones(),
        ),
    )
    with gr.Row(elem_id="webcam-settings"):
        detector = gr.Dropdown(
            [(title, name) for name, title in DETECTORS.items()],
            value=detector_name,
            label=TEXT("detector"),
            info=TEXT("detector_info"),
        )
        min_score = slider(
            LEAST_SCORE,
            1,
            score,
            step=0.05,
            label=TEXT("min_score"),
            info=TEXT("min_score_info"),
        )
        half_life = slider(
            0,
            2,
            HALF_LIFE_S,
            step=0.1,
            label=TEXT("smoothing"),
            info=TEXT("smoothing_info"),
        )
        prior = prior_input()
    if records:
        gr.HTML(
            elem_id="webcam-record",
            html_template="<div></div>",
            apply_default_css=False,
            js_on_load=mount_script("record.js", "mountRecord"),
        )
    gr.HTML(
        elem_id="webcam-report",
        html_template="<div></div>",
        apply_default_css=False,
        js_on_load=mount_script("report.js", "mountReport"),
    )

    # These go from field to panel within the browser; no request is made.
    fields = [detector, min_score, half_life, prior]
    for field in fields:
        field.change(None, fields, panel, js=TO_PANEL, api_visibility="private")
    detector.input(
        pipelines.default_score,
        detector,
        min_score,
        trigger_mode="always_last",
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )


def _tones() -> dict[str, dict[str, str]]:
    """Colour of each expression, and of text on it."""
    return {
        emotion.value: {
            "colour": EXPRESSION_COLOURS[emotion],
            "ink": text_colour(EXPRESSION_COLOURS[emotion]),
        }
        for emotion in Emotion
    }
