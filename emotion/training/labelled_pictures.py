"""Score the whole program on pictures of one's own: is the face found, and is its expression read right?"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emotion.errors import DatasetError
from emotion.images import read_image
from emotion.pipeline import EmotionPipeline
from emotion.training.datasets.faces import class_number
from emotion.training.metrics import class_figures, confusion_matrix, mean_recall
from emotion.types import Emotion

__all__ = ["LabelledPicture", "read_labels", "score_pictures"]


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A picture file and what its largest face shows."""

    path: Path
    label: Emotion


def read_labels(table: Path, folder: Path) -> list[LabelledPicture]:
    """Read which picture shows what.

    Args:
        table: A csv file of two columns: the name of a picture, and an expression in capitals or not. A
            first line ``file,label`` is left out.
        folder: Where the pictures lie; names may lead into folders below.

    Raises:
        DatasetError: If the table cannot be read, is empty, or a row is not like that.
    """
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = [(number, row) for number, row in enumerate(csv.reader(file), start=1) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{table} cannot be read as a csv file: {error}") from error
    if rows and [cell.strip().lower() for cell in rows[0][1]] == ["file", "label"]:
        del rows[0]
    if not rows:
        raise DatasetError(f"{table} must name at least one picture. Received: no rows")
    return [_picture(table, number, row, folder) for number, row in rows]


def _picture(table: Path, number: int, row: Sequence[str], folder: Path) -> LabelledPicture:
    try:
        name, label = row
        emotion = list(Emotion)[class_number(label)]
    except (ValueError, KeyError):
        raise DatasetError(
            f"{table}, line {number}: a row must be a picture's name and one of {', '.join(Emotion)}. "
            f"Received: {','.join(row)[:80]!r}"
        ) from None
    path = folder / name.strip()
    if not path.is_file():
        raise DatasetError(f"{table}, line {number}: {path} must be a picture. It is not there.")
    return LabelledPicture(path, emotion)


def score_pictures(
    pipeline: EmotionPipeline, pictures: Sequence[LabelledPicture]
) -> dict[str, Any]:
    """Take every picture through detector, crop and network; its largest face is what counts.

    Returns:
        A JSON-ready dictionary: ``n`` pictures, ``found`` (share in which a face is found), ``accuracy``
        among those, ``right`` (share of all pictures that are found and read right), ``mean_recall`` over the
        expressions that are there, ``per_class``, ``confusion_matrix`` (rows: labels, columns: answers, both
        in the order of ``labels``), ``not_found`` (names).
    """
    order = list(Emotion)
    labels, chosen, missed = [], [], []
    for picture in pictures:
        faces = pipeline(read_image(picture.path))  # largest first
        if not faces:
            missed.append(picture.path.name)
            continue
        labels.append(order.index(picture.label))
        chosen.append(order.index(faces[0].prediction.label))
    answered, wanted = np.array(chosen, np.int64), np.array(labels, np.int64)
    confusion = confusion_matrix(answered, wanted)
    right = int((answered == wanted).sum())
    return {
        "n": len(pictures),
        "found": len(labels) / len(pictures),
        "accuracy": right / len(labels) if labels else None,
        "right": right / len(pictures),
        "mean_recall": mean_recall(answered, wanted) if labels else None,
        "labels": [str(emotion) for emotion in order],
        "per_class": {str(e): asdict(figures) for e, figures in class_figures(confusion).items()},
        "confusion_matrix": confusion.tolist(),
        "not_found": missed,
    }
