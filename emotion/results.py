"""What was seen, in the forms that leave the program: plain values, JSON, rows of a table, a sentence.

A face looks the same wherever it goes: from a picture, a video or a webcam, to a file, a program or a
database.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from emotion.images import Picture
from emotion.moments import Moment, TrackedFace
from emotion.types import BoundingBox, Emotion, FaceEmotion

__all__ = [
    "CSV_COLUMNS",
    "DIGITS",
    "MOMENT_COLUMNS",
    "MomentText",
    "PictureRecord",
    "cell",
    "csv_text",
    "face_dict",
    "face_row",
    "is_due",
    "moment_rows",
    "summarise",
    "write_csv",
]

BOX_COLUMNS = ("x1", "y1", "x2", "y2")
ANSWER_COLUMNS = ("score", "label", "confidence", *map(str, Emotion))
LATER_COLUMNS = ("roll", "sure", "second")
"""Added after the first release, and therefore at the end of each table."""

CSV_COLUMNS = (
    *("source", "width", "height", "face", *BOX_COLUMNS, *ANSWER_COLUMNS, "error"),
    *LATER_COLUMNS,
    "note",
)
"""Columns of the table of pictures: pixels of the picture, and probabilities."""

MOMENT_COLUMNS = ("time_s", "frame", "track", *BOX_COLUMNS, *ANSWER_COLUMNS, *LATER_COLUMNS)
"""Columns of the table of a stream: seconds, pixels of the frame, smoothed probabilities."""


DIGITS = {"time_s": 3, "score": 4, "confidence": 4, "roll": 1} | dict.fromkeys(map(str, Emotion), 4)
"""Decimals of the numbers that have any."""


def face_dict(face: FaceEmotion | TrackedFace) -> dict[str, Any]:
    """A face as plain values, ready for JSON.

    Returns:
        ``box`` (x1, y1, x2, y2 in pixels), ``score`` of the detector, ``label``, ``confidence`` (0–1),
        ``probabilities`` by expression, ``roll`` (degrees), ``sure``, and ``second``: the next most
        probable expression. A face of a stream begins with its ``track`` and has smoothed probabilities.
    """
    seen = face.seen if isinstance(face, TrackedFace) else face
    answer = face if isinstance(face, TrackedFace) else face.prediction
    track = {"track": face.track_id} if isinstance(face, TrackedFace) else {}
    return {
        **track,
        "box": _corners(seen.face.box),
        "score": round(seen.face.score, 4),
        "label": str(answer.label),
        "confidence": round(answer.confidence, 4),
        "probabilities": {str(e): round(p, 4) for e, p in seen.prediction.as_dict().items()},
        "roll": round(seen.roll, 1),
        "sure": answer.sure,
        "second": str(answer.second),
    }


def face_row(face: FaceEmotion | TrackedFace) -> dict[str, Any]:
    """A face as cells of a table, by the names of its columns."""
    values = face_dict(face)
    row: dict[str, Any] = dict(zip(BOX_COLUMNS, values["box"], strict=True))
    row |= {name: values[name] for name in ("score", "label", "confidence", *LATER_COLUMNS)}
    row |= values["probabilities"]
    return row | {"sure": int(values["sure"])}


@dataclass(frozen=True, slots=True)
class PictureRecord:
    """One picture and what was read in it; or why it could not be read.

    Attributes:
        source: Name of the picture, as the user knows it.
        width, height: Its size in pixels; None if it could not be read.
        faces: The result of the pipeline.
        error: Why there is no result, or None.
        note: What people should know about the file, such as that it is cut short; or None.
    """

    source: str
    width: int | None = None
    height: int | None = None
    faces: tuple[FaceEmotion, ...] = ()
    error: str | None = None
    note: str | None = None

    @classmethod
    def of(cls, source: str, picture: Picture, faces: Sequence[FaceEmotion]) -> PictureRecord:
        """The record of a picture that was read.

        Args:
            source: Its name.
            picture: As it was read.
            faces: In pixels of ``picture.image``; the record has them in pixels of the file.
        """
        found = tuple(picture.in_file_pixels(faces))
        return cls(source, picture.width, picture.height, found, note=picture.note)

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
            "faces": [face_dict(face) for face in self.faces],
            "error": self.error,
            "note": self.note,
        }

    def to_json(self, *, only_ascii: bool = False) -> str:
        """The record as one line of JSON; with escapes where it goes to what cannot hold every letter."""
        return json.dumps(self.as_dict(), ensure_ascii=only_ascii)

    def rows(self) -> list[dict[str, object]]:
        """A row for each face, by :data:`CSV_COLUMNS`; a picture without one keeps a row of its own.

        Values are plain: what is not known is None or missing.
        """
        about: dict[str, object] = {
            "source": self.source,
            "width": self.width,
            "height": self.height,
            "error": self.error,
            "note": self.note,
        }
        if not self.faces:
            return [about]
        return [about | {"face": n} | face_row(face) for n, face in enumerate(self.faces, start=1)]

    def csv_rows(self) -> list[dict[str, object]]:
        """The same rows for a CSV file: see :func:`cell`."""
        text = ("source", "error", "note")
        return [row | {name: cell(name, row[name]) for name in text} for row in self.rows()]


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


def cell(column: str, value: object) -> object:
    """What stands in a cell of a table: a number with the digits of its column, nothing for None.

    Text never begins as a formula of a spreadsheet does; the name of an upload may be hostile.
    """
    if value is None:
        return ""
    if column in DIGITS and isinstance(value, int | float):
        return f"{value:.{DIGITS[column]}f}"
    risky = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{value}" if risky else value


def _corners(box: BoundingBox) -> list[int]:
    return [box.x1, box.y1, box.x2, box.y2]


def is_due(last_s: float | None, time_s: float, every_s: float) -> bool:
    """Whether a moment is kept by who keeps one every ``every_s`` seconds.

    Args:
        last_s: Time of the moment that was kept last, or None.
        time_s: Time of this one, in seconds.
        every_s: 0 keeps all.
    """
    # A hundredth of slack: frames at 10.0 a second must not be thinned to 5.
    return last_s is None or time_s - last_s >= every_s - 0.01


def moment_rows(moment: Moment) -> Iterator[tuple[object, ...]]:
    """Rows under :data:`MOMENT_COLUMNS`: one for each face, or one with empty cells if there is none."""
    start: dict[str, object] = {"time_s": moment.time_s, "frame": moment.frame}
    for face in moment.faces or (None,):
        seen = {} if face is None else {"track": face.track_id} | face_row(face)
        row = start | seen
        yield tuple(cell(name, row.get(name)) for name in MOMENT_COLUMNS)


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV text."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


@dataclass(frozen=True, slots=True)
class MomentText:
    """A moment as it will be saved. Text takes a fifth of the memory of the objects, and no time to save."""

    time_s: float
    rows: int
    csv: str
    json: str

    @classmethod
    def of(cls, moment: Moment) -> MomentText:
        """The text of a moment."""
        rows = list(moment_rows(moment))
        values = {
            "time_s": round(moment.time_s, 3),
            "frame": moment.frame,
            "faces": [face_dict(face) for face in moment.faces],
        }
        return cls(moment.time_s, len(rows), csv_text(rows), json.dumps(values))
