"""How good predictions are: accuracy, per-class figures, calibration. Arrays in, plain values out.

Throughout, ``probabilities`` is (N, 7) float and ``labels`` is (N,) int, both in the order of
:class:`emotion.types.Emotion`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotion.classifier import softmax
from emotion.types import Emotion

__all__ = [
    "CALIBRATION_BINS",
    "ClassFigures",
    "CoveragePoint",
    "ReliabilityBin",
    "class_figures",
    "confusion_matrix",
    "coverage_curve",
    "expected_calibration_error",
    "fit_temperature",
    "mean_recall",
    "negative_log_likelihood",
    "recalls",
    "reliability",
]

Probabilities = npt.NDArray[np.floating]
Labels = npt.NDArray[np.int64]

CALIBRATION_BINS = 15


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """Figures of one expression; 0 where undefined. ``support`` is its number of faces."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Faces whose confidence lies in one interval: how sure and how right the network was."""

    lower: float
    upper: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class CoveragePoint:
    """If answers below a threshold are not given: the share that is, and how often it is right."""

    threshold: float
    coverage: float
    accuracy: float


def confusion_matrix(chosen: Labels, labels: Labels) -> npt.NDArray[np.int64]:
    """(7, 7) counts: row = label of the data set, column = what the network said."""
    count = len(Emotion)
    return np.bincount(labels * count + chosen, minlength=count * count).reshape(count, count)


def class_figures(confusion: npt.NDArray[np.int64]) -> dict[Emotion, ClassFigures]:
    """Precision, recall and F1 of each expression."""
    figures = {}
    for index, emotion in enumerate(Emotion):
        hits = int(confusion[index, index])
        said, support = int(confusion[:, index].sum()), int(confusion[index].sum())
        figures[emotion] = ClassFigures(
            precision=hits / said if said else 0.0,
            recall=hits / support if support else 0.0,
            f1=2 * hits / (said + support) if said + support else 0.0,
            support=support,
        )
    return figures


def recalls(chosen: Labels, labels: Labels) -> dict[Emotion, float]:
    """Of the faces with each label, the share that is called so; expressions without faces are left out."""
    return {
        emotion: float((chosen[labels == number] == number).mean())
        for number, emotion in enumerate(Emotion)
        if (labels == number).any()
    }


def mean_recall(chosen: Labels, labels: Labels) -> float:
    """Mean of :func:`recalls`: accuracy if all expressions were equally frequent (balanced accuracy)."""
    return float(np.mean(list(recalls(chosen, labels).values())))


def negative_log_likelihood(probabilities: Probabilities, labels: Labels) -> float:
    """Mean of −ln(probability of the label)."""
    picked = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(picked, 1e-12)).mean())


def reliability(probabilities: Probabilities, labels: Labels) -> list[ReliabilityBin]:
    """Confidence and accuracy in 15 intervals of equal width; empty ones are left out."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    number = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    bins = []
    for index in np.unique(number):
        inside = number == index
        bins.append(
            ReliabilityBin(
                lower=index / CALIBRATION_BINS,
                upper=(index + 1) / CALIBRATION_BINS,
                count=int(inside.sum()),
                confidence=float(confidence[inside].mean()),
                accuracy=float(right[inside].mean()),
            )
        )
    return bins


def coverage_curve(
    probabilities: Probabilities, right: npt.NDArray[np.bool_]
) -> list[CoveragePoint]:
    """Coverage and accuracy at thresholds from 0 to 0.95 (El-Yaniv and Wiener, 2010, call it risk–coverage).

    Args:
        probabilities: (N, 7).
        right: (N,) whether the most probable expression is right.
    """
    confidence = probabilities.max(axis=1)
    points = []
    for threshold in np.arange(0.0, 1.0, 0.05).round(2).tolist():
        sure = confidence >= threshold
        if sure.any():
            points.append(CoveragePoint(threshold, float(sure.mean()), float(right[sure].mean())))
    return points


def expected_calibration_error(probabilities: Probabilities, labels: Labels) -> float:
    """Mean gap between confidence and accuracy over 15 bins (Guo et al., 2017)."""
    bins = reliability(probabilities, labels)
    return sum(b.count * abs(b.confidence - b.accuracy) for b in bins) / len(labels)


def fit_temperature(logits: Probabilities, labels: Labels) -> float:
    """The temperature that makes softmax(logits / temperature) most likely (Guo et al., 2017)."""
    low, high = -2.0, 2.0  # natural logarithm of the temperature
    golden = (5**0.5 - 1) / 2

    def cost(log_temperature: float) -> float:
        return negative_log_likelihood(softmax(logits / np.exp(log_temperature)), labels)

    while high - low > 1e-4:  # golden-section search: the cost has one minimum
        left, right = high - golden * (high - low), low + golden * (high - low)
        if cost(left) < cost(right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))
