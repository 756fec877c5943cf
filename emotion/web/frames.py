"""A webcam frame as it arrives: a JPEG, decoded in memory."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image as PillowImage

from emotion.errors import ImageError
from emotion.types import Image

__all__ = ["MAX_SIDE", "decode_frame"]

MAX_SIDE = 1280
"""Longest side of a frame that is accepted; our own page sends at most 960. Decoding a frame costs as much
as finding a face in it, and a face of a tenth of that width still fills the 48 pixels of the network."""


def decode_frame(jpeg: bytes) -> Image:
    """A webcam frame as an array.

    Returns:
        Shape (H, W, 3), uint8, RGB.

    Raises:
        ImageError: If it is not a JPEG of a sensible size.
    """
    damaged = "A webcam frame arrived damaged. Going on with the next one."
    too_large = f"A webcam frame must not be larger than {MAX_SIDE} pixels. Received: "
    try:
        # Pillow reads the size from the header, so a bomb is refused before anything is unpacked.
        with PillowImage.open(io.BytesIO(jpeg), formats=("JPEG",)) as header:
            width, height = header.size
    except PillowImage.DecompressionBombError as error:
        raise ImageError(f"{too_large}many times as many.") from error
    except (OSError, ValueError) as error:
        raise ImageError(damaged) from error
    if max(width, height) > MAX_SIDE:
        raise ImageError(f"{too_large}{width}×{height}.")
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise ImageError(damaged)
    return np.asarray(image, dtype=np.uint8)
