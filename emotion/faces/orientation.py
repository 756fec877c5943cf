"""Faces of turned heads and of turned pictures.

Detectors find upright faces best. So a picture that shows none is looked at lying on its sides and upside
down, too, and the faces of the way that shows most are given in the picture's own pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from emotion.faces.detector import SMALLEST_FACE, FaceDetector
from emotion.types import BoundingBox, Face, Image, Point

__all__ = ["TurnedFace", "find_faces", "roll_by_eyes"]

UPRIGHT = 30.0
"""Degrees of roll up to which a face counts as upright. Of faces that lie on their side the eyes are placed
badly: they seem to be turned by 40 to 90 degrees, in a picture that is held wrongly as well."""
LARGE_SHARE = 1 / 20
"""The other three ways of a picture are looked at for faces from this share of its longer side on; the one
that wins is then searched as usual. So a picture without people does not take four times as long."""
ENOUGH_UPRIGHT, LEAST_TURNED = 0.75, 0.9
"""Sum of the scores of upright faces from which no other orientation is tried, and above which one of those
is accepted: they are three more chances to err."""
WAYS = (1, 3, 2)
"""Quarter turns counter-clockwise that are tried; a phone on its side is more common than one upside down."""


@dataclass(frozen=True, slots=True)
class TurnedFace:
    """A face and how it is turned.

    Attributes:
        face: In pixels of the picture; the box is upright.
        roll: Degrees by which the head is turned clockwise, −180 to 180.
    """

    face: Face
    roll: float


def find_faces(
    detector: FaceDetector,
    image: Image,
    *,
    min_score: float,
    thorough: bool = True,
    turns: int = 0,
) -> list[TurnedFace]:
    """The faces of a picture, however it is turned.

    Args:
        detector: The detector.
        image: Shape (H, W, 3), uint8, RGB.
        min_score: Score (0–1) from which a detection counts.
        thorough: Whether to look for small faces and at turned pictures, too; else as in a live frame: for
            faces from ``detector.live_share`` of the longer side on, which takes a few milliseconds.
        turns: Quarter turns counter-clockwise by which the picture is turned before a look that is not
            thorough.
    """
    longer = max(image.shape[:2])
    if not thorough:
        share = detector.live_share
        return _found_turned(detector, image, share * longer, min_score, turns % 4)
    found = _found(detector, image, SMALLEST_FACE, min_score)
    upright = _worth(found, 0)
    if upright >= ENOUGH_UPRIGHT:
        return found
    smallest = max(LARGE_SHARE * longer, SMALLEST_FACE)
    worth = {
        way: _worth(_found_turned(detector, image, smallest, min_score, way), way) for way in WAYS
    }
    best = max(WAYS, key=worth.__getitem__)
    if worth[best] <= max(upright, LEAST_TURNED):
        return found
    return _found_turned(detector, image, SMALLEST_FACE, min_score, best)


def roll_by_eyes(face: Face) -> float:
    """Degrees by which a face is turned clockwise, from the line between its eyes; 0 without landmarks."""
    if len(face.landmarks) < 2:
        return 0.0
    right, left = face.landmarks[:2]
    return math.degrees(math.atan2(left.y - right.y, left.x - right.x))


def _found(
    detector: FaceDetector, image: Image, smallest: float, min_score: float
) -> list[TurnedFace]:
    faces = detector.detect(image, smallest=smallest)
    return [TurnedFace(face, roll_by_eyes(face)) for face in faces if face.score >= min_score]


def _found_turned(
    detector: FaceDetector, image: Image, smallest: float, min_score: float, way: int
) -> list[TurnedFace]:
    """What is found in the picture after ``way`` quarter turns, in pixels of the picture as it is."""
    if way == 0:
        return _found(detector, image, smallest, min_score)
    size = (image.shape[1], image.shape[0])
    turned = np.ascontiguousarray(np.rot90(image, way))
    return [_turned_back(face, way, size) for face in _found(detector, turned, smallest, min_score)]


def _worth(faces: list[TurnedFace], way: int) -> float:
    """How much speaks for holding the picture that way: the scores of the faces that are upright then."""
    upright = (face for face in faces if abs(_within_half(face.roll - 90.0 * way)) <= UPRIGHT)
    return sum(face.face.score for face in upright)


def _within_half(degrees: float) -> float:
    """The same angle between −180 and 180 degrees."""
    return (degrees + 180.0) % 360.0 - 180.0


def _turned_back(turned: TurnedFace, way: int, size: tuple[int, int]) -> TurnedFace:
    """A face of the picture after ``numpy.rot90(picture, way)``, as a face of the picture."""
    box = turned.face.box
    first, last = (
        _point_back(Point(box.x1, box.y1), way, size),
        _point_back(Point(box.x2, box.y2), way, size),
    )
    corners = (
        *(int(min(first.x, last.x)), int(min(first.y, last.y))),
        *(int(max(first.x, last.x)), int(max(first.y, last.y))),
    )
    points = tuple(_point_back(point, way, size) for point in turned.face.landmarks)
    roll = _within_half(turned.roll + 90.0 * way)
    return TurnedFace(Face(BoundingBox(*corners), turned.face.score, points), roll)


def _point_back(point: Point, way: int, size: tuple[int, int]) -> Point:
    """A place of the turned picture in the picture itself, whose width and height are ``size``."""
    width, height = size
    match way:
        case 1:
            return Point(width - point.y, point.x)
        case 2:
            return Point(width - point.x, height - point.y)
        case _:
            return Point(point.y, height - point.x)
