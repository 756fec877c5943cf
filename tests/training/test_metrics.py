"""The figures against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from emotion.classifier import softmax
from emotion.training.metrics import (
    class_figures,
    confusion_matrix,
    expected_calibration_error,
    fit_temperature,
    mean_recall,
    negative_log_likelihood,
    recalls,
    reliability,
)
from emotion.types import Emotion
from emotion.weights.figures import weakest_class

HAPPY, NEUTRAL = list(Emotion).index(Emotion.HAPPY), list(Emotion).index(Emotion.NEUTRAL)


def sure_of(labels: list[int], confidence: float) -> np.ndarray:
    """Probabilities that give ``confidence`` to each label and share the rest evenly."""
    rest = (1 - confidence) / (len(Emotion) - 1)
    probabilities = np.full((len(labels), len(Emotion)), rest)
    probabilities[np.arange(len(labels)), labels] = confidence
    return probabilities


def test_confusion_matrix_has_labels_in_rows() -> None:
    confusion = confusion_matrix(np.array([6, 3, 3]), np.array([3, 3, 3]))
    assert confusion[HAPPY, HAPPY] == 2
    assert confusion[HAPPY, NEUTRAL] == 1
    assert confusion.sum() == 3


def test_precision_recall_and_f1() -> None:
    # Four happy faces, three of them recognised; one neutral face taken for happy.
    confusion = confusion_matrix(np.array([3, 3, 3, 6, 3]), np.array([3, 3, 3, 3, 6]))
    happy = class_figures(confusion)[Emotion.HAPPY]
    assert (happy.precision, happy.recall, happy.support) == (0.75, 0.75, 4)
    assert happy.f1 == pytest.approx(0.75)
    assert class_figures(confusion)[Emotion.FEAR].precision == 0.0


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    labels = np.array([3] * 10)
    said = [3] * 6 + [6] * 4  # sure to 80 %, right in 60 %
    probabilities = sure_of(said, 0.8)
    assert expected_calibration_error(probabilities, labels) == pytest.approx(0.2)
    [only] = reliability(probabilities, labels)
    assert (only.count, only.accuracy) == (10, pytest.approx(0.6))
    assert only.lower <= 0.8 <= only.upper


def test_certainty_falls_into_the_last_bin() -> None:
    [only] = reliability(sure_of([0, 1], 1.0), np.array([0, 1]))
    assert only.upper == 1.0
    assert only.accuracy == 1.0


def test_negative_log_likelihood() -> None:
    assert negative_log_likelihood(sure_of([3], 0.5), np.array([3])) == pytest.approx(np.log(2))


def test_temperature_undoes_an_exaggeration() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, len(Emotion)))
    labels = np.array([rng.choice(len(Emotion), p=p) for p in softmax(logits)])
    assert fit_temperature(logits * 3, labels) == pytest.approx(3, rel=0.1)


def test_mean_recall_counts_each_expression_alike() -> None:
    labels = np.array([HAPPY] * 9 + [NEUTRAL])
    chosen = np.array([HAPPY] * 10)
    assert recalls(chosen, labels) == {Emotion.HAPPY: 1.0, Emotion.NEUTRAL: 0.0}
    assert mean_recall(chosen, labels) == 0.5


def test_a_class_without_faces_is_not_the_weakest() -> None:
    figures = {"happy": {"recall": 0.9, "support": 10}, "sad": {"recall": 0.4, "support": 10}}
    assert weakest_class(figures | {"fear": {"recall": 0.0, "support": 0}}) == "sad"
