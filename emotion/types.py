"""The few immutable values that flow through the whole program.

Values are validated where they are made, so code that receives one may rely on it. Pixels are
counted from the top left corner of the picture; boxes exclude their right and bottom edge.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from emotion.errors import ImageError

__all__ = [
    "BoundingBox",
    "Emotion",
    "Face",
    "FaceEmotion",
    "Image",
    "Point",
    "Prediction",
    "check_image",
]

Image: TypeAlias = npt.NDArray[np.uint8]
"""A picture: shape (H, W, 3), dtype uint8, colours in RGB order."""


class Emotion(StrEnum):
    """The seven expressions of FER-2013, in the order of that data set's label numbers.

    The order of a network's outputs is *not* this one by right: it is stored with its weights.
    """

    ANGRY = "angry"
    DISGUST = "disgust"
    FEAR = "fear"
    HAPPY = "happy"
    SAD = "sad"
    SURPRISE = "surprise"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Point:
    """A place in a picture, in pixels from its top left corner. May lie outside the picture."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """A rectangle of whole pixels; ``x2`` and ``y2`` are exclusive, as in ``image[y1:y2, x1:x2]``."""

    x1: int
    y1: int
    x2: int
    y2: int

    def __post_init__(self) -> None:
        if not (self.x1 < self.x2 and self.y1 < self.y2):
            raise ValueError(f"A box must satisfy x1 < x2 and y1 < y2. Received: {self}")

    @property
    def width(self) -> int:
        return self.x2 - self.x1

    @property
    def height(self) -> int:
        return self.y2 - self.y1

    @property
    def area(self) -> int:
        return self.width * self.height

    @property
    def centre(self) -> Point:
        return Point((self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2)

    def intersection(self, other: BoundingBox) -> int:
        """Number of pixels that both boxes cover."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        return max(width, 0) * max(height, 0)

    def iou(self, other: BoundingBox) -> float:
        """Intersection over union with another box, from 0 (apart) to 1 (the same)."""
        intersection = self.intersection(other)
        return intersection / (self.area + other.area - intersection)


@dataclass(frozen=True, slots=True)
class Face:
    """A face that a detector found.

    Attributes:
        box: Where it is, clipped to the picture.
        score: How sure the detector is, from 0 to 1. Scores of different detectors do not compare.
        landmarks: Right eye, left eye, nose tip, mouth centre, right ear, left ear (the subject's own
            right and left), or empty where the detector gives none.
    """

    box: BoundingBox
    score: float
    landmarks: tuple[Point, ...] = ()

    def __post_init__(self) -> None:
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"A detector's score must be between 0 and 1. Received: {self.score}")


@dataclass(frozen=True, slots=True)
class Prediction:
    """The probabilities of the seven expressions for one face.

    Attributes:
        probabilities: In the order of :class:`Emotion`; they sum to 1.
        sure_above: From which probability on the label counts as sure, 0 to 1. It belongs to the weights,
            where it was chosen so that nine in ten sure labels are what most people say, and eight in ten
            what FER-2013 says.
    """

    probabilities: tuple[float, ...]
    sure_above: float = 0.0

    def __post_init__(self) -> None:
        if len(self.probabilities) != len(Emotion):
            raise ValueError(
                f"A prediction needs {len(Emotion)} probabilities. "
                f"Received: {len(self.probabilities)}"
            )
        total = math.fsum(self.probabilities)
        if not all(p >= 0.0 for p in self.probabilities) or abs(total - 1.0) > 1e-3:
            raise ValueError(
                "Probabilities must be at least 0 and sum to 1. "
                f"Received: {self.probabilities} (sum {total:.4f})"
            )

    @classmethod
    def from_mapping(cls, probabilities: Mapping[Emotion, float]) -> Prediction:
        """Build a prediction from a probability for each emotion, whatever the mapping's order."""
        return cls(tuple(float(probabilities[emotion]) for emotion in Emotion))

    @property
    def label(self) -> Emotion:
        """The most probable expression."""
        return max(self.as_dict().items(), key=lambda item: item[1])[0]

    @property
    def confidence(self) -> float:
        """The probability of :attr:`label`."""
        return max(self.probabilities)

    @property
    def second(self) -> Emotion:
        """The second most probable expression."""
        return self.best_beside(self.label)

    def best_beside(self, label: Emotion) -> Emotion:
        """The most probable of the other expressions."""
        others = [item for item in self.as_dict().items() if item[0] != label]
        return max(others, key=lambda item: item[1])[0]

    @property
    def sure(self) -> bool:
        """Whether the label can be relied on; if not, :attr:`second` belongs in the answer, too."""
        return self.confidence >= self.sure_above

    def as_dict(self) -> dict[Emotion, float]:
        """The probability of each expression, in the order of :class:`Emotion`."""
        return dict(zip(Emotion, self.probabilities, strict=True))


@dataclass(frozen=True, slots=True)
class FaceEmotion:
    """One face of a picture with its expression.

    Attributes:
        face: Where it is; its box is upright, however the head is turned.
        prediction: What it shows.
        track_id: Its number in a stream; None in single pictures.
        roll: Degrees by which the head is turned clockwise in the picture, −180 to 180; 0 is upright.
    """

    face: Face
    prediction: Prediction
    track_id: int | None = None
    roll: float = 0.0


def check_image(image: object) -> Image:
    """Return ``image`` if it is a picture as this package understands it.

    Args:
        image: Anything; must be an array of shape (H, W, 3), dtype uint8, RGB, at least 1×1.

    Raises:
        ImageError: If it is not, naming what was received.
    """
    if not isinstance(image, np.ndarray):
        raise ImageError(
            "A picture must be a numpy array of shape (H, W, 3), dtype uint8, RGB. "
            f"Received: {type(image).__name__}. Read files with emotion.images.read_image()."
        )
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ImageError(
            "A picture must be an array of shape (H, W, 3), dtype uint8, RGB, not empty. "
            f"Received: shape {image.shape}, dtype {image.dtype}."
        )
    return image
