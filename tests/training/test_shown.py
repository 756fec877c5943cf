"""What is shown is fitted to labels and votes, and what counts as sure to both."""

from __future__ import annotations

import numpy as np
import pytest

from emotion.training.shown import Evidence, cross_validated, fit_shown, fit_threshold
from emotion.types import Emotion

COUNT = len(Emotion)


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    """Faces whose labels one head knows, and whose votes, which differ in every third, the other one."""
    rng = np.random.default_rng(3)
    labels = rng.choice(COUNT, 1500, p=[0.05, 0.02, 0.13, 0.3, 0.2, 0.1, 0.2])
    voted = np.where(rng.random(1500) < 0.33, 6, labels)
    parts = [np.eye(COUNT)[labels] * 3, np.eye(COUNT)[voted] * 3, np.zeros((1500, 1))]
    heads = np.hstack(parts) + rng.normal(0, 1.2, (1500, 15))
    return Evidence(heads, labels, np.eye(COUNT)[voted])


def agreement(shown: np.ndarray, wanted: np.ndarray) -> float:
    return float((shown.argmax(axis=1) == wanted).mean())


def test_the_share_of_the_labels_decides_whom_it_agrees_with(evidence: Evidence) -> None:
    votes = evidence.votes.argmax(axis=1)
    by_labels = fit_shown(evidence, label_share=0.95).logits(evidence.heads)
    by_votes = fit_shown(evidence, label_share=0.05).logits(evidence.heads)
    assert agreement(by_labels, evidence.labels) > agreement(by_votes, evidence.labels) + 0.05
    assert agreement(by_votes, votes) > agreement(by_labels, votes) + 0.05


def test_a_floor_for_recall_is_kept(evidence: Evidence) -> None:
    def recall(fit: np.ndarray) -> np.ndarray:
        chosen = fit.argmax(axis=1)
        return np.array([(chosen[evidence.labels == c] == c).mean() for c in range(COUNT)])

    free = recall(fit_shown(evidence, label_share=0.3).logits(evidence.heads))
    floor = float(free.min()) + 0.05
    held = fit_shown(evidence, label_share=0.3, recall_floor=floor)
    assert recall(held.logits(evidence.heads)).min() >= floor


def test_cross_validation_leaves_each_face_out(evidence: Evidence) -> None:
    """On logits of pure noise a fit that saw the face would beat chance."""
    rng = np.random.default_rng(5)
    noise = Evidence(rng.normal(size=(400, 15)), rng.integers(0, COUNT, 400), evidence.votes[:400])
    alone = cross_validated(noise, label_share=1.0)
    seen = fit_shown(noise, label_share=1.0).logits(noise.heads)
    assert agreement(alone, noise.labels) < agreement(seen, noise.labels) - 0.05
    assert alone.shape == (400, COUNT)


def test_faces_without_votes_count_by_their_label(evidence: Evidence) -> None:
    without = Evidence(evidence.heads, evidence.labels, np.zeros_like(evidence.votes))
    shown = fit_shown(without, label_share=0.5).logits(without.heads)
    assert agreement(shown, without.labels) > 0.8


def test_a_threshold_is_as_low_as_the_accuracy_allows() -> None:
    confidence = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    right = np.array([True, True, False, True, False])
    assert fit_threshold(confidence, right, 0.75) == 0.6
    assert fit_threshold(confidence, right, 0.9) == 0.8
    assert fit_threshold(confidence, ~right, 0.9) == 1.0
