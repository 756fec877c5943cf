"""Draw results into a copy of a picture, legible at any size."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from emotion.types import BoundingBox, Emotion, FaceEmotion, Image

__all__ = ["EXPRESSION_COLOURS", "annotate", "text_colour"]

EXPRESSION_COLOURS: dict[Emotion, str] = {
    Emotion.ANGRY: "#D55E00",
    Emotion.DISGUST: "#8A6D00",
    Emotion.FEAR: "#7B4BA8",
    Emotion.HAPPY: "#F0C808",
    Emotion.SAD: "#0072B2",
    Emotion.SURPRISE: "#CC79A7",
    Emotion.NEUTRAL: "#8C8C8C",
}
"""One colour for each expression, everywhere in the program: after Okabe & Ito (2008), told apart by
people with any kind of colour vision; every label also says its name."""


def text_colour(background: str) -> str:
    """Black or white, whichever contrasts more with a ``#rrggbb`` colour (WCAG 2.2)."""
    channels = [int(background[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (luminance + 0.05) ** 2 > 0.05 * 1.05 else "#ffffff"


def annotate(image: Image, faces: Sequence[FaceEmotion]) -> Image:
    """Draw a box, a number and the expression of each face.

    Args:
        image: Shape (H, W, 3), uint8, RGB; is not changed.
        faces: The result of the pipeline; numbered in this order, or by ``track_id`` in streams.

    Returns:
        A new picture of the same size.
    """
    canvas = Pillow.fromarray(image)
    draw = ImageDraw.Draw(canvas)
    # Drawn from the last to the first, so that the largest faces' labels lie on top.
    for number, result in reversed(list(enumerate(faces, start=1))):
        _draw_face(draw, image.shape, result, result.track_id or number)
    return np.array(canvas, dtype=np.uint8)


def _draw_face(
    draw: ImageDraw.ImageDraw, shape: tuple[int, ...], result: FaceEmotion, number: int
) -> None:
    box, prediction = result.face.box, result.prediction
    colour = EXPRESSION_COLOURS[prediction.label]
    line = _line_width(box, shape)
    draw.rectangle((box.x1, box.y1, box.x2 - 1, box.y2 - 1), outline=colour, width=line)
    font = _font(_font_size(box, shape))
    text = f"{number} {prediction.label} {prediction.confidence:.0%}"
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    if right - left > shape[1]:  # a narrow picture: the number tells where to look below it
        text = str(number)
        left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    padding = max(line, 2)
    width, height = int(right - left + 2 * padding), int(bottom - top + 2 * padding)
    # Above the box, or inside its upper edge where there is no room; never outside the picture.
    x = min(max(box.x1, 0), max(shape[1] - width, 0))
    y = box.y1 - height if box.y1 >= height else min(box.y1, max(shape[0] - height, 0))
    draw.rectangle((x, y, x + width - 1, y + height - 1), fill=colour)
    draw.text((x + padding - left, y + padding - top), text, fill=text_colour(colour), font=font)


def _line_width(box: BoundingBox, shape: tuple[int, ...]) -> int:
    return max(1, min(round(max(shape[:2]) / 400), round(min(box.width, box.height) / 20)))


def _font_size(box: BoundingBox, shape: tuple[int, ...]) -> int:
    """Readable when the whole picture fills a screen, smaller on small faces of a crowd."""
    readable = max(shape[:2]) / 45
    return max(11, round(min(readable, max(box.width / 6, readable / 2))))


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own scalable font: no font of the operating system is needed."""
    return ImageFont.load_default(size)
