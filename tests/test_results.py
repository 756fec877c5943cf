"""JSON, CSV and the sentence: the exact shapes that other programs rely on."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from emotion.images import Picture
from emotion.results import CSV_COLUMNS, PictureRecord, summarise, write_csv
from emotion.types import BoundingBox, Emotion, Face, FaceEmotion, Prediction


def result(label: Emotion, box: tuple[int, int, int, int] = (10, 20, 110, 130)) -> FaceEmotion:
    probabilities = {emotion: 0.7 if emotion == label else 0.05 for emotion in Emotion}
    return FaceEmotion(Face(BoundingBox(*box), 0.87654321), Prediction.from_mapping(probabilities))


def record(*labels: Emotion, source: str = "party.jpg") -> PictureRecord:
    picture = Picture(np.zeros((480, 640, 3), np.uint8), 640, 480)
    return PictureRecord.of(source, picture, [result(x) for x in labels])


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_json_has_exactly_the_agreed_keys() -> None:
    data = json.loads(record(Emotion.HAPPY).to_json())
    assert list(data) == ["source", "width", "height", "faces", "error", "note"]
    assert (data["source"], data["width"], data["height"]) == ("party.jpg", 640, 480)
    assert data["error"] is None
    (face,) = data["faces"]
    assert list(face) == [
        *("box", "score", "label", "confidence", "probabilities", "roll", "sure", "second")
    ]
    assert face["box"] == [10, 20, 110, 130]
    assert face["score"] == 0.8765
    assert face["label"] == "happy"
    assert face["confidence"] == 0.7
    assert list(face["probabilities"]) == [str(emotion) for emotion in Emotion]
    assert sum(face["probabilities"].values()) == pytest.approx(1)


def test_json_is_one_line_and_keeps_names_readable() -> None:
    text = record(Emotion.SAD, source='fête "2"\n.jpg').to_json()
    assert "\n" not in text
    assert "fête" in text
    assert json.loads(text)["source"] == 'fête "2"\n.jpg'


def test_json_of_a_picture_that_could_not_be_read() -> None:
    assert PictureRecord.failed("a.jpg", "It is damaged.").as_dict() == {
        "source": "a.jpg",
        "width": None,
        "height": None,
        "faces": [],
        "error": "It is damaged.",
        "note": None,
    }


def test_csv_gives_back_what_was_written() -> None:
    name = 'one, "two"\nthree.jpg'
    written = record(Emotion.HAPPY, Emotion.NEUTRAL, source=name)
    text = write_csv([written])
    assert text.splitlines()[0] == ",".join(CSV_COLUMNS)
    rows = rows_of(text)
    assert [row["face"] for row in rows] == ["1", "2"]
    for row, face in zip(rows, written.as_dict()["faces"], strict=True):
        assert row["source"] == name
        assert [int(row[key]) for key in ("width", "height")] == [640, 480]
        assert [int(row[key]) for key in ("x1", "y1", "x2", "y2")] == face["box"]
        assert float(row["score"]) == face["score"]
        assert row["label"] == face["label"]
        assert float(row["confidence"]) == face["confidence"]
        assert {str(e): float(row[e]) for e in Emotion} == face["probabilities"]
        assert row["error"] == ""


def test_csv_keeps_a_row_for_pictures_without_a_face_and_for_failed_ones() -> None:
    text = write_csv([record(), PictureRecord.failed("b.jpg", "It is empty.")])
    without, failed = rows_of(text)
    assert (without["source"], without["width"], without["face"], without["error"]) == (
        "party.jpg",
        "640",
        "",
        "",
    )
    assert (failed["source"], failed["width"], failed["face"], failed["error"]) == (
        "b.jpg",
        "",
        "",
        "It is empty.",
    )


@pytest.mark.parametrize("start", "=+-@\t")
def test_a_name_cannot_become_a_formula_in_a_spreadsheet(start: str) -> None:
    """Spreadsheets run cells that begin like this; the name of an uploaded file may be hostile."""
    (row,) = rows_of(write_csv([record(source=f"{start}HYPERLINK(1).jpg")]))
    assert row["source"] == f"'{start}HYPERLINK(1).jpg"
    (row,) = rows_of(write_csv([PictureRecord.failed("a", f"{start}HYPERLINK(1) is empty")]))
    assert row["error"] == f"'{start}HYPERLINK(1) is empty"


def test_sentences() -> None:
    happy, neutral, sad = (result(e) for e in (Emotion.HAPPY, Emotion.NEUTRAL, Emotion.SAD))
    assert summarise([happy]) == "1 face: 1 happy"
    assert summarise([neutral, happy, happy]) == "3 faces: 2 happy, 1 neutral"
    assert summarise([sad, neutral]) == "2 faces: 1 sad, 1 neutral"


def test_the_sentence_without_a_face_says_what_to_try() -> None:
    sentence = summarise([])
    assert sentence.startswith("No face found.")
    for hint in ("other detector", "minimum score", "larger, upright faces"):
        assert hint in sentence
