"""Faces as the tracker hands them on."""

from __future__ import annotations

from emotion.moments import TrackedFace
from emotion.types import BoundingBox, Emotion, Face, FaceEmotion, Prediction


def face(number: int, show: Emotion = Emotion.HAPPY, probability: float = 0.7) -> TrackedFace:
    """Face ``number`` of a stream, showing one expression with this probability and the others equally."""
    rest = (1 - probability) / 6
    prediction = Prediction.from_mapping({e: probability if e is show else rest for e in Emotion})
    seen = FaceEmotion(Face(BoundingBox(10, 20, 110, 140), 0.9), prediction, number)
    return TrackedFace(seen, show, prediction)
