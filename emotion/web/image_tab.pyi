"""The image tab: a picture goes in, a labelled picture and its numbers come out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from emotion.drawing import annotate
from emotion.errors import EmotionError
from emotion.faces import DEFAULT_DETECTOR, DETECTORS
from emotion.images import ACCEPTED, read_image
from emotion.records import PictureRecord
from emotion.types import Image
from emotion.web.pipelines import Pipelines
from emotion.web.results import error_html, nothing_yet_html, results_html

__all__ = ["PictureInput", "build_image_tab"]

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

from gradio.events import Dependency

class PictureInput(gr.Image):  # type: ignore[misc]
    """``gr.Image`` that hands over the uploaded file as it is.

    The stock component decodes pictures itself: it fails on damaged ones without saying why, opens
    decompression bombs, clips 16-bit grey and forgets EXIF rotation. ``read_image`` does all of that.
    """

    is_template = True  # shown by the stock component's frontend

    def preprocess(self, payload: Any) -> str | None:
        return None if payload is None else payload.path
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component


def build_image_tab(pipelines: Pipelines, detector_name: str = DEFAULT_DETECTOR) -> None:
    """Add the contents of the tab to the open ``gr.Tab``.

    Args:
        pipelines: Of the server.
        detector_name: The detector that is chosen at first.
    """

    def read(path: str, detector: str, min_score: float) -> tuple[Image, PictureRecord]:
        image = read_image(path)
        faces = pipelines.get(detector)(image, min_score=min_score)
        return image, PictureRecord.of(Path(path).name, image, faces)

    def show(path: str | None, detector: str, min_score: float) -> tuple[Image | None, str]:
        if path is None:
            return None, nothing_yet_html()
        try:
            image, record = read(path, detector, min_score)
        except EmotionError as error:
            return None, error_html(str(error))
        return annotate(image, record.faces), results_html(record)

    def analyze(path: str | None, detector: str, min_score: float) -> dict[str, Any]:
        """Find the faces of a picture and read their expression.

        Args:
            path: The picture.
            detector: mediapipe or haar.
            min_score: Faces that the detector is less sure of are left out, 0 to 1.

        Returns:
            The JSON object of ``python -m emotion analyze --json``.
        """
        if path is None:
            return PictureRecord.failed("", f"A picture is needed: {ACCEPTED}.").as_dict()
        try:
            return read(path, detector, min_score)[1].as_dict()
        except EmotionError as error:
            return PictureRecord.failed(Path(path).name, str(error)).as_dict()

    def default_score(detector: str) -> float:
        try:
            return pipelines.get(detector).detector.default_min_score
        except EmotionError:
            return 0.5  # the picture that is analysed next shows the message

    with gr.Row():
        with gr.Column(min_width=320):
            picture = PictureInput(
                sources=["upload", "clipboard"],
                type="filepath",
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
                )
                min_score = gr.Slider(
                    0,
                    1,
                    value=default_score(detector_name),
                    step=0.05,
                    label="Minimum score",
                    info="Faces that the detector is less sure of are left out.",
                )
            gr.Examples(
                [str(path) for path in sorted(EXAMPLES.glob("*.jpg"))],
                picture,
                label="Examples",
                examples_per_page=6,
                api_visibility="private",
            )
        with gr.Column(min_width=320):
            annotated = gr.Image(
                label="What was found",
                format="jpeg",
                interactive=False,
                height=480,
                buttons=["download", "fullscreen"],
                elem_id="annotated",
                alt_text="The picture with a box, a number and the expression of each face",
            )
            results = gr.HTML(nothing_yet_html(), elem_id="results")

    # For other programs only; people see the same through `show`.
    answer = gr.JSON(visible=False)
    call = gr.Button(visible=False)

    inputs = [picture, detector, min_score]
    quiet = {"api_visibility": "private", "show_progress": "minimal"}
    picture.change(show, inputs, [annotated, results], trigger_mode="always_last", **quiet)
    detector.input(default_score, detector, min_score, **quiet).then(
        show, inputs, [annotated, results], **quiet
    )
    min_score.release(show, inputs, [annotated, results], trigger_mode="always_last", **quiet)
    call.click(analyze, inputs, answer, api_name="analyze")