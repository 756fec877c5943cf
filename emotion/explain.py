"""Why a face got its label: which parts of it the answer rests on, and whether small changes alter it.

Both come from one batch of changed copies of the face. Parts are found by occlusion (Zeiler & Fergus 2014,
arXiv:1311.2901): a grey square is moved over the face, and where it lowers the probability of the label,
the answer rests on what it hides. That says what this network looks at, not what the expression is made of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from emotion.classifier import Classifier
from emotion.preprocess import GreyCrop
from emotion.types import Emotion, Prediction

__all__ = ["STEPS", "VIEWS", "Explanation", "explain"]

STEPS = 5
"""The square stands at so many places in each direction."""

SQUARE = 0.3
"""Side of the square as a share of the face's: hides an eye or a mouth, not a whole face."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one face got its label.

    Attributes:
        label: The expression that is explained.
        confidence: Its probability for the unchanged face, 0 to 1.
        drops: How much of that probability a grey square takes away: (STEPS, STEPS) float32, rows from top
            to bottom; negative where hiding a part makes the label more probable.
        views: What each slightly changed copy of the face is read as, by the names of :data:`VIEWS`.
    """

    label: Emotion
    confidence: float
    drops: npt.NDArray[np.float32]
    views: Mapping[str, Emotion]

    @property
    def agreeing(self) -> int:
        """How many of the views are read as :attr:`label`."""
        return sum(label is self.label for label in self.views.values())

    def heat(self, side: int) -> npt.NDArray[np.float32]:
        """How much the answer rests on each pixel of the face.

        Args:
            side: Width and height of the result in pixels.

        Returns:
            (side, side) float32: mean drop under the squares that cover a pixel, at least 0.
        """
        total = np.zeros((side, side), np.float32)
        count = np.zeros((side, side), np.float32)
        for rows, columns, drop in zip(*_squares(side), self.drops.flat, strict=True):
            total[rows, columns] += drop
            count[rows, columns] += 1
        return np.maximum(total / np.maximum(count, 1), 0)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "label": str(self.label),
            "drops": [[round(float(drop), 4) for drop in row] for row in self.drops],
            "views": {name: str(label) for name, label in self.views.items()},
            "agreeing": self.agreeing,
        }


def explain(classifier: Classifier, crop: GreyCrop, prediction: Prediction) -> Explanation:
    """Explain the label of one face, in a single call of the network.

    Args:
        classifier: Of the pipeline that read the face.
        crop: The face as the network saw it, from :meth:`EmotionPipeline.crop`: (S, S), uint8, grey.
        prediction: What the network read in it.
    """
    hidden = []
    for rows, columns in zip(*_squares(len(crop)), strict=True):
        copy = crop.copy()
        copy[rows, columns] = round(float(crop.mean()))
        hidden.append(copy)
    views = [change(crop) for change in VIEWS.values()]
    label, confidence = prediction.label, prediction.confidence
    read = classifier.classify([*hidden, *views])
    drops = [confidence - changed.as_dict()[label] for changed in read[: len(hidden)]]
    named = zip(VIEWS, (changed.label for changed in read[len(hidden) :]), strict=True)
    return Explanation(
        label,
        confidence,
        np.array(drops, np.float32).reshape(STEPS, STEPS),
        MappingProxyType(dict(named)),
    )


def _squares(side: int) -> tuple[list[slice], list[slice]]:
    """Rows and columns of each place of the square, from the top left to the bottom right."""
    width = max(round(side * SQUARE), 1)
    starts = [round(start) for start in np.linspace(0, side - width, STEPS)]
    parts = [slice(start, start + width) for start in starts]
    return [rows for rows in parts for _ in parts], parts * STEPS


def _moved(right: float, down: float, scale: float = 1.0) -> Callable[[GreyCrop], GreyCrop]:
    """Shift by shares of the side and scale about the centre; the edge repeats."""

    def change(crop: GreyCrop) -> GreyCrop:
        side = len(crop)
        rest = (1 - scale) * (side - 1) / 2
        matrix = np.array([[scale, 0, rest + right * side], [0, scale, rest + down * side]])
        moved = cv2.warpAffine(crop, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(moved, np.uint8)

    return change


def _mirrored(crop: GreyCrop) -> GreyCrop:
    return np.ascontiguousarray(crop[:, ::-1])


def _darker(crop: GreyCrop) -> GreyCrop:
    """Shadows deepened: a power of the grey values, since networks undo a mere scaling of them."""
    return np.asarray(np.rint(255 * (crop / 255.0) ** 1.5), np.uint8)


VIEWS: Mapping[str, Callable[[GreyCrop], GreyCrop]] = MappingProxyType(
    {
        "mirrored": _mirrored,
        "moved left": _moved(-0.05, 0),
        "moved right": _moved(0.05, 0),
        "moved up": _moved(0, -0.05),
        "moved down": _moved(0, 0.05),
        "closer": _moved(0, 0, 1.1),
        "farther": _moved(0, 0, 0.9),
        "darker": _darker,
    }
)
"""Small changes that leave the expression as it is, and that a sure answer should survive."""
