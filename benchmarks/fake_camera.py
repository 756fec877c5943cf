"""A film for Chromium's fake camera: one face that moves and changes size, with a readable frame number.

The number is drawn as a row of black and white squares along the upper edge, so that a script in the page
can tell which frame it sees. Chromium plays the file as the webcam and starts again at its end.
"""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np

from emotion.images import read_image
from emotion.types import Image

__all__ = ["COUNTER_BITS", "COUNTER_SIDE", "FPS", "write_camera_film"]

FPS = 30
WIDTH, HEIGHT = 640, 480
COUNTER_BITS, COUNTER_SIDE = 8, 16


def write_camera_film(
    portrait: Path, film: Path, *, seconds: int = 4, empty_seconds: int = 0
) -> None:
    """Write a motion-JPEG file of 640×480 at 30 frames a second.

    Args:
        portrait: A picture with one face in its upper half, at least 480 pixels wide.
        film: The file to write, ending in ``.mjpeg``.
        seconds: Length; the movement fits it, so that the end leads over into the start.
        empty_seconds: Seconds of plain grey that are added at the end: nobody is in view.
    """
    picture = read_image(portrait)
    frames = seconds * FPS
    with film.open("wb") as file:
        for number in range(frames + empty_seconds * FPS):
            view = _view(picture, 2 * math.pi * number / frames)
            if number >= frames:
                view = np.full_like(view, 127)
            _draw_counter(view, number % 2**COUNTER_BITS)
            done, data = cv2.imencode(
                ".jpg", cv2.cvtColor(view, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90]
            )
            assert done
            file.write(data.tobytes())


def _view(picture: Image, phase: float) -> Image:
    """The picture on a 640×480 sheet, swaying and breathing."""
    scale = HEIGHT / picture.shape[0] * (1.25 + 0.2 * math.sin(phase))
    left = WIDTH / 2 - picture.shape[1] * scale / 2 + 60 * math.cos(phase)
    matrix = np.array([[scale, 0, left], [0, scale, 20 * math.sin(2 * phase)]])
    view = cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(view, dtype=np.uint8)


def _draw_counter(view: Image, number: int) -> None:
    for bit in range(COUNTER_BITS):
        left = bit * COUNTER_SIDE
        view[:COUNTER_SIDE, left : left + COUNTER_SIDE] = 255 if number >> bit & 1 else 0
