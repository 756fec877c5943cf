"""What FER+ is: ten people's votes on each face of FER-2013 (Barsoum et al., 2016), and how they are counted.

Everything that knows the order of the vote columns or the protocol of the paper asks here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emotion.types import Emotion

__all__ = [
    "FERPLUS_COLUMNS",
    "FERPLUS_ORDER",
    "VOTE_COLUMNS",
    "ferplus_majority",
    "vote_distribution",
]

Votes = npt.NDArray[np.uint8]
"""(N, 10) uint8, a count for each column; all 0 where a face was not voted on."""

VOTE_COLUMNS = 10
"""Neutral, happiness, surprise, sadness, anger, disgust, fear, contempt, unknown, not a face."""

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
"""The expression of each of the first eight columns; the head for votes answers in this order."""

FERPLUS_COLUMNS = [FERPLUS_ORDER.index(emotion) for emotion in Emotion]
"""The vote column of each expression, in the order of :class:`Emotion`; leaves contempt out."""


def _without_slips(votes: Votes) -> npt.NDArray[np.int64]:
    """The votes without single ones, which the paper takes for slips: (N, 10) int64."""
    return np.where(votes > 1, votes, 0).astype(np.int64)


def vote_distribution(votes: Votes) -> npt.NDArray[np.float32]:
    """How the votes for expressions divide: (N, 8) float32, rows that sum to 1, or all 0 without votes."""
    kept = _without_slips(votes)[:, : len(FERPLUS_ORDER)].astype(np.float32)
    total = kept.sum(axis=1, keepdims=True)
    shares = np.divide(kept, total, out=np.zeros_like(kept), where=total > 0)
    return np.asarray(shares, np.float32)


def ferplus_majority(votes: Votes) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """The strict-majority protocol: a face counts if one expression has more than half of the votes.

    Single votes are set to zero first. "Unknown" and "not a face" are no expressions.

    Args:
        votes: (N, 10) uint8; all 0 where a face was not voted on.

    Returns:
        (N,) mask of the faces that count, and (N,) winner of each as a label number, −1 for contempt
        (a face that a seven-class network always gets wrong) and for faces that do not count.
    """
    kept = _without_slips(votes)
    winner = kept.argmax(axis=1)
    counts = (kept.max(axis=1) * 2 > kept.sum(axis=1)) & (winner < len(FERPLUS_ORDER))
    order = list(Emotion)
    number = np.array([order.index(e) if e else -1 for e in FERPLUS_ORDER])
    labels = np.full(len(votes), -1, np.int64)
    labels[counts] = number[winner[counts]]
    return counts, labels
