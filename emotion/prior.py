"""How common each expression is where the pictures come from, and what that changes in an answer.

A network that has seen mostly everyday faces expects few faces of disgust and many of joy. For pictures in
which every expression is equally likely, such as posed portraits, that expectation is wrong. By Bayes' rule
it can be replaced: each probability is multiplied by how often the expression occurs there, divided by how
often the network expects it (Saerens, Latinne and Decaestecker, 2002, https://doi.org/10.1162/089976602753284446).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeAlias

from emotion.errors import EmotionError
from emotion.types import Emotion, Prediction

__all__ = ["DEFAULT_PRIOR", "PRIORS", "Frequencies", "PriorChoice", "check_prior", "with_prior"]

Frequencies: TypeAlias = Mapping[Emotion, float]
"""How often each expression occurs; compared with each other, so they need not sum to 1."""

PriorChoice: TypeAlias = str | Mapping[str, float]
"""A key of :data:`PRIORS`, or a number above 0 for each expression by its name."""

PRIORS = {
    "natural": "everyday pictures",
    "balanced": "posed pictures, every expression equally likely",
}
"""Name of each prior, and the pictures it is for. The first one is the default."""

DEFAULT_PRIOR = next(iter(PRIORS))


def check_prior(choice: object) -> PriorChoice:
    """The prior that a person or a program asked for, once it has been checked.

    Args:
        choice: A name, a mapping, its text (``angry=1,disgust=0.5,…``), or None for the default.

    Raises:
        EmotionError: If it is neither a known name nor a positive number for each expression.
    """
    if choice is None:
        return DEFAULT_PRIOR
    if isinstance(choice, str) and choice in PRIORS:
        return choice
    numbers = _as_mapping(choice) if isinstance(choice, str) else choice
    if isinstance(numbers, Mapping) and set(numbers) == set(Emotion):
        values = list(numbers.values())
        if all(isinstance(v, int | float) and 0.0 < v < math.inf for v in values):
            return {str(name): float(value) for name, value in numbers.items()}
    raise EmotionError(
        f"The prior must be {' or '.join(PRIORS)}, or a number above 0 for each of "
        f"{', '.join(Emotion)} (angry=1,disgust=0.5,…). Received: {choice!r}"
    )


def _as_mapping(text: str) -> dict[str, float] | None:
    pairs = [part.partition("=")[::2] for part in text.split(",")]
    try:
        return {name.strip(): float(value) for name, value in pairs}
    except ValueError:
        return None


def with_prior(prediction: Prediction, choice: PriorChoice, expected: Frequencies) -> Prediction:
    """A prediction for pictures in which expressions are as common as ``choice`` says.

    Args:
        prediction: What the network answered.
        choice: From :func:`check_prior`.
        expected: How often the network expects each expression.
    """
    if choice == "natural":
        return prediction
    wanted = dict.fromkeys(Emotion, 1.0) if isinstance(choice, str) else choice
    raised = [p * wanted[e] / expected[e] for e, p in prediction.as_dict().items()]
    total = math.fsum(raised)
    return Prediction(tuple(value / total for value in raised), prediction.sure_above)
