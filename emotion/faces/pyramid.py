"""Look at a large picture in pieces, for detectors whose network sees only large faces.

The picture is halved again and again, and overlapping windows are cut from every level: what is small in
the picture is large in a window of a fine level, what is large lies whole in a window of a coarse one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from emotion.regions import reduced
from emotion.types import BoundingBox, Face, Image, Point

__all__ = ["View", "close_up", "suppress", "whole", "windows"]

FINEST_SIDE = 3072
"""A picture with a longer side is reduced to it first: bounds the number of windows to about 400."""
COARSEST_SIDE = 300
"""Levels smaller than this show nothing that a look at the whole picture misses."""
WINDOW = 256
"""Side of a window, in pixels of its level."""
STRIDE = 170
"""Step between windows at most: a face up to 86 pixels wide lies whole in one of them."""
CLOSE_UP = 2.5
"""Side of a close-up, in sides of the box that it looks at."""
SAME_FACE_IOU = 0.3
SAME_FACE_SHARE = 0.6
"""Two boxes are one face above that intersection over union, or that share of the smaller box."""


@dataclass(frozen=True, slots=True)
class View:
    """Where in the picture some pixels come from.

    Attributes:
        left: Left end of the view, in the picture's pixels.
        top: Upper end of the view, in the picture's pixels.
        size: Width and height of the view, in its own pixels.
        step: Pixels of the picture, across and down, to one pixel of the view.
        picture: Width and height of the picture.
    """

    left: float
    top: float
    size: tuple[int, int]
    step: tuple[float, float]
    picture: tuple[int, int]

    def to_picture(self, x: float, y: float) -> Point:
        """The place in the picture of a place in the view, both in their own pixels."""
        return Point(self.left + x * self.step[0], self.top + y * self.step[1])

    def mirrored(self, box: BoundingBox) -> BoundingBox:
        """A box of the picture, mirrored about the vertical middle of the view."""
        ends = round(2 * self.left + self.size[0] * self.step[0])
        return BoundingBox(ends - box.x2, box.y1, ends - box.x1, box.y2)

    def cuts(self, first: Point, last: Point) -> bool:
        """Whether a box, from its upper left to its lower right corner in the picture, leaves the view
        where the picture goes on.
        """
        end = self.to_picture(*self.size)
        return (
            (first.x < self.left and self.left > 0.5)
            or (first.y < self.top and self.top > 0.5)
            or (last.x > end.x and end.x < self.picture[0] - 0.5)
            or (last.y > end.y and end.y < self.picture[1] - 0.5)
        )


def whole(image: Image, longest: int) -> tuple[Image, View]:
    """The picture, reduced to a longer side of at most ``longest`` pixels, as one view."""
    return _view_of(image, 0, 0, reduced(image, longest)[0], (image.shape[1], image.shape[0]))


def windows(image: Image) -> Iterator[tuple[Image, View]]:
    """Overlapping windows of every level of the picture's pyramid.

    Args:
        image: Shape (H, W, 3), uint8.

    Yields:
        Pixels of shape (h, w, 3), at most :data:`WINDOW` wide and high, and where they come from.
    """
    picture = (image.shape[1], image.shape[0])
    level, _ = reduced(image, FINEST_SIDE)
    while max(level.shape[:2]) > COARSEST_SIDE:
        height, width = level.shape[:2]
        step = (picture[0] / width, picture[1] / height)
        for top in _starts(height):
            for left in _starts(width):
                pixels = level[top : top + WINDOW, left : left + WINDOW]
                size = (pixels.shape[1], pixels.shape[0])
                yield pixels, View(left * step[0], top * step[1], size, step, picture)
        level, _ = reduced(level, math.ceil(max(height, width) / 2))


def close_up(image: Image, box: BoundingBox) -> tuple[Image, View]:
    """A view of a box and as much again around it, where the picture goes that far."""
    half = CLOSE_UP * max(box.width, box.height) / 2
    left, top = max(int(box.centre.x - half), 0), max(int(box.centre.y - half), 0)
    cut = image[top : int(box.centre.y + half) + 1, left : int(box.centre.x + half) + 1]
    return _view_of(cut, left, top, reduced(cut, WINDOW)[0], (image.shape[1], image.shape[0]))


def _view_of(
    cut: Image, left: int, top: int, pixels: Image, picture: tuple[int, int]
) -> tuple[Image, View]:
    """A part of the picture that starts at a corner, shown as reduced pixels."""
    size = (pixels.shape[1], pixels.shape[0])
    step = (cut.shape[1] / size[0], cut.shape[0] / size[1])
    return pixels, View(left, top, size, step, picture)


def _starts(length: int) -> list[int]:
    """Evenly spread first pixels of the windows along one side."""
    room = max(length - WINDOW, 0)
    steps = math.ceil(room / STRIDE)
    return [round(room * step / max(steps, 1)) for step in range(steps + 1)]


def suppress(faces: Sequence[Face]) -> list[Face]:
    """Of faces that overlap, only the one with the best score; best first."""
    ordered = sorted(faces, key=lambda face: -face.score)
    corners = np.array(
        [(f.box.x1, f.box.y1, f.box.x2, f.box.y2) for f in ordered], dtype=np.float64
    ).reshape(-1, 4)
    areas = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    alive = np.ones(len(ordered), dtype=bool)
    kept = []
    for index, face in enumerate(ordered):
        if not alive[index]:
            continue
        kept.append(face)
        ends = np.minimum(corners[:, 2:], corners[index, 2:])
        sides = np.maximum(ends - np.maximum(corners[:, :2], corners[index, :2]), 0)
        shared = sides[:, 0] * sides[:, 1]
        iou = shared / (areas + areas[index] - shared)
        share = shared / np.minimum(areas, areas[index])
        alive &= (iou <= SAME_FACE_IOU) & (share <= SAME_FACE_SHARE)
    return kept
