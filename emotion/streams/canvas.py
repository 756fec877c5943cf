"""One size for all frames of a video, whatever size each of them has.

Meetings, calls over WebRTC and joined recordings change the size of their frames as they go on. Boxes, tracks
and the annotated copy need one system of coordinates: that of the first frame as it is shown.
"""

from __future__ import annotations

import av
import numpy as np

from emotion.streams.colour import to_rgb
from emotion.types import Image

__all__ = ["MAX_SIDE", "Canvas"]

MAX_SIDE = 1920
"""Frames with a longer side are reduced to it: 8K shows no face better, but costs sixteen times as much."""

WIDEST_PIXEL = 4.0
"""Pixels of real videos are up to twice as wide as high, or half as wide; other ratios are mistakes."""

ROUNDING = 2
"""Sides that differ by so many pixels from what they should be do so by rounding."""


class Canvas:
    """Turns the decoded frames of one video into images of one size.

    Attributes:
        size: Width and height of the first frame as it is shown, upright with square pixels: 720×576 with
            pixels of 64:45 is shown as 1024×576. (0, 0) before the first frame.
        scale: Pixels of the images for each pixel of ``size``, at most 1.
    """

    def __init__(self) -> None:
        self.size = (0, 0)
        self.scale = 1.0
        self._shape = (0, 0)

    def show(self, frame: av.VideoFrame, pixel_ratio: float) -> Image:
        """A decoded frame, upright, with square pixels; scaled to the first one's size, with bars if need be.

        Args:
            frame: As the decoder gives it.
            pixel_ratio: Width of its pixels divided by their height. Their shorter side is stretched, so
                that nothing is lost.

        Returns:
            Shape (H, W, 3), uint8, RGB, always the same; sides at most :data:`MAX_SIDE`.
        """
        if not 1 / WIDEST_PIXEL <= pixel_ratio <= WIDEST_PIXEL:
            pixel_ratio = 1.0
        width, height = frame.width * max(pixel_ratio, 1), frame.height / min(pixel_ratio, 1)
        turns = round(frame.rotation / 90) % 4
        if self.size == (0, 0):
            self.scale = scale = min(1.0, MAX_SIDE / max(width, height))
        else:
            rows, columns = self._shape if turns % 2 == 0 else self._shape[::-1]
            scale = min(columns / width, rows / height)
        sides = max(round(width * scale), 1), max(round(height * scale), 1)
        if self.size == (0, 0):
            self._start((width, height), sides, turned=turns % 2 == 1)
        elif abs(columns - sides[0]) <= ROUNDING and abs(rows - sides[1]) <= ROUNDING:
            sides = columns, rows
        image = np.ascontiguousarray(np.rot90(to_rgb(frame, *sides), turns))
        return image if image.shape[:2] == self._shape else self._in_the_middle(image)

    def _start(self, size: tuple[float, float], sides: tuple[int, int], *, turned: bool) -> None:
        """Take the first frame's size for the whole video."""
        width, height = (round(side) for side in size)
        self.size = (height, width) if turned else (width, height)
        self._shape = sides if turned else (sides[1], sides[0])

    def _in_the_middle(self, image: Image) -> Image:
        """A smaller image with black bars."""
        whole = np.zeros((*self._shape, 3), np.uint8)
        top, left = ((a - b) // 2 for a, b in zip(self._shape, image.shape[:2], strict=True))
        whole[top : top + image.shape[0], left : left + image.shape[1]] = image
        return whole
