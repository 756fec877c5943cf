"""The figures against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from emotion.metrics import (
    class_figures,
    confusion_matrix,
    expected_calibration_error,
    ferplus_majority,
    fit_offsets,
    fit_temperature,
    negative_log_likelihood,
    reliability,
    softmax,
    weakest_class,
)
from emotion.types import Emotion

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


@pytest.mark.parametrize(
    ("votes", "counts", "label"),
    [
        ([0, 6, 1, 0, 0, 0, 0, 0, 3, 0], True, HAPPY),  # single vote dropped, 6 of 9
        ([5, 5, 0, 0, 0, 0, 0, 0, 0, 0], False, -1),  # a tie is no majority
        ([0, 0, 0, 0, 0, 0, 0, 0, 9, 1], False, -1),  # unknown
        ([0, 0, 0, 0, 0, 0, 0, 8, 2, 0], True, -1),  # contempt counts and cannot be right
        ([0] * 10, False, -1),  # never voted on
        ([4, 1, 1, 1, 1, 1, 1, 0, 0, 0], True, NEUTRAL),  # all others are single votes
    ],
)
def test_ferplus_majority(votes: list[int], counts: bool, label: int) -> None:
    mask, labels = ferplus_majority(np.array([votes], np.uint8))
    assert (bool(mask[0]), int(labels[0])) == (counts, label)


def test_offsets_lift_the_least_found_class_to_the_floor_and_no_further() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 2_000)
    logits = rng.normal(size=(2_000, 7))
    logits[np.arange(2_000), labels] += 1.5
    logits[:, 2] -= 1.0  # hardly ever chosen

    def recall(offsets: tuple[float, ...]) -> np.ndarray:
        chosen = (logits + offsets).argmax(axis=1)
        return np.array([(chosen[labels == label] == label).mean() for label in range(7)])

    offsets = fit_offsets(logits, labels, 0.45)
    assert recall((0.0,) * 7).argmin() == 2
    assert 0.45 <= recall(offsets).min() < 0.47
    assert offsets[2] > 0.1
    assert min(offsets) == 0.0


def test_no_floor_no_offsets() -> None:
    logits = np.random.default_rng(0).normal(size=(50, 7))
    assert fit_offsets(logits, np.arange(50) % 7, 0.0) == (0.0,) * 7


def test_a_floor_that_cannot_be_reached_costs_nothing() -> None:
    labels = np.arange(70) % 7
    assert fit_offsets(np.zeros((70, 7)), labels, 0.9) == (0.0,) * 7


def test_a_class_without_faces_is_not_the_weakest() -> None:
    figures = {"happy": {"recall": 0.9, "support": 10}, "sad": {"recall": 0.4, "support": 10}}
    assert weakest_class(figures | {"fear": {"recall": 0.0, "support": 0}}) == "sad"
