"""What was found in a picture, in the forms that leave the program: JSON, CSV, a sentence."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from emotion.types import Emotion, FaceEmotion, Image

__all__ = ["CSV_COLUMNS", "PictureRecord", "summarise", "write_csv"]

CSV_COLUMNS = (
    *("source", "width", "height", "face", "x1", "y1", "x2", "y2", "score", "label", "confidence"),
    *map(str, Emotion),
    "error",
)


@dataclass(frozen=True, slots=True)
class PictureRecord:
    """One picture and what was read in it; or why it could not be read.

    Attributes:
        source: Name of the picture, as the user knows it.
        width, height: Its size in pixels; None if it could not be read.
        faces: The result of the pipeline.
        error: Why there is no result, or None.
    """

    source: str
    width: int | None = None
    height: int | None = None
    faces: tuple[FaceEmotion, ...] = ()
    error: str | None = None

    @classmethod
    def of(cls, source: str, image: Image, faces: Sequence[FaceEmotion]) -> PictureRecord:
        """The record of a picture that was read."""
        height, width = image.shape[:2]
        return cls(source, width, height, tuple(faces))

    @classmethod
    def failed(cls, source: str, error: str) -> PictureRecord:
        """The record of a picture that could not be read."""
        return cls(source, error=error)

    def as_dict(self) -> dict[str, Any]:
        """The record as plain values, the same for the command line, the app and its API."""
        return {
            "source": self.source,
            "width": self.width,
            "height": self.height,
            "faces": [_face_as_dict(result) for result in self.faces],
            "error": self.error,
        }

    def to_json(self) -> str:
        """The record as one line of JSON."""
        return json.dumps(self.as_dict(), ensure_ascii=False)

    def csv_rows(self) -> list[dict[str, object]]:
        """A row for each face, by :data:`CSV_COLUMNS`; a picture without one keeps a row of its own."""
        about: dict[str, object] = {
            "source": _plain_cell(self.source),
            "width": self.width,
            "height": self.height,
        }
        if not self.faces:
            return [about | {"error": _plain_cell(self.error or "")}]
        return [about | _face_as_row(n, result) for n, result in enumerate(self.faces, start=1)]


def write_csv(records: Iterable[PictureRecord]) -> str:
    """Records as the text of a CSV file (RFC 4180)."""
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS, restval="")
    writer.writeheader()
    for record in records:
        writer.writerows(record.csv_rows())
    return text.getvalue()


def summarise(faces: Sequence[FaceEmotion]) -> str:
    """A sentence for people: ``3 faces: 2 happy, 1 neutral``."""
    if not faces:
        return (
            "No face found. Try the other detector, a lower minimum score, "
            "or a picture with larger, upright faces."
        )
    counts = Counter(result.prediction.label for result in faces)
    parts = ", ".join(f"{count} {label}" for label, count in counts.most_common())
    return f"{len(faces)} {'face' if len(faces) == 1 else 'faces'}: {parts}"


def _plain_cell(text: str) -> str:
    """Text that a spreadsheet does not take for a formula; the name of an upload may be hostile."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _face_as_dict(result: FaceEmotion) -> dict[str, Any]:
    box, prediction = result.face.box, result.prediction
    return {
        "box": [box.x1, box.y1, box.x2, box.y2],
        "score": round(result.face.score, 4),
        "label": str(prediction.label),
        "confidence": round(prediction.confidence, 4),
        "probabilities": {str(e): round(p, 4) for e, p in prediction.as_dict().items()},
    }


def _face_as_row(number: int, result: FaceEmotion) -> dict[str, object]:
    values = _face_as_dict(result)
    x1, y1, x2, y2 = values["box"]
    row: dict[str, object] = {"face": number, "x1": x1, "y1": y1, "x2": x2, "y2": y2, "error": ""}
    row |= {key: values[key] for key in ("score", "label", "confidence")}
    row |= values["probabilities"]
    return row
