"""Measure a trained network on labelled faces. Needed for training and evaluation only."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from emotion.classifier import Classifier
from emotion.datasets import FerDataset
from emotion.metrics import (
    class_figures,
    confusion_matrix,
    expected_calibration_error,
    ferplus_majority,
    negative_log_likelihood,
    reliability,
)
from emotion.preprocess import resize_faces
from emotion.types import Emotion

__all__ = ["all_outputs", "evaluate", "ferplus_of", "figures_of"]


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
        ferplus: {n, accuracy}`` or null without votes, ``shown``.
    """
    probabilities = all_outputs(classifier, data.images)
    shown = probabilities["shown"]
    result: dict[str, Any] = {"labels": [str(emotion) for emotion in Emotion]}
    result |= figures_of(probabilities.get("fer2013", shown), data)
    result["ferplus"] = ferplus_of(probabilities.get("ferplus", shown), data)
    own = figures_of(shown, data)
    result["shown"] = {key: own[key] for key in ("accuracy", "macro_f1", "nll", "ece")}
    result["shown"]["recall"] = {name: c["recall"] for name, c in own["per_class"].items()}
    result["shown"]["ferplus"] = ferplus_of(shown, data)
    return result


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
        "per_class": {str(emotion): asdict(figures) for emotion, figures in classes.items()},
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
