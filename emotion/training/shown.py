"""What the app shows: one answer from the head for labels and the head for votes, fitted on validation faces.

FER-2013's labels and the votes of FER+ disagree about many faces: what was labelled fear, people mostly call
surprise or neutral. Either head alone serves one kind of picture. So the shown answer is a multinomial
logistic regression on the logits of both heads. It is fitted to both kinds of evidence at once, and it is
linear, so it becomes part of the network's last layer and costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from emotion.classifier import softmax
from emotion.training.rows import Row
from emotion.types import Emotion

__all__ = ["Evidence", "cross_validated", "fit_shown", "fit_threshold"]

Array = npt.NDArray[np.floating]

NEWTON_STEPS = 30
RIDGE = 2e-3
"""Penalty on squared weights, as a share of a face: keeps rarely used logits from growing without end."""
REWEIGHT = 1.1
REWEIGHTINGS = 20
"""Step by which an expression that is found too rarely gains weight, and how often at most."""
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Evidence:
    """Validation faces as both kinds of judges see them.

    Attributes:
        heads: (N, 15) logits of both heads, labels first; see :mod:`emotion.training.rows`.
        labels: (N,) FER-2013 label numbers.
        votes: (N, 7) shares of FER+'s votes in the order of :class:`Emotion`; all 0 without votes.
    """

    heads: Array
    labels: npt.NDArray[np.int64]
    votes: Array

    def select(self, rows: npt.NDArray[Any]) -> Evidence:
        """The same for some faces only."""
        return Evidence(self.heads[rows], self.labels[rows], self.votes[rows])


def fit_shown(evidence: Evidence, *, label_share: float, recall_floor: float = 0.0) -> Row:
    """Fit what is shown to labels and votes.

    Args:
        evidence: Faces that the network was not trained on.
        label_share: Weight of the labels, 0 to 1; the votes have the rest. In the labels each expression
            counts the same however rare it is, in the votes each face does.
        recall_floor: Share of the faces of each label that shall be found. An expression below it gains
            weight until it is, as far as that is possible.
    """
    labels = np.eye(len(Emotion))[evidence.labels]
    weight = len(labels) / np.maximum(labels.sum(axis=0), 1.0) / len(Emotion)
    fit = None
    for _ in range(REWEIGHTINGS):
        targets = label_share * labels * weight + (1.0 - label_share) * evidence.votes
        fit = _regression(evidence.heads, targets, fit)
        chosen = softmax(fit.logits(evidence.heads)).argmax(axis=1)
        recall = (np.eye(len(Emotion))[chosen] * labels).sum(axis=0)
        recall /= np.maximum(labels.sum(axis=0), 1.0)
        below = (recall < recall_floor) & labels.any(axis=0)
        if not below.any():
            return fit
        weight = np.where(below, weight * REWEIGHT, weight)
    assert fit is not None
    return fit


def cross_validated(evidence: Evidence, **settings: float) -> Array:
    """What would be shown, (N, 7), of each face by a fit to four fifths of the faces that leaves it out."""
    fold = np.random.default_rng(0).permutation(len(evidence.labels)) % FOLDS
    shown = np.zeros((len(fold), len(Emotion)))
    for left_out in range(FOLDS):
        fit = fit_shown(evidence.select(np.flatnonzero(fold != left_out)), **settings)
        rows = fold == left_out
        shown[rows] = softmax(fit.logits(evidence.heads[rows]))
    return shown


def fit_threshold(confidence: Array, right: npt.NDArray[np.bool_], accuracy: float) -> float:
    """The lowest confidence from which on answers are right often enough.

    Args:
        confidence: (N,) highest probability of each face.
        right: (N,) whether the answer is right.
        accuracy: Share of the answers at or above the threshold that shall be right, 0 to 1.

    Returns:
        A threshold, 0 to 1; 1 if even the surest answers are right too rarely.
    """
    order = np.argsort(-confidence)
    share_right = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(share_right >= accuracy)
    return float(confidence[order[enough[-1]]]) if len(enough) else 1.0


def _regression(heads: Array, targets: Array, start: Row | None = None) -> Row:
    """Multinomial logistic regression on soft targets (N, 7) that need not sum to 1, by Newton's method."""
    inputs = np.hstack([heads, np.ones((len(heads), 1))])
    count, width, classes = len(inputs), inputs.shape[1], len(Emotion)
    weights = np.zeros((width, classes))
    if start is not None:
        weights = np.vstack([start.matrix, start.bias])
    total = targets.sum(axis=1)
    penalty = np.full((width, classes), RIDGE * count)
    penalty[-1] = 1e-6 * count  # the bias is free; a trace keeps the equations solvable
    for _ in range(NEWTON_STEPS):
        shown = softmax(inputs @ weights)
        gradient = inputs.T @ (total[:, None] * shown - targets) + penalty * weights
        hessian = np.zeros((width, classes, width, classes))
        for i, j in np.ndindex(classes, classes):
            curvature = total * shown[:, i] * ((i == j) - shown[:, j])
            hessian[:, i, :, j] = inputs.T @ (inputs * curvature[:, None])
        matrix = hessian.reshape(weights.size, weights.size) + np.diag(penalty.ravel())
        step = np.linalg.solve(matrix, gradient.ravel()).reshape(weights.shape)
        weights = weights - step
        if np.abs(step).max() < 1e-6:
            break
    return Row(weights[:-1], weights[-1])
