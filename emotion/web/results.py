"""Results as HTML: the sentence, a card with seven bars for each face, the table and the downloads.

Everything is escaped here. Downloads and the little faces are data links, so that they never become files
on the server; the annotated picture does, in Gradio's cache, which is emptied within a day.
"""

from __future__ import annotations

import base64
import html
import io

from PIL import Image as Pillow

from emotion.drawing import EXPRESSION_COLOURS, text_colour
from emotion.records import PictureRecord, summarise, write_csv
from emotion.types import BoundingBox, FaceEmotion, Image

__all__ = ["error_html", "nothing_yet_html", "results_html", "summary_html"]

OPEN_CARDS = 12
"""Faces whose cards are shown at once; those of a crowd are folded away behind a button."""

MAX_CARDS = 100
"""Cards of one picture; the table and the downloads hold every face."""

THUMBNAIL_SIDE = 96
"""Pixels of the little face on a card; shown at half of that, so that it is crisp on any screen."""


def nothing_yet_html() -> str:
    """What stands there before the first picture."""
    return "<p class='summary waiting'>Drop in a picture, or pick an example, to begin.</p>"


def error_html(message: str) -> str:
    """A message that says what went wrong and how to mend it."""
    return f"<p class='summary problem' role='alert'>{html.escape(message)}</p>"


def summary_html(record: PictureRecord) -> str:
    """The sentence above the picture. A screen reader says it as soon as it is there."""
    kind = "found" if record.faces else "nobody"
    return f"<p class='summary {kind}' role='status'>{html.escape(summarise(record.faces))}</p>"


def results_html(record: PictureRecord, image: Image) -> str:
    """Everything that was read in one picture.

    Args:
        record: What was read.
        image: The picture; shape (H, W, 3), uint8, RGB.
    """
    cards = [_card(n, face, image) for n, face in enumerate(record.faces[:MAX_CARDS], start=1)]
    parts = []
    if cards:
        parts.append(_cards(cards[:OPEN_CARDS]))
    if cards[OPEN_CARDS:]:
        parts.append(_fold(_more(len(cards), len(record.faces)), _cards(cards[OPEN_CARDS:])))
    if cards:
        parts.append(_fold("All numbers as a table", _table(record)))
    parts.append(_downloads(record))
    return f"<section class='results' aria-label='Results'>{''.join(parts)}</section>"


def _more(cards: int, faces: int) -> str:
    title = f"Show {cards - OPEN_CARDS} more faces"
    return title if cards == faces else f"{title} (the table and the downloads hold all {faces})"


def _fold(title: str, content: str) -> str:
    return f"<details><summary>{html.escape(title)}</summary>{content}</details>"


def _cards(cards: list[str]) -> str:
    return f"<ol class='cards'>{''.join(cards)}</ol>"


def _card(number: int, result: FaceEmotion, image: Image) -> str:
    prediction = result.prediction
    colour = EXPRESSION_COLOURS[prediction.label]
    bars = "".join(
        f"<li{' class=top' if emotion == prediction.label else ''}>"
        f"<span>{emotion}</span>"
        f"<i style='--tone:{EXPRESSION_COLOURS[emotion]};--share:{share:.1%}'></i>"
        f"<b>{share:.0%}</b></li>"
        for emotion, share in prediction.as_dict().items()
    )
    return (
        f"<li class='card' style='--tone:{colour};--ink:{text_colour(colour)}'>"
        f"<header><img src='{_thumbnail(image, result.face.box)}' alt='' width=48 height=48>"
        f"<h3><span class='number'>{number}</span> {prediction.label} "
        f"<small>{prediction.confidence:.0%}</small></h3></header>"
        f"<ul class='bars' aria-label='Probabilities of face {number}'>{bars}</ul></li>"
    )


def _thumbnail(image: Image, box: BoundingBox) -> str:
    """The face as a small square JPEG."""
    crop = Pillow.fromarray(image[box.y1 : box.y2, box.x1 : box.x2])
    file = io.BytesIO()
    crop.resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE)).save(file, "JPEG", quality=80)
    return _data_url("image/jpeg", file.getvalue())


def _table(record: PictureRecord) -> str:
    rows = record.csv_rows()
    columns = [column for column in rows[0] if column not in ("source", "width", "height", "error")]
    head = "".join(f"<th scope='col'>{html.escape(column)}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(row[c]))}</td>" for c in columns) + "</tr>"
        for row in rows
    )
    return (
        "<div class='scroll' tabindex='0' role='region' aria-label='All numbers'>"
        f"<table class='numbers'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _downloads(record: PictureRecord) -> str:
    links = (
        ("CSV", "expressions.csv", "text/csv", write_csv([record])),
        ("JSON", "expressions.json", "application/json", record.to_json() + "\n"),
    )
    return "<p class='downloads'>" + "".join(_data_link(*link) for link in links) + "</p>"


def _data_link(title: str, name: str, kind: str, text: str) -> str:
    return (
        f"<a class='download' download='{name}' href='{_data_url(kind, text.encode())}'>"
        f"Download {title}</a>"
    )


def _data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
