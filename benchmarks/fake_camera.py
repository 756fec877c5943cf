"""A video for Chromium's fake camera: one face that moves and changes size, with a readable frame number.

The number is drawn as a row of black and white squares along the upper edge, so that a script in the page
can tell which frame it sees. Chromium plays the file as the webcam and starts again at its end.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from emotion.faces import load_detector
from emotion.images import read_image
from emotion.types import Image

__all__ = [
    "COUNTER_BITS",
    "COUNTER_SIDE",
    "FPS",
    "WIDTH",
    "camera_views",
    "true_centres",
    "write_camera_video",
]

FPS = 30
WIDTH, HEIGHT = 640, 480
COUNTER_BITS, COUNTER_SIDE = 8, 16


def write_camera_video(
    portrait: Path, video: Path, *, seconds: int = 4, empty_seconds: int = 0
) -> None:
    """Write a motion-JPEG file of 640×480 at 30 frames a second.

    Args:
        portrait: A picture with one face in its upper half, at least 480 pixels wide.
        video: The file to write, ending in ``.mjpeg``.
        seconds: Length; the movement fits it, so that the end leads over into the start.
        empty_seconds: Seconds of plain grey that are added at the end: nobody is in view.
    """
    empty = [np.full((HEIGHT, WIDTH, 3), 127, np.uint8)] * (empty_seconds * FPS)
    with video.open("wb") as file:
        for number, view in enumerate([*camera_views(portrait, seconds=seconds), *empty]):
            _draw_counter(view, number % 2**COUNTER_BITS)
            done, data = cv2.imencode(
                ".jpg", cv2.cvtColor(view, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90]
            )
            assert done
            file.write(data.tobytes())


def camera_views(portrait: Path, *, seconds: int) -> Iterator[Image]:
    """The frames, without their numbers."""
    picture = read_image(portrait)
    for number in range(seconds * FPS):
        matrix = _placement(picture, number, seconds)
        view = cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
        yield np.asarray(view, dtype=np.uint8)


def true_centres(portrait: Path, *, seconds: int) -> list[tuple[float, float]]:
    """Where the centre of the face is in each frame, in pixels: found once, in the picture itself."""
    picture = read_image(portrait)
    with contextlib.closing(load_detector("mediapipe")) as detector:
        face = max(detector.detect(picture), key=lambda face: face.score)
    place = np.array([face.box.centre.x, face.box.centre.y, 1.0])
    moves = [_placement(picture, number, seconds) @ place for number in range(seconds * FPS)]
    return [(float(x), float(y)) for x, y in moves]


def _placement(picture: Image, number: int, seconds: int) -> npt.NDArray[np.float64]:
    """Swaying and breathing: what moves the picture onto the 640×480 pixels of a frame."""
    phase = 2 * math.pi * number / (seconds * FPS)
    scale = HEIGHT / picture.shape[0] * (1.25 + 0.2 * math.sin(phase))
    left = WIDTH / 2 - picture.shape[1] * scale / 2 + 60 * math.cos(phase)
    return np.array([[scale, 0, left], [0, scale, 20 * math.sin(2 * phase)]])


def _draw_counter(view: Image, number: int) -> None:
    for bit in range(COUNTER_BITS):
        left = bit * COUNTER_SIDE
        view[:COUNTER_SIDE, left : left + COUNTER_SIDE] = 255 if number >> bit & 1 else 0
