"""What validation faces say about a trained network: the rows that are shipped, and when to call one sure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from emotion.classifier import softmax
from emotion.training.datasets import FerDataset
from emotion.training.datasets.ferplus import (
    FERPLUS_COLUMNS,
    ferplus_majority,
    vote_distribution,
)
from emotion.training.metrics import fit_temperature
from emotion.training.network import head_logits
from emotion.training.recipe import Recipe
from emotion.training.rows import LABELS, Row, label_row, vote_row
from emotion.training.shown import Evidence, fit_shown, fit_threshold
from emotion.types import Emotion

__all__ = ["SURE_OF_LABELS", "SURE_OF_MAJORITY", "Calibration", "fit_calibration"]

SURE_OF_MAJORITY, SURE_OF_LABELS = 0.9, 0.8
"""How often a label that is called sure shall be that of FER+'s majority, and of FER-2013."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What validation data says about a trained network.

    Attributes:
        rows: What is shipped, by name; see :data:`emotion.training.rows.ROWS`.
        frequencies: How often each expression is expected in what is shown; see :mod:`emotion.prior`.
        sure_above: From which probability on a shown label is right as often as
            :data:`SURE_OF_MAJORITY` and :data:`SURE_OF_LABELS` ask for.
    """

    rows: Mapping[str, Row]
    frequencies: Mapping[Emotion, float]
    sure_above: float


def fit_calibration(
    network: Any, validation: FerDataset, recipe: Recipe, prior: npt.NDArray[np.floating]
) -> Calibration:
    """Fit the rows of a shipped network, each with the temperature of the labels that it is scored on.

    ``ferplus`` is fitted to the majority of the voters, the others to the FER-2013 labels. A network that
    was trained with ``logit_adjustment`` gets it back in the row ``fer2013``, which so answers as often as
    the labels come; with a share of it (``label_prior``) rare expressions are found more often. What is
    shown is fitted to both, see :mod:`emotion.training.shown`; a network without a head for votes shows its
    only head.

    Args:
        network: One or two heads of logits.
        validation: Labelled faces that it was not trained on.
        recipe: What it was trained with, and how the two kinds of evidence are weighed.
        prior: (7,) logarithm of how frequent each expression was in training.
    """
    heads = np.concatenate(head_logits(network, validation), axis=1).astype(np.float64)
    labels = validation.labels
    adjustment = recipe.label_prior * recipe.logit_adjustment * prior
    fer2013 = label_row(heads.shape[1]).plus(adjustment)
    rows = {"fer2013": _calibrated(fer2013, heads, labels)}
    shown = rows["fer2013"]
    counted, winners = ferplus_majority(validation.votes)
    if heads.shape[1] > LABELS:
        named = winners >= 0
        rows["ferplus"] = _calibrated(vote_row(), heads[named], winners[named])
        votes = vote_distribution(validation.votes)[:, FERPLUS_COLUMNS]
        fit = fit_shown(
            Evidence(heads, labels, votes),
            label_share=recipe.label_share,
            recall_floor=recipe.recall_floor,
        )
        shown = _calibrated(fit, heads, labels)
    probabilities = softmax(shown.logits(heads))
    chosen, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    thresholds = [fit_threshold(confidence, chosen == labels, SURE_OF_LABELS)]
    if counted.any():
        right = (chosen == winners)[counted]
        thresholds.append(fit_threshold(confidence[counted], right, SURE_OF_MAJORITY))
    shares = dict(zip(Emotion, map(float, probabilities.mean(axis=0)), strict=True))
    return Calibration({"shown": shown, **rows}, shares, max(thresholds))


def _calibrated(row: Row, heads: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]) -> Row:
    if not len(labels):
        return row  # no face with a majority: nothing to fit to
    return row.at(fit_temperature(row.logits(heads), labels))
