"""Rows of answers, and how they are calibrated on validation faces."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.labelled_faces import voted_faces

from emotion.classifier import softmax
from emotion.errors import TrainingError
from emotion.training import calibrate
from emotion.training.calibrate import Calibration, fit_calibration
from emotion.training.datasets.ferplus import FERPLUS_COLUMNS, ferplus_majority
from emotion.training.metrics import fit_temperature
from emotion.training.recipe import Recipe
from emotion.training.rows import Row, vote_row

rng = np.random.default_rng(0)
FACES = voted_faces(420)
LABELS = rng.normal(size=(420, 7)) + 2.0 * np.eye(7)[FACES.labels]
VOTES = rng.normal(size=(420, 8))
HEADS = np.concatenate([LABELS, VOTES], axis=1)
PRIOR = np.log(np.arange(1, 8) / 28)


def fitted(monkeypatch: pytest.MonkeyPatch, heads: int = 2, **changes: Any) -> Calibration:
    """What fits a network that gives the logits above."""
    monkeypatch.setattr(calibrate, "head_logits", lambda *_: [LABELS, VOTES][:heads])
    return fit_calibration(None, FACES, replace(Recipe(), **changes), PRIOR)


def test_each_row_is_calibrated_on_the_labels_it_is_scored_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = fitted(monkeypatch).rows
    assert set(rows) == {"shown", "fer2013", "ferplus"}
    for row in (rows["shown"], rows["fer2013"]):
        assert fit_temperature(row.logits(HEADS), FACES.labels) == pytest.approx(1.0, abs=1e-2)
    votes = rows["ferplus"].logits(HEADS)
    np.testing.assert_allclose(
        votes / votes[0, 0], VOTES[:, FERPLUS_COLUMNS] / VOTES[0, FERPLUS_COLUMNS[0]], rtol=1e-6
    )


def test_an_adjusted_loss_gets_its_frequencies_back(monkeypatch: pytest.MonkeyPatch) -> None:
    row = fitted(monkeypatch, logit_adjustment=0.75).rows["fer2013"]
    plain = LABELS + 0.75 * PRIOR
    np.testing.assert_allclose(row.logits(HEADS), plain / fit_temperature(plain, FACES.labels))


def test_a_share_of_the_frequencies_finds_rare_expressions_more_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = fitted(monkeypatch, logit_adjustment=1.0, label_prior=0.5).rows["fer2013"]
    plain = LABELS + 0.5 * PRIOR
    np.testing.assert_allclose(row.logits(HEADS), plain / fit_temperature(plain, FACES.labels))


def test_a_single_head_is_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = fitted(monkeypatch, heads=1).rows
    assert set(rows) == {"shown", "fer2013"}
    assert rows["shown"] is rows["fer2013"]


def test_frequencies_are_those_of_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    calibration = fitted(monkeypatch)
    shown = softmax(calibration.rows["shown"].logits(HEADS))
    assert list(calibration.frequencies.values()) == pytest.approx(shown.mean(axis=0))


def test_what_is_called_sure_is_right_often_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    calibration = fitted(monkeypatch)
    shown = softmax(calibration.rows["shown"].logits(HEADS))
    sure, chosen = shown.max(axis=1) >= calibration.sure_above, shown.argmax(axis=1)
    counted, winners = ferplus_majority(FACES.votes)
    assert sure.any()
    assert (chosen == FACES.labels)[sure].mean() >= 0.8
    assert (chosen == winners)[sure & counted].mean() >= 0.9


@pytest.mark.parametrize(
    ("matrix", "bias"),
    [
        (np.eye(7), np.full(7, np.nan)),
        (np.zeros((14, 7)), np.zeros(7)),
        (np.zeros((15, 7)), np.zeros(8)),
    ],
)
def test_what_is_no_row_is_refused(matrix: np.ndarray, bias: np.ndarray) -> None:
    with pytest.raises(TrainingError, match="A row must"):
        Row(matrix, bias)


def test_votes_are_shown_in_the_order_of_the_expressions() -> None:
    np.testing.assert_array_equal(vote_row().logits(HEADS), VOTES[:, FERPLUS_COLUMNS])
