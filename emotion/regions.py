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


def moved_face(
    face: Face, scale: float, by: tuple[int, int] = (0, 0), *, within: tuple[int, int]
) -> Face:
    """A face as if its picture had been scaled, and then put at a place in a larger one.

    Args:
        face: Where it is in the smaller picture.
        scale: Pixels of the larger picture for each pixel of the smaller one.
        by: Where the smaller picture lies in the larger one: left and top, in pixels.
        within: Width and height of the larger picture, which the box is clipped to: sides of a reduced
            picture are rounded.
    """
    (dx, dy), (width, height), box = by, within, face.box
    corners = BoundingBox(
        round(box.x1 * scale) + dx,
        round(box.y1 * scale) + dy,
        min(round(box.x2 * scale) + dx, width),
        min(round(box.y2 * scale) + dy, height),
    )
    points = tuple(Point(p.x * scale + dx, p.y * scale + dy) for p in face.landmarks)
    return Face(corners, face.score, points)
