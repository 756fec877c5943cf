"""Results as HTML: the sentence, a card with seven bars for each face, the table and the downloads.

Everything is escaped here. Downloads are data links, so that no result is ever written to the server's
disk.
"""

from __future__ import annotations

import base64
import html

from emotion.drawing import EXPRESSION_COLOURS
from emotion.records import PictureRecord, summarise, write_csv
from emotion.types import FaceEmotion

__all__ = ["error_html", "nothing_yet_html", "results_html"]

OPEN_CARDS = 12
"""Faces whose cards are shown at once; those of a crowd are folded away behind a button."""

MAX_CARDS = 100
"""Cards of one picture; the table and the downloads hold every face."""


def nothing_yet_html() -> str:
    """What stands there before the first picture."""
    return _page("<p class='summary'>Choose a picture or an example to begin.</p>")


def error_html(message: str) -> str:
    """A message that says what went wrong and how to mend it."""
    return _page(f"<p class='summary problem'>{html.escape(message)}</p>")


def results_html(record: PictureRecord) -> str:
    """Everything that was read in one picture."""
    parts = [f"<p class='summary'>{html.escape(summarise(record.faces))}</p>"]
    if record.faces:
        cards = [_card(n, face) for n, face in enumerate(record.faces[:MAX_CARDS], start=1)]
        parts.append(f"<div class='cards'>{''.join(cards[:OPEN_CARDS])}</div>")
        if cards[OPEN_CARDS:]:
            more = f"Show {len(cards) - OPEN_CARDS} more faces"
            rest = "".join(cards[OPEN_CARDS:])
            parts.append(_fold(more, f"<div class='cards'>{rest}</div>"))
        parts.append(_fold("All numbers as a table", _table(record)))
    parts.append(_downloads(record))
    return _page("".join(parts))


def _page(content: str) -> str:
    # Polite: a screen reader finishes its sentence before it reads the new result.
    return f"<section class='results' aria-live='polite'>{content}</section>"


def _fold(title: str, content: str) -> str:
    return f"<details><summary>{html.escape(title)}</summary>{content}</details>"


def _card(number: int, result: FaceEmotion) -> str:
    prediction = result.prediction
    colour = EXPRESSION_COLOURS[prediction.label]
    bars = "".join(
        f"<tr{' class=top' if emotion == prediction.label else ''}>"
        f"<th scope='row'>{emotion}</th>"
        f"<td class='bar'><i style='width:{share:.1%};background:{EXPRESSION_COLOURS[emotion]}'></i></td>"
        f"<td class='value'>{share:.0%}</td></tr>"
        for emotion, share in prediction.as_dict().items()
    )
    return (
        f"<article class='card' style='border-top-color:{colour}'>"
        f"<h3><span class='number'>{number}</span> {prediction.label} "
        f"<small>{prediction.confidence:.0%}</small></h3>"
        f"<table aria-label='Probabilities of face {number}'>{bars}</table></article>"
    )


def _table(record: PictureRecord) -> str:
    rows = record.csv_rows()
    columns = [column for column in rows[0] if column not in ("source", "width", "height", "error")]
    head = "".join(f"<th scope='col'>{html.escape(column)}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(row[c]))}</td>" for c in columns) + "</tr>"
        for row in rows
    )
    return (
        "<div class='scroll' tabindex='0'><table class='numbers'>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _downloads(record: PictureRecord) -> str:
    links = (
        ("CSV", "expressions.csv", "text/csv", write_csv([record])),
        ("JSON", "expressions.json", "application/json", record.to_json() + "\n"),
    )
    return "<p class='downloads'>" + "".join(_data_link(*link) for link in links) + "</p>"


def _data_link(title: str, name: str, kind: str, text: str) -> str:
    data = base64.b64encode(text.encode()).decode()
    return (
        f"<a class='download' download='{name}' href='data:{kind};base64,{data}'>"
        f"Download {title}</a>"
    )
