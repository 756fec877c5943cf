"""Where faces are searched for in each frame of a stream.

A thorough search for small and turned faces takes a detector many times as long as a single pass over the
frame, so it is made once a second. In between there is a single pass in the last known orientation, and a
close-up of each known face that this pass missed.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from emotion.faces.search import moved_face
from emotion.types import BoundingBox, FaceEmotion, Image

__all__ = ["FrameSearch", "ReadFaces"]

SEARCH_EVERY_S = 1.0
"""Seconds between two searches."""

CLOSE_UP = 3.0
"""Side of the close-up around a known face, in sides of the face."""

SAME_FACE = 0.4
"""Intersection over union from which two detections are one face."""


class ReadFaces(Protocol):
    """What finds and reads the faces of an image, as :class:`emotion.pipeline.EmotionPipeline` does."""

    def __call__(self, image: Image, /, *, thorough: bool, turns: int) -> Sequence[FaceEmotion]: ...


class FrameSearch:
    """Searches the frames of one stream; each viewer and each video needs its own.

    Args:
        looks_between: Least number of frames with a single pass between two searches. Where frames come
            slowly because the machine is busy, searching every one of them would keep it busy.
    """

    def __init__(self, *, looks_between: int = 0) -> None:
        self._looks_between = looks_between
        self._looks = looks_between
        self._next_search_s = 0.0
        self._turns = 0

    def look(
        self, read: ReadFaces, image: Image, time_s: float, places: Sequence[BoundingBox]
    ) -> list[FaceEmotion]:
        """Find the faces of the next frame.

        Args:
            read: Finds and reads the faces of an image.
            image: The frame, shape (H, W, 3), uint8, RGB.
            time_s: Its time in seconds.
            places: Where known faces are expected, in pixels of the frame.
        """
        self._looks += 1
        if time_s >= self._next_search_s and self._looks > self._looks_between:
            self._looks = 0
            self._next_search_s = time_s + SEARCH_EVERY_S
            found = list(read(image, thorough=True, turns=0))
            if found:
                roll = statistics.median(face.roll for face in found)
                self._turns = round(roll / 90) % 4
            return found
        found = list(read(image, thorough=False, turns=self._turns))
        for place in places:
            if not _is_among(place, found):
                found += self._close_up(read, image, place)
        return _each_once(found)

    def _close_up(self, read: ReadFaces, image: Image, place: BoundingBox) -> list[FaceEmotion]:
        """The faces of the part of the frame around a place."""
        height, width = image.shape[:2]
        reach = round(CLOSE_UP * max(place.width, place.height) / 2)
        x, y = round(place.centre.x), round(place.centre.y)
        left, right = max(x - reach, 0), min(x + reach, width)
        top, bottom = max(y - reach, 0), min(y + reach, height)
        if left >= right or top >= bottom:
            return []
        part = np.ascontiguousarray(image[top:bottom, left:right])
        return [
            replace(face, face=moved_face(face.face, 1.0, (left, top), within=(width, height)))
            for face in read(part, thorough=False, turns=self._turns)
        ]


def _is_among(place: BoundingBox, found: Sequence[FaceEmotion]) -> bool:
    return any(place.iou(face.face.box) >= SAME_FACE for face in found)


def _each_once(found: Sequence[FaceEmotion]) -> list[FaceEmotion]:
    """Of detections in the same place only the surest."""
    kept: list[FaceEmotion] = []
    for face in sorted(found, key=lambda face: -face.face.score):
        if not _is_among(face.face.box, kept):
            kept.append(face)
    return kept
