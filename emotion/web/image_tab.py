"""The image tab: a picture goes in, a labelled picture and its numbers come out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from emotion.errors import EmotionError
from emotion.faces import DEFAULT_DETECTOR, DETECTORS
from emotion.images import ACCEPTED, read_image
from emotion.shipped import EXAMPLES
from emotion.web.languages import TEXT, words_for
from emotion.web.pipelines import Pipelines
from emotion.web.readings import Reading, compare, read_picture, with_boxes
from emotion.web.results import compare_html, error_html, original_html, results_html, summary_html
from emotion.web.widgets import picture_input, prior_input, slider

__all__ = ["build_image_tab"]

SHOWN_EXAMPLES = ("astronaut.jpg", "hopper.jpg", "group.jpg", "cat.jpg")
"""The first one has been read already when the page opens."""

SHARE_SCRIPT = (Path(__file__).parent / "static" / "share.js").read_text(encoding="utf-8")

FACES, ORIGINAL, COMPARE = "faces", "original", "compare"
"""What the one picture of the tab shows."""

Update = tuple[Any, ...]


def build_image_tab(pipelines: Pipelines, detector_name: str = DEFAULT_DETECTOR) -> None:
    """Add the contents of the tab to the open ``gr.Tab``.

    Args:
        pipelines: Of the server.
        detector_name: The detector that is chosen at first.
    """
    events = _Events(pipelines)
    reading = gr.State(None)
    plain = {"apply_default_css": False, "padding": False}
    with gr.Row(elem_id="image-tab"):
        with gr.Column(elem_id="image-input", min_width=280):
            # Always ready for the next picture: the one that was read is shown beside it.
            picture = picture_input(
                sources=["upload", "clipboard"],
                label=TEXT("picture"),
                height=190,
                elem_id="picture",
                placeholder=TEXT("drop") + f"\n{ACCEPTED}",
            )
            # Not `gr.Examples`: it updates the field, see emotion/web/widgets.py.
            examples = gr.Dataset(
                components=[picture],
                samples=[[str(path)] for path in _examples()],
                type="index",
                label=TEXT("examples"),
            )
        with gr.Column(elem_id="image-settings", min_width=280):
            detector, min_score, prior, why = _settings(pipelines, detector_name)
        with gr.Column(elem_id="image-result", min_width=320):
            summary = gr.HTML("", elem_id="summary", **plain)
            view = gr.Radio(
                [(TEXT(f"view_{name}"), name) for name in (FACES, ORIGINAL, COMPARE)],
                value=FACES,
                show_label=False,
                container=False,
                elem_id="view",
                elem_classes="segments",
            )
            annotated = gr.Image(
                show_label=False,
                format="jpeg",
                interactive=False,
                buttons=["fullscreen"],
                elem_id="annotated",
                alt_text=TEXT("annotated"),
            )
            other = gr.HTML("", elem_id="other-view", visible=False, **plain)
            results = gr.HTML("", elem_id="results", js_on_load=SHARE_SCRIPT, **plain)

    settings = [detector, min_score, prior, why, view]
    shown = [reading, summary, view, annotated, other, results]
    # What is changed while an answer is under way is answered next, not skipped.
    quiet = {"api_visibility": "private", "show_progress": "minimal", "trigger_mode": "always_last"}
    first = gr.on(None, events.first, settings, shown, **quiet | {"show_progress": "hidden"})
    take = {"fn": events.take, "inputs": [picture, *settings], "outputs": [picture, *shown]}
    # Not `change`: it follows the reset of the field too, whose answer would undo a quick next choice.
    # A picture that is dropped before the first example has been read must not be followed by its answer.
    picture.upload(**take, cancels=first, **quiet)
    examples.click(events.example, [examples, *settings], shown, cancels=first, **quiet)
    again = {"fn": events.again, "inputs": [reading, *settings], "outputs": shown, **quiet}
    # One event, not two in a row: Gradio forgets the second of a quick change's.
    change = {"inputs": [reading, *settings], "outputs": [min_score, *shown]}
    detector.input(events.change_detector, **change, **quiet)
    # Not `release`: it is never fired when a slider is moved with the keyboard.
    min_score.input(**again)
    prior.input(**again)
    why.input(**again)
    view.input(events.turn, [reading, view], [annotated, other], **quiet)


def _examples() -> list[Path]:
    return [path for name in SHOWN_EXAMPLES if (path := EXAMPLES / name).is_file()]


def _settings(
    pipelines: Pipelines, detector_name: str
) -> tuple[gr.Radio, gr.Slider, gr.Radio, gr.Checkbox]:
    """The row of settings: what changes how a picture is read or what is said about it."""
    detector = gr.Radio(
        [(title, name) for name, title in DETECTORS.items()],
        value=detector_name,
        label=TEXT("detector"),
        elem_id="detector",
    )
    min_score = slider(
        0,
        1,
        pipelines.default_score(detector_name),
        step=0.05,
        label=TEXT("min_score"),
        info=TEXT("min_score_info"),
        elem_id="min-score",
    )
    prior = prior_input(elem_id="prior")
    why = gr.Checkbox(False, label=TEXT("why"), info=TEXT("why_info"), elem_id="why")
    return detector, min_score, prior, why


class _Events:
    """What the tab's events do. Each method gives updates in the order of the tab's outputs."""

    def __init__(self, pipelines: Pipelines) -> None:
        self._pipelines = pipelines

    def first(
        self,
        detector: str,
        min_score: float,
        prior: str,
        why: bool,
        view: str,
        request: gr.Request,
    ) -> Update:
        """Read an example, so that a viewer sees at once what the page does."""
        return self.example(0, detector, min_score, prior, why, view, request)

    def example(
        self,
        index: int,
        detector: str,
        min_score: float,
        prior: str,
        why: bool,
        view: str,
        request: gr.Request,
    ) -> Update:
        """Read the example that was clicked."""
        path = str(_examples()[index])
        return self._read(path, (detector, min_score, prior, why, view), request)

    def take(
        self,
        path: str,
        detector: str,
        min_score: float,
        prior: str,
        why: bool,
        view: str,
        request: gr.Request,
    ) -> Update:
        """Read a new picture and make room for the next one."""
        return None, *self._read(path, (detector, min_score, prior, why, view), request)

    def again(
        self,
        reading: Reading | None,
        detector: str,
        min_score: float,
        prior: str,
        why: bool,
        view: str,
        request: gr.Request,
    ) -> Update:
        """Read the same picture with other settings."""
        if reading is None:
            return (gr.skip(),) * 6
        return self._read(reading.path, (detector, min_score, prior, why, view), request)

    def change_detector(
        self,
        reading: Reading | None,
        detector: str,
        min_score: float,
        prior: str,
        why: bool,
        view: str,
        request: gr.Request,
    ) -> Update:
        """Read the same picture with another detector, at the score that this one begins with."""
        min_score = self._pipelines.default_score(detector)
        return min_score, *self.again(reading, detector, min_score, prior, why, view, request)

    def turn(self, reading: Reading | None, view: str, request: gr.Request) -> Update:
        """Show the picture in another way."""
        if reading is None:
            return gr.skip(), gr.skip()
        try:
            other = self._other(reading.path, view, request)
        except EmotionError as error:
            other = error_html(str(error))
        return _pictures(other)

    def _read(
        self, path: str, settings: tuple[str, float, str, bool, str], request: gr.Request
    ) -> Update:
        detector, min_score, prior, why, view = settings
        words = words_for(request)
        try:
            reading, image = read_picture(
                self._pipelines, path, detector, min_score, prior=prior, why=why
            )
            other = self._other(path, view, request)
        except EmotionError as error:
            nothing = gr.Image(None, visible=False), gr.HTML("", visible=False)
            return None, error_html(str(error)), gr.Radio(visible=False), *nothing, ""
        return (
            reading,
            summary_html(reading.record, words),
            gr.Radio(visible=True),
            *_pictures(other, value=with_boxes(image, reading.faces)),
            results_html(reading, image, words),
        )

    def _other(self, path: str, view: str, request: gr.Request) -> str:
        """What is shown in place of the annotated picture, as HTML; empty if that is to be shown."""
        words = words_for(request)
        if view == COMPARE:
            return compare_html(*compare(self._pipelines, path), words)
        return original_html(read_image(path), words) if view == ORIGINAL else ""


def _pictures(other: str, **annotated: Any) -> Update:
    """Updates of the annotated picture and of what stands in its place.

    The annotated one stays on the page though unseen, as it can be downloaded all the time.
    """
    return gr.Image(visible="hidden" if other else True, **annotated), gr.HTML(
        other, visible=bool(other)
    )
