"""The shipped weights still answer as they did: a changed file, runtime or preprocessing shows here."""

from __future__ import annotations

import pytest
from support.places import ROOT

from emotion import EmotionPipeline, read_image
from emotion.classifier import RUNTIMES
from emotion.types import Emotion
from emotion.weights.find import shipped_weights

PORTRAIT = ROOT / "examples" / "astronaut.jpg"

INT8_TOLERANCE = 0.05
"""How far quantised weights may move one probability from what Keras computes in float32."""


def test_weights_are_shipped() -> None:
    assert shipped_weights()[0] == "compact"


@pytest.mark.parametrize("detector", ["mediapipe", "haar"])
def test_the_portrait_is_read_as_happy(detector: str) -> None:
    with EmotionPipeline.from_pretrained(detector=detector) as pipeline:
        [result] = pipeline(read_image(PORTRAIT))
    assert result.prediction.label == Emotion.HAPPY
    assert result.prediction.confidence > 0.8


def test_both_runtimes_read_the_portrait_alike() -> None:
    answers = []
    for runtime in RUNTIMES:
        with EmotionPipeline.from_pretrained(runtime=runtime) as pipeline:
            [result] = pipeline(read_image(PORTRAIT))
        answers.append(result.prediction.probabilities)
    assert answers[0] == pytest.approx(answers[1], abs=INT8_TOLERANCE)
