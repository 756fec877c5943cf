"""The votes of FER+ against rows counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from emotion.training.datasets.ferplus import (
    FERPLUS_COLUMNS,
    FERPLUS_ORDER,
    ferplus_majority,
    vote_distribution,
)
from emotion.types import Emotion

HAPPY, NEUTRAL = list(Emotion).index(Emotion.HAPPY), list(Emotion).index(Emotion.NEUTRAL)


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


def test_columns_are_those_of_the_expressions() -> None:
    assert [FERPLUS_ORDER[column] for column in FERPLUS_COLUMNS] == list(Emotion)


def test_single_votes_and_what_is_no_expression_are_left_out() -> None:
    votes = np.array([[6, 1, 0, 0, 2, 0, 0, 0, 1, 0], [0] * 10, [1] * 10], np.uint8)
    shares = vote_distribution(votes)
    np.testing.assert_allclose(shares[0], [0.75, 0, 0, 0, 0.25, 0, 0, 0])
    assert not shares[1:].any()
