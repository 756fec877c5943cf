"""From a picture and a box to what the network sees; the same code in training and in use.

FER-2013 shows grey faces of 48×48 pixels that fill the square from brow to chin, as the detectors' boxes do:
moving or scaling those boxes gained nothing (``benchmarks/framing.py``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from emotion.types import BoundingBox, Image, Point

__all__ = ["GreyCrop", "Normalisation", "crop_face", "resize_faces", "to_batch"]

GreyCrop = npt.NDArray[np.uint8]
"""A grey face: shape (S, S), dtype uint8."""


class Normalisation(StrEnum):
    """How grey values 0–255 become network inputs. Stored in a weights folder's ``config.json``."""

    STANDARDISE = "standardise"
    """Each image on its own: minus its mean, divided by its standard deviation."""
    UNIT = "unit"
    """Divided by 255: 0 to 1."""
    SIGNED = "signed"
    """Divided by 127.5, minus 1: −1 to 1 (as mini-XCEPTION and its descendants expect)."""
    RAW = "raw"
    """Left as 0 to 255."""


def crop_face(
    image: Image, box: BoundingBox, size: int, *, scale: float = 1.0, roll: float = 0.0
) -> GreyCrop:
    """Cut out a face as a small grey square, framed and upright as the training faces are.

    What lies outside the picture repeats the picture's edge. Where the face is larger than twice ``size``,
    pixels are averaged first. A training face that was enlarged comes back within a grey level, on average.

    Args:
        image: Picture of shape (H, W, 3), uint8, RGB.
        box: The detector's box, in pixels.
        size: Side of the result in pixels.
        scale: Side of the square that is cut out, divided by the mean of the box's width and height.
        roll: Degrees by which the head is turned clockwise in the picture; it is turned back about the
            middle of the box.

    Returns:
        Grey crop of shape (size, size), uint8.
    """
    side = scale * (box.width + box.height) / 2
    turn = math.radians(roll)
    cos, sin = math.cos(turn), math.sin(turn)
    # Half of the rotated square's width and height.
    reach = side / 2 * (abs(cos) + abs(sin))
    region, x, y = _cut_with_margin(image, box.centre, reach, side)
    grey = cv2.cvtColor(region, cv2.COLOR_RGB2GRAY)
    # Averaged to twice the size first, so that the sub-pixel resampling below never skips pixels.
    step = side / (2 * size)
    ratio_x = ratio_y = 1.0
    if step > 1:
        shrunk = (max(round(grey.shape[1] / step), 1), max(round(grey.shape[0] / step), 1))
        ratio_x, ratio_y = shrunk[0] / grey.shape[1], shrunk[1] / grey.shape[0]
        grey = cv2.resize(grey, shrunk, interpolation=cv2.INTER_AREA)
    # Maps centres of target pixels to centres of source pixels.
    unit = side / size
    first = (1 - size) / 2  # the first target pixel's centre, from the middle
    matrix = np.array(
        [
            [cos * unit, -sin * unit, x + (cos - sin) * first * unit],
            [sin * unit, cos * unit, y + (sin + cos) * first * unit],
        ]
    )
    matrix *= np.array([[ratio_x], [ratio_y]])
    matrix[:, 2] -= 0.5
    # Cubic, because linear resampling blurs: a point of accuracy (benchmarks/framing.py).
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    crop = cv2.warpAffine(grey, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return crop.astype(np.uint8, copy=False)


def _cut_with_margin(
    image: Image, centre: Point, reach: float, side: float
) -> tuple[Image, float, float]:
    """The part of the picture around a square, and where in that part the square's middle lies."""
    height, width = image.shape[:2]
    margin = 2 + side / 16 + reach
    x1 = min(max(int(centre.x - margin), 0), width - 1)
    y1 = min(max(int(centre.y - margin), 0), height - 1)
    x2 = max(min(int(centre.x + margin) + 1, width), x1 + 1)
    y2 = max(min(int(centre.y + margin) + 1, height), y1 + 1)
    return image[y1:y2, x1:x2], centre.x - x1, centre.y - y1


def resize_faces(faces: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
    """Bring labelled faces to the size that a network takes, as :func:`crop_face` does.

    Pixels are averaged where faces become smaller and interpolated linearly where they become larger.

    Args:
        faces: (N, S, S), uint8, grey.
        size: Side of the result in pixels.

    Returns:
        (N, size, size), uint8; ``faces`` itself if it has that size.
    """
    if faces.shape[1:] == (size, size):
        return faces
    how = cv2.INTER_AREA if size < faces.shape[1] else cv2.INTER_LINEAR
    resized = [cv2.resize(face, (size, size), interpolation=how) for face in faces]
    return np.asarray(resized, dtype=np.uint8).reshape(-1, size, size)


def to_batch(crops: Sequence[GreyCrop] | GreyCrop, how: Normalisation) -> npt.NDArray[np.float32]:
    """Stack grey crops into one network input.

    Args:
        crops: Grey crops of one size (S, S), uint8; or one array (N, S, S).
        how: What the network was trained with.

    Returns:
        Array of shape (N, S, S, 1), float32.
    """
    batch = np.asarray(crops, dtype=np.float32)[..., np.newaxis]
    match how:
        case Normalisation.STANDARDISE:
            mean = batch.mean(axis=(1, 2, 3), keepdims=True)
            # One grey level as the floor: a flat image becomes zeros instead of amplified noise.
            std = np.maximum(batch.std(axis=(1, 2, 3), keepdims=True), 1.0)
            return np.asarray((batch - mean) / std, dtype=np.float32)
        case Normalisation.UNIT:
            return batch / np.float32(255.0)
        case Normalisation.SIGNED:
            return batch / np.float32(127.5) - np.float32(1.0)
        case Normalisation.RAW:
            return batch
