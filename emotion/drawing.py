"""Draw results into a copy of a picture, legible at any size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from emotion.moments import TrackedFace
from emotion.types import BoundingBox, Emotion, FaceEmotion, Image

__all__ = ["EXPRESSION_COLOURS", "annotate", "label_text", "text_colour"]

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

DARK = "#111111"
SMALLEST_FONT = 12


def text_colour(background: str) -> str:
    """Black or white, whichever contrasts more with a ``#rrggbb`` colour (WCAG 2.2)."""
    channels = [int(background[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (luminance + 0.05) ** 2 > 0.05 * 1.05 else "#ffffff"


def label_text(face: FaceEmotion | TrackedFace) -> tuple[str, str]:
    """The words for what a face shows: on its box, on its card, in what is copied. Their one home.

    Returns:
        The expression with its probability: ``happy`` and ``92%``. Where that is not sure, the two most
        probable ones: ``sad or neutral`` and ``45% / 40%``.
    """
    answer = face if isinstance(face, TrackedFace) else face.prediction
    shares = (face.seen if isinstance(face, TrackedFace) else face).prediction.as_dict()
    if answer.sure:
        return str(answer.label), f"{answer.confidence:.0%}"
    return (
        f"{answer.label} or {answer.second}",
        f"{answer.confidence:.0%} / {shares[answer.second]:.0%}",
    )


def annotate(image: Image, faces: Sequence[FaceEmotion | TrackedFace]) -> Image:
    """Draw a box, a number and the expression of each face.

    Args:
        image: Shape (H, W, 3), uint8, RGB; is not changed.
        faces: The result of the pipeline, numbered in this order; or of a tracker, with numbers and steady
            labels of its own.

    Returns:
        A new picture of the same size.
    """
    canvas = Pillow.fromarray(image)
    draw = ImageDraw.Draw(canvas)
    labels = _labels_of(faces, canvas.size)
    # The largest faces come first and lie on top of the others.
    for face in faces[::-1]:
        _draw_box(draw, _box(face), EXPRESSION_COLOURS[_label(face)])
    for label in labels[::-1]:
        _draw_label(draw, label)
    return np.array(canvas, dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class _Label:
    """Number and words of a face, and where they are drawn: left, top and height, widths of both parts."""

    number: str
    words: str
    colour: str
    x: int
    y: int
    tall: int
    number_width: int
    words_width: int
    font_size: int

    @property
    def width(self) -> int:
        """Of both parts."""
        return self.number_width + self.words_width

    def covers(self, other: _Label) -> bool:
        """Whether one hides a part of the other."""
        apart = (
            self.x + self.width <= other.x
            or other.x + other.width <= self.x
            or self.y + self.tall <= other.y
            or other.y + other.tall <= self.y
        )
        return not apart


def _box(face: FaceEmotion | TrackedFace) -> BoundingBox:
    return (face.seen if isinstance(face, TrackedFace) else face).face.box


def _label(face: FaceEmotion | TrackedFace) -> Emotion:
    return face.label if isinstance(face, TrackedFace) else face.prediction.label


def _draw_box(draw: ImageDraw.ImageDraw, box: BoundingBox, colour: str) -> None:
    """A coloured line between two thin dark ones, visible on any background."""
    line = _line_width(box, draw.im.size)
    edge = max(1, line // 4) if line > 3 else 0
    inside = (box.x1, box.y1, box.x2 - 1, box.y2 - 1)
    draw.rectangle(inside, outline=DARK, width=line)
    x1, y1, x2, y2 = inside
    inside = (x1 + edge, y1 + edge, x2 - edge, y2 - edge)
    draw.rectangle(inside, outline=colour, width=line - 2 * edge)


def _labels_of(faces: Sequence[FaceEmotion | TrackedFace], size: tuple[int, int]) -> list[_Label]:
    """Labels of which none covers another, as long as there is room.

    Each face has its number; then all get the expression where it has room, then the second one of those that
    are not sure, then the probability; the largest faces, which come first, before the others.
    """
    labels = [_label_of(face, number, "", size) for number, face in enumerate(faces, start=1)]
    texts = [(str(_label(face)), *label_text(face)) for face in faces]
    for wordy in (lambda t: t[0], lambda t: t[1], lambda t: f"{t[1]}  {t[2]}"):
        for index, face in enumerate(faces):
            longer = _label_of(face, index + 1, wordy(texts[index]), size)
            # In a crowd the labels are shorter, so that they do not cover neighbouring faces.
            room = size[0] if len(faces) == 1 else min(size[0], 2 * _box(face).width)
            others = labels[:index] + labels[index + 1 :]
            if longer.width <= room and not any(map(longer.covers, others)):
                labels[index] = longer
    return labels


def _label_of(
    face: FaceEmotion | TrackedFace, number: int, words: str, size: tuple[int, int]
) -> _Label:
    """A label above the box, or inside its upper edge where there is no room; never outside the picture."""
    box, (width, height) = _box(face), size
    font_size = _font_size(box, size)
    font, padding = _font(font_size), _padding(font_size)
    figure = str(face.track_id or number)
    number_width = math.ceil(font.getlength(figure)) + 2 * padding
    words_width = math.ceil(font.getlength(words)) + 2 * padding if words else 0
    tall = font_size + padding
    return _Label(
        number=figure,
        words=words,
        colour=EXPRESSION_COLOURS[_label(face)],
        x=max(min(box.x1, width - number_width - words_width), 0),
        y=box.y1 - tall if box.y1 >= tall else max(min(box.y1, height - tall), 0),
        tall=tall,
        number_width=number_width,
        words_width=words_width,
        font_size=font_size,
    )


def _draw_label(draw: ImageDraw.ImageDraw, label: _Label) -> None:
    """The number, white on dark, then the words on the expression's colour."""
    font, padding = _font(label.font_size), _padding(label.font_size)
    x, y, last = label.x, label.y, label.y + label.tall - 1
    middle = y + label.tall / 2
    draw.rectangle((x, y, x + label.number_width - 1, last), fill=DARK)
    draw.text((x + padding, middle), label.number, fill="#ffffff", font=font, anchor="lm")
    if label.words:
        x += label.number_width
        draw.rectangle((x, y, x + label.words_width - 1, last), fill=label.colour)
        ink = text_colour(label.colour)
        draw.text((x + padding, middle), label.words, fill=ink, font=font, anchor="lm")


def _padding(font_size: int) -> int:
    return max(2, font_size // 4)


def _line_width(box: BoundingBox, size: tuple[int, int]) -> int:
    """Wide enough to be visible when the whole picture fills a screen, but thin beside the face."""
    return max(1, min(round(max(size) / 220 + 1.5), round(min(box.width, box.height) / 16)))


def _font_size(box: BoundingBox, size: tuple[int, int]) -> int:
    """Readable when the whole picture fills a screen, smaller on small faces of a crowd."""
    readable = max(size) / 36
    beside_the_face = max(box.width / 6, min(box.width / 3, readable / 2))
    return max(SMALLEST_FONT, round(min(readable, beside_the_face)))


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's own scalable font: no font of the operating system is needed."""
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow was built without FreeType"
    return font
