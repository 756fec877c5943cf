"""Measure a trained network on labelled faces. Needed for training and evaluation only."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from emotion.classifier import Classifier
from emotion.preprocess import resize_faces
from emotion.training.datasets import FerDataset
from emotion.training.datasets.ferplus import ferplus_majority
from emotion.training.metrics import (
    class_figures,
    confusion_matrix,
    coverage_curve,
    expected_calibration_error,
    mean_recall,
    negative_log_likelihood,
    reliability,
)
from emotion.types import Emotion

__all__ = ["all_outputs", "evaluate", "ferplus_of", "figures_of", "shown_figures"]


def evaluate(classifier: Classifier, data: FerDataset) -> dict[str, Any]:
    """Score a network on FER-2013 labels and, where there are votes, on FER+.

    A network with a row of its own for a benchmark (``fer2013``, ``ferplus``) is scored there by that
    row; any other one by what it shows. ``shown`` says what the app's own answer scores on both.

    Args:
        classifier: The network.
        data: Labelled faces of any size; see :func:`all_outputs`.

    Returns:
        A JSON-ready dictionary: ``n, accuracy, accuracy_without_duplicates, n_without_duplicates`` (both
        null where no face is marked as a duplicate), ``macro_f1, per_class, confusion_matrix`` (rows: labels,
        columns: answers, both in the order of ``labels``), ``nll, ece, reliability,
        ferplus: {n, accuracy}`` or null without votes, ``shown``; see :func:`shown_figures`.
    """
    probabilities = all_outputs(classifier, data.images)
    shown = probabilities["shown"]
    result: dict[str, Any] = {"labels": [str(emotion) for emotion in Emotion]}
    result |= figures_of(probabilities.get("fer2013", shown), data)
    result["ferplus"] = ferplus_of(probabilities.get("ferplus", shown), data)
    result["shown"] = shown_figures(shown, data, sure_above=classifier.spec.sure_above)
    return result


def shown_figures(
    shown: npt.NDArray[np.float32], data: FerDataset, *, sure_above: float
) -> dict[str, Any]:
    """What the app's own answers, (N, 7), score on FER-2013's labels and on the votes of FER+.

    Returns:
        ``accuracy, mean_recall, macro_f1, per_class, recall, confusion_matrix, nll, ece, reliability,
        coverage`` on the labels; ``sure: {above, coverage, accuracy, ferplus}``, of the answers that are
        sure; ``ferplus``: null without votes, else ``n, accuracy, ece, neutral_recall`` (of the faces that
        the majority calls neutral), ``coverage`` and ``per_class``.
    """
    own = figures_of(shown, data)
    kept = ("accuracy", "macro_f1", "nll", "ece", "per_class", "confusion_matrix", "reliability")
    result = {key: own[key] for key in kept}
    chosen, sure = shown.argmax(axis=1), shown.max(axis=1) >= sure_above
    result["mean_recall"] = mean_recall(chosen, data.labels)
    result["recall"] = {name: c["recall"] for name, c in own["per_class"].items()}
    right = chosen == data.labels
    result["coverage"] = [asdict(point) for point in coverage_curve(shown, right)]
    result["sure"] = {
        "above": sure_above,
        "coverage": float(sure.mean()),
        "accuracy": float(right[sure].mean()) if sure.any() else None,
        "ferplus": None,
    }
    result["ferplus"] = ferplus_of(shown, data)
    if result["ferplus"]:
        counts, winners = ferplus_majority(data.votes)
        agree = (chosen == winners)[counts]
        neutral = winners == list(Emotion).index(Emotion.NEUTRAL)
        result["ferplus"] |= {
            "ece": expected_calibration_error(shown[counts], winners[counts]),
            "neutral_recall": float((chosen == winners)[neutral].mean()) if neutral.any() else None,
            "coverage": [asdict(point) for point in coverage_curve(shown[counts], agree)],
            "per_class": _per_class(confusion_matrix(chosen[winners >= 0], winners[winners >= 0])),
        }
        if sure[counts].any():
            result["sure"]["ferplus"] = float(agree[sure[counts]].mean())
    return result


def _per_class(confusion: npt.NDArray[np.int64]) -> dict[str, dict[str, float]]:
    figures = class_figures(confusion)
    return {str(emotion): asdict(own) for emotion, own in figures.items()}


def all_outputs(
    classifier: Classifier, images: npt.NDArray[np.uint8]
) -> dict[str, npt.NDArray[np.float32]]:
    """(N, 7) probabilities of each output row, expressions in the order of :class:`Emotion`.

    Faces (N, S, S) of another size than the network takes are brought to that size first.
    """
    images = resize_faces(images, classifier.spec.input_size)
    order = [classifier.spec.labels.index(emotion) for emotion in Emotion]
    return {name: rows[:, order] for name, rows in classifier.all_probabilities(images).items()}


def figures_of(probabilities: npt.NDArray[np.float32], data: FerDataset) -> dict[str, Any]:
    """Everything that FER-2013 labels can tell about (N, 7) probabilities, ready for JSON."""
    chosen = probabilities.argmax(axis=1)
    right = chosen == data.labels
    alone = ~data.duplicated
    # A split that was read alone, without marks, cannot tell what also stands in the others.
    known = bool(data.duplicated.any() and alone.any())
    confusion = confusion_matrix(chosen, data.labels)
    classes = class_figures(confusion)
    return {
        "n": len(data),
        "accuracy": float(right.mean()),
        "accuracy_without_duplicates": float(right[alone].mean()) if known else None,
        "n_without_duplicates": int(alone.sum()) if known else None,
        "macro_f1": float(np.mean([figures.f1 for figures in classes.values()])),
        "per_class": _per_class(confusion),
        "confusion_matrix": confusion.tolist(),
        "nll": negative_log_likelihood(probabilities, data.labels),
        "ece": expected_calibration_error(probabilities, data.labels),
        "reliability": [asdict(part) for part in reliability(probabilities, data.labels)],
    }


def ferplus_of(probabilities: npt.NDArray[np.float32], data: FerDataset) -> dict[str, Any] | None:
    """FER+ strict-majority accuracy of (N, 7) probabilities with its n; None without votes."""
    counts, winners = ferplus_majority(data.votes)
    if not counts.any():
        return None
    agree = probabilities.argmax(axis=1) == winners
    return {"n": int(counts.sum()), "accuracy": float(agree[counts].mean())}
