"""The image tab: a picture goes in, a labelled picture and its numbers come out."""

from __future__ import annotations

import json
from pathlib import Path

import gradio as gr

from emotion.faces import DEFAULT_DETECTOR, DETECTORS
from emotion.images import ACCEPTED
from emotion.web.image_events import COMPARE, FACES, ORIGINAL, ImageEvents, example_paths
from emotion.web.languages import TEXT
from emotion.web.pipelines import Pipelines
from emotion.web.widgets import picture_input, prior_input, slider

__all__ = ["build_image_tab"]

SHARE_SCRIPT = (Path(__file__).parent / "static" / "share.js").read_text(encoding="utf-8")


def build_image_tab(
    page: gr.Blocks, pipelines: Pipelines, detector_name: str = DEFAULT_DETECTOR
) -> None:
    """Add the contents of the tab to the open ``gr.Tab``.

    Args:
        page: The page that holds the tab.
        pipelines: Of the server.
        detector_name: The detector that is chosen at first.
    """
    events = ImageEvents(pipelines)
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
                samples=[[str(path)] for path in example_paths()],
                type="index",
                label=TEXT("examples"),
                elem_id="examples",
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
    page.load(None, js=_name_examples(), api_visibility="private")
    # Not `gr.on` without triggers: it follows each change of the settings, too.
    first = page.load(events.first, settings, shown, **quiet | {"show_progress": "hidden"})
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


def _name_examples() -> str:
    """Gradio's buttons of pictures have no names; a screen reader says those of the files."""
    names = json.dumps([path.stem for path in example_paths()])
    return f"""() => document.querySelectorAll("#examples .gallery-item").forEach(
        (button, number) => button.setAttribute("aria-label", {names}[number]))"""


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
