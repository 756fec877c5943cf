"""The rows of answers that a shipped network gives, each a linear map of its heads' logits.

A network that is trained has one or two heads of logits. What is shipped answers in rows of seven
probabilities: what the app shows, and each head for the benchmark that it was trained for. Each row is a
linear map of the heads' logits, with a bias and a temperature, so all of them fold into one dense layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from emotion.errors import TrainingError
from emotion.training.datasets.ferplus import FERPLUS_COLUMNS, FERPLUS_ORDER
from emotion.types import Emotion

__all__ = ["ROWS", "Row", "label_row", "vote_row"]

ROWS = ("shown", "fer2013", "ferplus")
"""Names of the rows in the order in which a network gives them; without votes there is no ``ferplus``."""

LABELS, VOTES = len(Emotion), len(FERPLUS_ORDER)
WIDTHS = (LABELS, LABELS + VOTES)
"""How many logits networks of one and of two heads have, side by side: labels first, then votes."""

Vector = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One row: softmax(logits of the heads @ matrix + bias).

    Attributes:
        matrix: (H, 7), H being 7 or, with a head for votes, 15.
        bias: (7,).
    """

    matrix: Vector
    bias: Vector

    def __post_init__(self) -> None:
        shapes = (self.matrix.shape, self.bias.shape)
        finite = np.isfinite(self.matrix).all() and np.isfinite(self.bias).all()
        if shapes not in [((width, LABELS), (LABELS,)) for width in WIDTHS] or not finite:
            raise TrainingError(
                "A row must have a matrix of 7 or 15 by 7 and a bias of 7 finite numbers. "
                f"Received: {shapes[0]} and {shapes[1]}, {'finite' if finite else 'not finite'}"
            )

    def logits(self, heads: Vector) -> Vector:
        """(N, 7) for logits (N, H) of the heads, side by side."""
        return np.asarray(heads @ self.matrix + self.bias)

    def at(self, temperature: float) -> Row:
        """The same answers, surer below a temperature of 1 and less sure above."""
        return Row(self.matrix / temperature, self.bias / temperature)

    def plus(self, bias: Vector) -> Row:
        """With seven numbers added to its logits."""
        return Row(self.matrix, self.bias + bias)

    def as_dict(self) -> dict[str, list[Any]]:
        """Plain lists, for JSON."""
        return {"matrix": self.matrix.tolist(), "bias": self.bias.tolist()}


def label_row(width: int) -> Row:
    """The head for FER-2013's labels, of a network with ``width`` logits."""
    return Row(np.eye(width, LABELS), np.zeros(LABELS))


def vote_row() -> Row:
    """The head for FER+'s votes, its expressions in the order of :class:`Emotion`, without contempt."""
    matrix = np.zeros((LABELS + VOTES, LABELS))
    matrix[[LABELS + column for column in FERPLUS_COLUMNS], range(LABELS)] = 1.0
    return Row(matrix, np.zeros(LABELS))
