"""How good predictions are: accuracy, per-class figures, calibration. Arrays in, plain values out.

Throughout, ``probabilities`` is (N, 7) float and ``labels`` is (N,) int, both in the order of
:class:`emotion.types.Emotion`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from emotion.types import Emotion

__all__ = [
    "CALIBRATION_BINS",
    "FERPLUS_COLUMNS",
    "FERPLUS_ORDER",
    "ClassFigures",
    "ReliabilityBin",
    "class_figures",
    "confusion_matrix",
    "expected_calibration_error",
    "ferplus_majority",
    "fit_offsets",
    "fit_temperature",
    "negative_log_likelihood",
    "reliability",
    "softmax",
    "weakest_class",
]

Probabilities = npt.NDArray[np.floating]
Labels = npt.NDArray[np.int64]

CALIBRATION_BINS = 15

FERPLUS_ORDER: tuple[Emotion | None, ...] = (
    Emotion.NEUTRAL,
    Emotion.HAPPY,
    Emotion.SURPRISE,
    Emotion.SAD,
    Emotion.ANGRY,
    Emotion.DISGUST,
    Emotion.FEAR,
    None,  # contempt, which FER-2013 does not name
)
"""The expressions in the order of the FER+ vote columns."""

FERPLUS_COLUMNS = [FERPLUS_ORDER.index(emotion) for emotion in Emotion]
"""The FER+ vote column of each expression, in the order of :class:`Emotion`; leaves contempt out."""


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


def expected_calibration_error(probabilities: Probabilities, labels: Labels) -> float:
    """Mean gap between confidence and accuracy over 15 bins (Guo et al., 2017)."""
    bins = reliability(probabilities, labels)
    return sum(b.count * abs(b.confidence - b.accuracy) for b in bins) / len(labels)


def ferplus_majority(votes: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.bool_], Labels]:
    """The strict-majority protocol of FER+ (Barsoum et al., 2016).

    Single votes are taken for slips and set to zero; a face counts if its winner has more than half of
    the remaining votes and is one of the eight expressions, not "unknown" or "not a face".

    Args:
        votes: (N, 10) uint8; all 0 where a face was not voted on.

    Returns:
        (N,) mask of the faces that count, and (N,) winner of each as a label number, −1 for contempt
        (a face that a seven-class network always gets wrong) and for faces that do not count.
    """
    kept = np.where(votes > 1, votes, 0).astype(np.int64)
    winner = kept.argmax(axis=1)
    counts = (kept.max(axis=1) * 2 > kept.sum(axis=1)) & (winner < len(FERPLUS_ORDER))
    order = list(Emotion)
    number = np.array([order.index(e) if e else -1 for e in FERPLUS_ORDER])
    labels = np.full(len(votes), -1, np.int64)
    labels[counts] = number[winner[counts]]
    return counts, labels


def weakest_class(per_class: Mapping[str, Mapping[str, Any]]) -> str:
    """The name with the lowest recall, from the ``per_class`` figures of a ``metrics.json``.

    A class without faces has no recall.
    """
    present = [name for name, figures in per_class.items() if figures["support"]]
    return min(present, key=lambda name: float(per_class[name]["recall"]))


def softmax(logits: Probabilities) -> Probabilities:
    """Softmax over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


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


def fit_offsets(logits: Probabilities, labels: Labels, floor: float) -> tuple[float, ...]:
    """The smallest bonuses to logits with which each class is found often enough.

    The least found class gets a little more, again and again, until every one is found; what one class
    wins, others lose.

    Args:
        logits: (N, 7).
        labels: (N,).
        floor: Recall that each class shall have, 0 to 1. 0 asks for nothing.

    Returns:
        Seven numbers to add to the logits, 0 or more. All 0 if no bonuses reach the floor: chasing it
        would cost accuracy for nothing.
    """
    offsets = np.zeros(logits.shape[1])
    present = [int(label) for label in np.unique(labels)]
    for _ in range(2_000):  # a floor that no bonuses can reach must not run for ever
        chosen = (logits + offsets).argmax(axis=1)
        recalls = {label: float((chosen[labels == label] == label).mean()) for label in present}
        least = min(recalls, key=lambda label: recalls[label])
        if recalls[least] >= floor:
            return tuple(map(float, offsets))
        offsets[least] += 0.01
    return tuple([0.0] * len(offsets))
