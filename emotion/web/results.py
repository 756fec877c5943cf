"""Results as HTML: the sentence, a card with seven bars for each face, the table and the downloads.

Downloads and the little faces are data links, so that they never become files on the server; the annotated
picture does, in Gradio's cache, which is emptied within a day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from emotion.drawing import EXPRESSION_COLOURS, label_text, text_colour
from emotion.faces import DETECTORS
from emotion.faces.search import reduced
from emotion.results import PictureRecord, write_csv
from emotion.types import BoundingBox, FaceEmotion, Image
from emotion.web.data_links import data_url, jpeg_url
from emotion.web.readings import Reading, matches, with_boxes
from emotion.web.reasons import why_values
from emotion.web.render import render

__all__ = ["compare_html", "error_html", "original_html", "results_html", "summary_html"]

OPEN_CARDS = 12
"""Faces whose cards are shown at once; those of a crowd are folded away behind a button."""

MAX_CARDS = 100
"""Cards of one picture; the table and the downloads hold every face."""

THUMBNAIL_SIDE = 96
"""Pixels of the little face on a card; shown at half of that, so that it is crisp on any screen."""

ORIGINAL_SIDE = 1600
"""The longer side of the unchanged picture is reduced to this."""

COMPARED_SIDE = 960
"""Longer sides of the pictures that stand side by side are reduced to this."""

SAME_FOR_ALL = ("source", "width", "height", "error", "note")
"""Columns of the CSV file that the table on the page leaves out."""


def error_html(message: str) -> str:
    """A message that says what went wrong and how to fix it."""
    return render("sentence", text=message, kind="problem", role="alert")


def summary_html(record: PictureRecord, words: Mapping[str, str]) -> str:
    """The sentence above the picture, and what to know about its file. A screen reader says it at once.

    Args:
        record: What was read.
        words: Of the viewer's language, see :mod:`emotion.web.languages`.
    """
    kind = "found" if record.faces else "nobody"
    text = " ".join(filter(None, (_sentence(record.faces, words), record.note)))
    return render("sentence", text=text, kind=kind, role="status")


def results_html(reading: Reading, image: Image, words: Mapping[str, str]) -> str:
    """Everything that was read in one picture.

    Args:
        reading: What was read.
        image: The picture; shape (H, W, 3), uint8, RGB.
        words: As for :func:`summary_html`.
    """
    record = reading.record
    shown, rows = reading.faces[:MAX_CARDS], record.csv_rows()
    reasons = [*reading.reasons, *[None] * len(shown)]
    return render(
        "results",
        words=words,
        faces=[
            _card(number, face, image) | {"why": reason and why_values(reason, number, words)}
            for number, (face, reason) in enumerate(zip(shown, reasons, strict=False), start=1)
        ],
        open_cards=OPEN_CARDS,
        more=_more(len(shown), len(record.faces), words),
        columns=[column for column in rows[0] if column not in SAME_FOR_ALL],
        rows=rows,
        text=_as_text(record, words),
        stem=Path(record.source).stem,
        downloads=_downloads(record),
    )


def compare_html(
    image: Image, found: Mapping[str, Sequence[FaceEmotion]], words: Mapping[str, str]
) -> str:
    """The picture twice, with the faces of each detector, and their answers side by side.

    Args:
        image: The picture; shape (H, W, 3), uint8, RGB.
        found: The faces of two detectors by their names in ``DETECTORS``.
        words: As for :func:`summary_html`.
    """
    first, second = found.values()
    rows = []
    for i, j, overlap in matches(first, second):
        cells = [
            None if place is None else {"number": place + 1, "text": _label_and_share(faces[place])}
            for faces, place in ((first, i), (second, j))
        ]
        both = words["compare_overlap"].format(share=f"{overlap:.0%}")
        rows.append({"cells": cells, "note": words["compare_only"] if None in cells else both})
    return render(
        "compare",
        words=words,
        pictures=[
            {
                "title": DETECTORS[name],
                "sentence": _sentence(faces, words),
                "picture": jpeg_url(with_boxes(image, faces, COMPARED_SIDE)),
            }
            for name, faces in found.items()
        ],
        rows=rows,
    )


def original_html(image: Image, words: Mapping[str, str]) -> str:
    """The picture as it was given; ``image`` is (H, W, 3), uint8, RGB."""
    shown, _ = reduced(image, ORIGINAL_SIDE)
    return render("picture", picture=jpeg_url(shown), alt=words["picture"])


def _sentence(faces: Sequence[FaceEmotion], words: Mapping[str, str]) -> str:
    """``3 faces: 2 happy, 1 neutral``, in the viewer's language."""
    if not faces:
        return words["no_face"]
    counts = Counter(face.prediction.label for face in faces)
    labels = ", ".join(f"{count} {label}" for label, count in counts.most_common())
    form = words["one_face"] if len(faces) == 1 else words["many_faces"]
    return form.format(count=len(faces), labels=labels)


def _label_and_share(face: FaceEmotion) -> str:
    return " ".join(label_text(face))


def _as_text(record: PictureRecord, words: Mapping[str, str]) -> str:
    """The result as text that can be pasted anywhere: the sentence and a line for each face."""
    faces = enumerate(record.faces, start=1)
    lines = [f"{number}. {_label_and_share(face)}" for number, face in faces]
    return "\n".join([f"{record.source}: {_sentence(record.faces, words)}", *lines])


def _more(cards: int, faces: int, words: Mapping[str, str]) -> str:
    title = words["more_faces"].format(count=cards - OPEN_CARDS)
    return title if cards == faces else f"{title} ({words['all_in_table'].format(count=faces)})"


def _card(number: int, result: FaceEmotion, image: Image) -> dict[str, object]:
    prediction = result.prediction
    label, share = label_text(result)
    colour = EXPRESSION_COLOURS[prediction.label]
    return {
        "number": number,
        "label": label,
        "confidence": share,
        "colour": colour,
        "ink": text_colour(colour),
        "picture": _thumbnail(image, result.face.box),
        "bars": [
            {
                "name": emotion,
                "colour": EXPRESSION_COLOURS[emotion],
                "share": f"{share:.1%}",
                "text": f"{share:.0%}",
                "top": emotion == prediction.label,
            }
            for emotion, share in prediction.as_dict().items()
        ],
    }


def _thumbnail(image: Image, box: BoundingBox) -> str:
    """The face as a small square JPEG."""
    crop = Pillow.fromarray(image[box.y1 : box.y2, box.x1 : box.x2])
    return jpeg_url(np.asarray(crop.resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE))))


def _downloads(record: PictureRecord) -> list[dict[str, str]]:
    # The mark in front of the CSV tells Excel that the name in it is UTF-8.
    table = write_csv([record]).encode("utf-8-sig")
    text = (record.to_json() + "\n").encode()
    return [
        {"title": "CSV", "name": "expressions.csv", "address": data_url("text/csv", table)},
        {
            "title": "JSON",
            "name": "expressions.json",
            "address": data_url("application/json", text),
        },
    ]
