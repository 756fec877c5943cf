"""Look at a smaller or a partial picture, and say where its faces are in the whole one."""

from __future__ import annotations

import cv2
import numpy as np

from emotion.types import BoundingBox, Face, Image, Point

__all__ = ["moved_face", "reduced"]


def reduced(image: Image, side: int) -> tuple[Image, float]:
    """A picture no longer than ``side`` pixels, and its scale (1 where it was small enough already)."""
    height, width = image.shape[:2]
    scale = min(1.0, side / max(height, width))
    if scale == 1:
        return image, 1.0
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def moved_face(face: Face, scale: float, by: tuple[int, int] = (0, 0)) -> Face:
    """A face as if its picture had been scaled, and then put at a place in a larger one."""
    (dx, dy), box = by, face.box
    corners = BoundingBox(
        round(box.x1 * scale) + dx,
        round(box.y1 * scale) + dy,
        round(box.x2 * scale) + dx,
        round(box.y2 * scale) + dy,
    )
    points = tuple(Point(p.x * scale + dx, p.y * scale + dy) for p in face.landmarks)
    return Face(corners, face.score, points)
