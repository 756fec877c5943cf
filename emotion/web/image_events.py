"""What the events of the image tab do; the layout is in ``image_tab.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from emotion.errors import EmotionError
from emotion.images import read_image
from emotion.shipped import EXAMPLES
from emotion.web.languages import words_for
from emotion.web.pipelines import Pipelines
from emotion.web.readings import Reading, compare, read_picture, with_boxes
from emotion.web.results import compare_html, error_html, original_html, results_html, summary_html

__all__ = ["COMPARE", "FACES", "ORIGINAL", "ImageEvents", "example_paths"]

SHOWN_EXAMPLES = ("astronaut.jpg", "hopper.jpg", "group.jpg", "cat.jpg")
"""The first one has been read already when the page opens."""

FACES, ORIGINAL, COMPARE = "faces", "original", "compare"
"""What the one picture of the tab shows."""

Update = tuple[Any, ...]


def example_paths() -> list[Path]:
    """The examples that are there; an installation may have left them out."""
    return [path for name in SHOWN_EXAMPLES if (path := EXAMPLES / name).is_file()]


class ImageEvents:
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
        path = str(example_paths()[index])
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
