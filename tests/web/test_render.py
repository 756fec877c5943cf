"""Templates escape whatever they are given, and none names what it does not get."""

from __future__ import annotations

import jinja2
import numpy as np
import pytest

from emotion.pixels import Picture
from emotion.results import PictureRecord
from emotion.types import BoundingBox, Emotion, Face, FaceEmotion, Prediction
from emotion.web.languages import words_for
from emotion.web.model_figures import architectures_html
from emotion.web.readings import Reading
from emotion.web.render import render
from emotion.web.results import error_html, results_html
from emotion.web.session_report import progress_html

HOSTILE = "<script>alert(1)</script>' onload='x"


def happy_face() -> FaceEmotion:
    shares = {emotion: 1.0 if emotion is Emotion.HAPPY else 0.0 for emotion in Emotion}
    return FaceEmotion(Face(BoundingBox(5, 5, 40, 40), 0.9), Prediction.from_mapping(shares))


def design() -> dict[str, object]:
    return {
        "architecture": HOSTILE,
        "about": HOSTILE,
        "accuracy": 0.5,
        "int8_accuracy": 0.5,
        "weakest": {"recall": 0.1, "expression": HOSTILE},
        "parameters": 10,
        "bytes": 10,
        "relative_time": 1.0,
        "epochs": 1,
        "optimizer": HOSTILE,
    }


@pytest.mark.parametrize(
    "html",
    [
        error_html(HOSTILE),
        progress_html(HOSTILE, words=words_for(None)),
        architectures_html([design()]),
    ],
    ids=["error", "progress", "table"],
)
def test_text_never_becomes_markup(html: str) -> None:
    assert "<script" not in html
    assert "onload='" not in html
    assert "&lt;script&gt;" in html


def test_the_name_of_an_upload_never_becomes_markup() -> None:
    image = np.zeros((50, 50, 3), np.uint8)
    record = PictureRecord.of(HOSTILE, Picture(image, 50, 50), [happy_face()])
    reading = Reading(HOSTILE, record, record.faces)
    assert "<script" not in results_html(reading, image, words_for(None))


def test_a_name_that_is_not_given_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError, match="kind"):
        render("sentence", text="words", role="")
