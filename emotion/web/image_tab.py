"""The image tab: a picture goes in, a labelled picture and its numbers come out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from emotion.drawing import annotate
from emotion.errors import EmotionError
from emotion.faces import DEFAULT_DETECTOR, DETECTORS
from emotion.images import ACCEPTED, read_image
from emotion.pipeline import check_min_score
from emotion.records import PictureRecord
from emotion.regions import reduced
from emotion.types import Image
from emotion.web.fields import picture_input, slider
from emotion.web.pipelines import Pipelines
from emotion.web.results import error_html, nothing_yet_html, results_html, summary_html

__all__ = ["build_image_tab"]

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

LARGEST_SHOWN = 2560
"""Longer sides of the annotated picture are reduced to this: crisp on any screen, quick to send."""


def build_image_tab(pipelines: Pipelines, detector_name: str = DEFAULT_DETECTOR) -> None:
    """Add the contents of the tab to the open ``gr.Tab``.

    Args:
        pipelines: Of the server.
        detector_name: The detector that is chosen at first.
    """

    def read(path: str, detector: str, min_score: float | None) -> tuple[Image, PictureRecord]:
        image = read_image(path)
        faces = pipelines.get(detector)(image, min_score=min_score)
        return image, PictureRecord.of(Path(path).name, image, faces)

    def show(path: str | None, detector: str, min_score: float) -> tuple[str, Image | None, str]:
        if path is None:
            return nothing_yet_html(), None, ""
        try:
            image, record = read(path, detector, min_score)
        except EmotionError as error:
            return error_html(str(error)), None, ""
        # At the size in which it goes to the browser.
        picture, _ = reduced(annotate(image, record.faces), LARGEST_SHOWN)
        return summary_html(record), picture, results_html(record, image)

    def analyze(
        picture: str | None, detector: str, min_score: float | None = None
    ) -> dict[str, Any]:
        """Find the faces of a picture and read their expression.

        Args:
            picture: The picture.
            detector: mediapipe or haar.
            min_score: Faces that the detector is less sure of are left out, 0 to 1; null: its default.

        Returns:
            The JSON object of ``python -m emotion analyze --json``.
        """
        if picture is None:
            return PictureRecord.failed("", f"A picture is needed: {ACCEPTED}.").as_dict()
        try:
            return read(picture, detector, check_min_score(min_score))[1].as_dict()
        except EmotionError as error:
            return PictureRecord.failed(Path(picture).name, str(error)).as_dict()

    plain = {"apply_default_css": False, "padding": False}
    with gr.Row():
        with gr.Column(min_width=320):
            picture = picture_input(
                sources=["upload", "clipboard"],
                label="Picture",
                height=360,
                elem_id="picture",
                placeholder=f"Drop a picture here, paste one, or click to choose\n{ACCEPTED}",
            )
            with gr.Row():
                detector = gr.Radio(
                    [(title, name) for name, title in DETECTORS.items()],
                    value=detector_name,
                    label="Face detector",
                    elem_id="detector",
                    min_width=260,
                )
                min_score = slider(
                    0,
                    1,
                    pipelines.default_score(detector_name),
                    step=0.05,
                    label="Minimum score",
                    info="Higher: fewer, surer faces.",
                    elem_id="min-score",
                    min_width=220,
                )
            gr.Examples(
                [str(path) for path in sorted(EXAMPLES.glob("*.jpg"))],
                picture,
                label="Examples",
                examples_per_page=6,
                api_visibility="private",
            )
        with gr.Column(min_width=320):
            summary = gr.HTML(nothing_yet_html(), elem_id="summary", **plain)
            annotated = gr.Image(
                label="What was found",
                format="jpeg",
                interactive=False,
                buttons=["download", "fullscreen"],
                elem_id="annotated",
                alt_text="The picture with a box, a number and the expression of each face",
            )
            results = gr.HTML("", elem_id="results", **plain)

    # For other programs only; people see the same through `show`. A number, as a slider has no null.
    asked_score = gr.Number(None, visible=False, label="min_score")
    answer = gr.JSON(visible=False)
    call = gr.Button(visible=False)

    inputs, outputs = [picture, detector, min_score], [summary, annotated, results]
    # What is changed while an answer is under way is answered next, not skipped.
    quiet = {"api_visibility": "private", "show_progress": "minimal", "trigger_mode": "always_last"}
    picture.change(show, inputs, outputs, **quiet)
    detector.input(pipelines.default_score, detector, min_score, **quiet).then(
        show, inputs, outputs, **quiet
    )
    # Not `release`: the keyboard never lets go of a slider.
    min_score.input(show, inputs, outputs, **quiet)
    call.click(analyze, [picture, detector, asked_score], answer, api_name="analyze")
