"""Where to look in a picture: levels and windows of a pyramid, and close-ups.

The picture is halved again and again, and overlapping windows are cut from every level: what is small in
the picture is large in a window of a fine level, what is large lies whole in a window of a coarse one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from emotion.faces.overlap import Boxes
from emotion.types import BoundingBox, Face, Image, Point

__all__ = ["Grid", "View", "close_up", "moved_face", "reduced", "views"]

MIRRORED_X = [1, 0, 3, 2, 4, 5, 7, 6]
MIRRORED_Y = [0, 1, 3, 2, 4, 5, 7, 6]
"""Which corner of a box and which landmark gives each one's x and y in a mirror."""


@dataclass(frozen=True, slots=True)
class Grid:
    """What a network takes in, and how a picture is laid out for it.

    Attributes:
        smallest: Width of the smallest face that the network finds, in its pixels.
        whole: Longer side of the coarsest level, which shows the whole picture, in its pixels.
        window: Longest side of a window, in its pixels.
        multiple: What the sides of a window must be multiples of.
        area: Pixels of the finest level at most: bounds the time that a picture takes.
        edge: Pixels by which each level goes on beyond the picture, so that half a face at its edge is seen.
    """

    smallest: int
    whole: int
    window: int
    multiple: int
    area: int
    edge: int


@dataclass(frozen=True, slots=True)
class View:
    """A part of the picture, as a network sees it.

    Attributes:
        pixels: Shape (h, w, 3), uint8.
        left: Left end of the view, in the picture's pixels; negative where it begins outside.
        top: Upper end of the view, likewise.
        step: Pixels of the picture, across and down, to one pixel of the view.
        picture: Width and height of the picture.
        mirror: Whether the pixels are mirrored left to right.
    """

    pixels: Image
    left: float
    top: float
    step: tuple[float, float]
    picture: tuple[int, int]
    mirror: bool = False

    def mirrored(self) -> View:
        """The same part of the picture in a mirror; its places are those of the picture all the same."""
        return replace(self, pixels=np.ascontiguousarray(self.pixels[:, ::-1]), mirror=True)

    def to_picture(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Boxes and landmarks of the view in the picture.

        Args:
            points: Shape (N, 8, 2): two corners of the box and six landmarks.
        """
        if self.mirror:
            x = self.pixels.shape[1] - points[..., 0]
            # The left corner becomes the right one, and the subject's right eye the left one.
            points = np.stack([x[:, MIRRORED_X], points[:, MIRRORED_Y, 1]], axis=-1)
        return np.asarray(points * np.array(self.step) + np.array([self.left, self.top]))

    def cuts(self, boxes: Boxes) -> npt.NDArray[np.bool_]:
        """Which boxes (in the picture's pixels) leave the view where the picture goes on."""
        (width, height), (across, down) = self.picture, self.step
        right = self.left + self.pixels.shape[1] * across
        bottom = self.top + self.pixels.shape[0] * down
        return np.asarray(
            ((boxes[:, 0] < self.left) & (self.left > 0.5))
            | ((boxes[:, 1] < self.top) & (self.top > 0.5))
            | ((boxes[:, 2] > right) & (right < width - 0.5))
            | ((boxes[:, 3] > bottom) & (bottom < height - 0.5))
        )


def views(image: Image, smallest: float, grid: Grid, *, border: bool) -> Iterator[View]:
    """Views in which every face from a size on is shown large enough, and whole in at least one.

    Args:
        image: Shape (H, W, 3), uint8.
        smallest: Width of the smallest face that is looked for, in the picture's pixels.
        grid: What the network takes in.
        border: Whether to look once more with half a picture's width around it, for faces that fill it.
    """
    height, width = image.shape[:2]
    longer = max(height, width)
    scale = min(grid.smallest / smallest, math.sqrt(grid.area / (height * width)))
    side = max(round(longer * scale), grid.whole)
    level = image
    while side > grid.whole * 1.5:
        level = _resized(level, side / longer, (width, height))
        yield from _windows(level, grid, (width, height))
        side = round(side / 2)
    level = _resized(level, grid.whole / longer, (width, height))
    yield _framed(level, (0, 0), (width, height), grid.multiple)
    if border:
        level = _resized(level, grid.whole / 2 / longer, (width, height))
        around = (level.shape[1] // 2, level.shape[0] // 2)
        yield _framed(level, around, (width, height), grid.multiple)


def close_up(image: Image, box: npt.NDArray[np.float64], share: float, side: int) -> View:
    """A square view around a box; where it leaves the picture, the picture's edge goes on.

    Args:
        image: Shape (H, W, 3), uint8.
        box: x1, y1, x2, y2 in the picture's pixels.
        share: Side of the view, in sides of the box.
        side: Side of the view in its own pixels.
    """
    height, width = image.shape[:2]
    x1, y1, x2, y2 = map(float, box)
    half = max(share * max(x2 - x1, y2 - y1) / 2, 1.0)
    left, top = math.floor((x1 + x2) / 2 - half), math.floor((y1 + y2) / 2 - half)
    length = math.ceil(2 * half)
    cut = image[max(top, 0) : max(top + length, 1), max(left, 0) : max(left + length, 1)]
    above, below = max(-top, 0), max(top + length - height, 0)
    before, after = max(-left, 0), max(left + length - width, 0)
    if above or below or before or after:
        cut = _widened(cut, above, below, before, after)
    step = (cut.shape[1] / side, cut.shape[0] / side)
    return View(_resize(cut, (side, side)), left, top, step, (width, height))


def reduced(image: Image, side: int) -> tuple[Image, float]:
    """A picture no longer than ``side`` pixels, and its scale (1 where it was small enough already)."""
    height, width = image.shape[:2]
    scale = min(1.0, side / max(height, width))
    if scale == 1:
        return image, 1.0
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return _resize(image, size), scale


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


def _windows(level: Image, grid: Grid, picture: tuple[int, int]) -> Iterator[View]:
    """Overlapping windows of one level. Faces that lie whole in none are seen at the next coarser level."""
    edge = grid.edge
    overlap = round(2.4 * grid.smallest)
    height, width = level.shape[:2]
    tops, tall = _starts(height + 2 * edge, grid, overlap)
    lefts, wide = _starts(width + 2 * edge, grid, overlap)
    after = (tops[-1] + tall - edge - height, lefts[-1] + wide - edge - width)
    canvas = _widened(level, edge, after[0], edge, after[1])
    step = (picture[0] / width, picture[1] / height)
    for top in tops:
        for left in lefts:
            pixels = canvas[top : top + tall, left : left + wide]
            yield View(pixels, (left - edge) * step[0], (top - edge) * step[1], step, picture)


def _starts(length: int, grid: Grid, overlap: int) -> tuple[list[int], int]:
    """Evenly spread first pixels of the windows along one side, and the length of each window."""
    count = max(math.ceil((length - overlap) / (grid.window - overlap)), 1)
    size = math.ceil((length + (count - 1) * overlap) / count / grid.multiple) * grid.multiple
    room = max(length - size, 0)
    return [round(room * index / max(count - 1, 1)) for index in range(count)], size


def _framed(level: Image, around: tuple[int, int], picture: tuple[int, int], multiple: int) -> View:
    """A whole level with some pixels around it, filled up to sides that the network takes."""
    height, width = level.shape[:2]
    x, y = around
    right = -(-(width + 2 * x) // multiple) * multiple - width - x
    bottom = -(-(height + 2 * y) // multiple) * multiple - height - y
    pixels = _widened(level, y, bottom, x, right)
    step = (picture[0] / width, picture[1] / height)
    return View(pixels, -x * step[0], -y * step[1], step, picture)


def _widened(image: Image, top: int, bottom: int, left: int, right: int) -> Image:
    """An image that goes on by so many pixels as its edge does."""
    kind = cv2.BORDER_REPLICATE
    return np.asarray(cv2.copyMakeBorder(image, top, bottom, left, right, kind), np.uint8)


def _resized(level: Image, scale: float, picture: tuple[int, int]) -> Image:
    """The level of the picture's pyramid at a scale of the whole picture, made from a finer one."""
    return _resize(level, (max(round(picture[0] * scale), 1), max(round(picture[1] * scale), 1)))


def _resize(image: Image, size: tuple[int, int]) -> Image:
    """Pixels averaged where the picture becomes smaller, interpolated where it becomes larger."""
    if size == (image.shape[1], image.shape[0]):
        return image
    smaller = size[0] < image.shape[1]
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)
