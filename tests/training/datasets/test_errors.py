"""What is said about data that are not what they must be: which file, which row, and how to fix it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from support.fer_sources import (
    FERPLUS_HEADER,
    make_rows,
    parquet_bytes,
    png,
    write_csv,
    write_ferplus,
    write_folders,
    write_parquet_folder,
)

from emotion.errors import DatasetError
from emotion.training.datasets import read_splits

ROWS = make_rows(7, 7, 0)
FACE = " ".join(["7"] * 2304)


def refused(source: Path | str, ferplus: Path | None = None) -> str:
    with pytest.raises(DatasetError) as caught:
        read_splits(source, ferplus=ferplus)
    return str(caught.value)


def test_a_wrong_path_says_what_is_read(tmp_path: Path) -> None:
    said = refused(tmp_path / "nowhere")
    assert f"{tmp_path / 'nowhere'}, which does not exist" in said
    assert "fer2013.csv" in said
    assert "docs/data.md" in said
    assert "an empty folder" in refused(tmp_path)
    (tmp_path / "archive.zip").write_bytes(b"PK")
    assert "with archive.zip" in refused(tmp_path)
    assert "the file" in refused(tmp_path / "archive.zip")


def test_a_csv_that_breaks_off_names_the_row(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "fer2013.csv", ROWS)
    text = path.read_text()
    path.write_text(text[: text.rindex(",")])  # the end of the last row is lost
    said = refused(path)
    assert "fer2013.csv, row 13 (line 15)" in said
    assert "download it again" in said
    path.write_text(text[: text.rindex(" ") - 3000])  # in the middle of the pixels
    assert "row 13 (line 15)" in refused(path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"3,{' '.join(['7'] * 47 * 48)},Training", "2304 pixels. Received: 2256 (48×47)"),
        (f"3,{' '.join(['7'] * 5)},Training", "Received: 5."),
        (f"3,{FACE[:-1]}256,Training", "whole numbers from 0 to 255"),
        (f"3,{FACE[:-1]}x,Training", "whole numbers from 0 to 255"),
        (f"7,{FACE},Training", "emotion must be 0 to 6 (angry, disgust"),
        (f"happy,{FACE},Training", "Received: 'happy'"),
        (f"3,{FACE},Dev", "Usage must be one of Training, PublicTest, PrivateTest"),
        (f"3,{FACE}", "Received: 2 columns"),
    ],
)
def test_a_wrong_row_of_the_csv_is_named(line: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "fer2013.csv"
    path.write_text(f"emotion,pixels,Usage\n3,{FACE},Training\n{line}\n")
    said = refused(path)
    assert f"{path}, row 1 (line 3): " in said
    assert words in said


def test_empty_lines_are_not_counted_as_rows(tmp_path: Path) -> None:
    path = tmp_path / "fer2013.csv"
    path.write_text(f"emotion,pixels,Usage\n\n3,{FACE},Training\n\n9,{FACE},Training\n")
    assert f"{path}, row 1 (line 5): " in refused(path)
    plus = tmp_path / "fer2013new.csv"
    plus.write_text(f"{FERPLUS_HEADER}\n\nTraining,fer0.png{',1' * 10}\n\nTraining,fer1.png\n")
    assert f"{plus}, row 1 (line 5): " in refused(path, plus)


def test_other_csv_files_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    path.write_text(f"emotion,pixels\n3,{FACE}\n")
    assert "columns emotion,pixels,Usage. Received: ['emotion', 'pixels']" in refused(path)
    path.write_text("emotion,pixels,Usage\n")
    assert "holds no rows" in refused(path)
    path.write_text("")
    assert "Received: []" in refused(path)
    path.write_bytes(b"emotion,pixels,Usage\n\xff\xfe")
    assert "cannot be read as a csv file" in refused(path)
    path.write_text('emotion,pixels,Usage\n3,"' + FACE * 100)
    assert "cannot be read as a csv file" in refused(path)


def test_votes_must_belong_to_the_csv(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "fer2013.csv", ROWS)
    plus = write_ferplus(tmp_path / "fer2013new.csv", ROWS[:-1])
    said = refused(source, plus)
    assert "13 rows for 14" in said
    assert str(plus) in said
    assert str(source) in said
    write_ferplus(plus, ROWS[7:] + ROWS[:7])
    assert "fer2013new.csv, row 0: Usage must be Training" in refused(source, plus)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Usage,name\n", "must begin with the line Usage,Image name,neutral"),
        (
            f"{FERPLUS_HEADER}\nTraining,fer0.png,1,2\n",
            "row 0 (line 2): Usage, an image name and 10",
        ),
        (f"{FERPLUS_HEADER}\nTraining,fer0.png{',1' * 9},x\n", "row 0 (line 2)"),
        (f"{FERPLUS_HEADER}\nTraining,fer0.png{',1' * 9},-1\n", "row 0 (line 2)"),
        (f"{FERPLUS_HEADER}\nTraining,fer0.png{',1' * 11}\n", "row 0 (line 2)"),
    ],
)
def test_a_wrong_file_of_votes_is_named(text: str, words: str, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "fer2013.csv", ROWS)
    plus = tmp_path / "fer2013new.csv"
    assert f"Received: {plus}, which is not a file" in refused(source, plus)
    plus.write_text(text)
    said = refused(source, plus)
    assert str(plus) in said
    assert words in said


def test_votes_are_not_joined_by_numbers_of_kaggle(tmp_path: Path) -> None:
    """``Training_3.png`` is not row 3: that would give it another face's votes."""
    plus = write_ferplus(tmp_path / "fer2013new.csv", ROWS)
    folder = tmp_path / "data" / "train" / "happy"
    folder.mkdir(parents=True)
    (folder / "Training_3.png").write_bytes(png(ROWS[0].image))
    said = refused(tmp_path / "data", plus)
    assert "Training_3.png; must be like fer0000012.png" in said
    assert "use fer2013.csv" in said


def test_an_unknown_class_folder_is_named(tmp_path: Path) -> None:
    write_folders(tmp_path, ROWS)
    (tmp_path / "validation" / "contempt").mkdir()
    said = refused(tmp_path)
    assert str(tmp_path / "validation" / "contempt") in said
    assert "angry, disgust, fear, happy, sad, surprise, neutral" in said


def test_an_empty_split_and_two_spellings_of_one_are_named(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    assert "train must hold a folder of pictures for each class" in refused(tmp_path)
    (tmp_path / "Train").mkdir()
    if len(list(tmp_path.iterdir())) == 2:  # where case makes a difference
        assert "one folder for train. Received: Train and train" in refused(tmp_path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            png(np.zeros((48, 47), np.uint8)),
            "48×48 pixels in colour or 8-bit grey. Received: 47×48",
        ),
        (png(ROWS[0].image.astype(np.uint16) * 257), "Received: 48×48 pixels in 16-bit grey"),
        (b"", "0 bytes that are no whole"),
        (b"hello", "5 bytes that are no whole"),
        (png(ROWS[0].image)[:-900], "no whole PNG, JPEG or BMP"),
        (cv2.imencode(".jpg", ROWS[0].image)[1].tobytes()[:-300], "no whole PNG, JPEG or BMP"),
        (cv2.imencode(".webp", ROWS[0].image)[1].tobytes(), "no whole PNG, JPEG or BMP"),
    ],
    ids=["size", "depth", "empty", "text", "cut png", "cut jpeg", "webp"],
)
def test_a_wrong_picture_is_named(data: bytes, words: str, tmp_path: Path) -> None:
    write_folders(tmp_path, ROWS)
    (tmp_path / "train" / "fear" / "new.png").write_bytes(data)
    said = refused(tmp_path)
    assert said.startswith(f"{tmp_path / 'train' / 'fear' / 'new.png'}: ")
    assert words in said


def test_a_folder_among_pictures_is_named(tmp_path: Path) -> None:
    write_folders(tmp_path, ROWS)
    (tmp_path / "train" / "fear" / "more").mkdir()
    said = refused(tmp_path)
    assert said.startswith(str(tmp_path / "train" / "fear" / "more"))


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("label", None, "row 3: a label must be 0 to 6. Received: None"),
        ("label", 9, "row 3: a label must be 0 to 6. Received: 9"),
        ("votes", [1, 2], "row 3: votes must be 10 counts. Received: [1, 2]"),
        ("votes", [300] + [0] * 9, "row 3: votes must be 10 counts"),
        (
            "image",
            None,
            "row 3: an image must be 48×48 pixels in colour or 8-bit grey. Received: 0 bytes",
        ),
    ],
)
def test_a_wrong_row_of_a_parquet_file_is_named(
    column: str, value: object, words: str, tmp_path: Path
) -> None:
    path = write_parquet_folder(tmp_path, ROWS) / "train.parquet"
    table = parquet.read_table(path).to_pydict()
    table[column][3] = value
    parquet.write_table(pa.table(table), path)
    said = refused(tmp_path)
    assert f"{path}, " in said
    assert words in said


def test_a_parquet_file_that_breaks_off_is_named(tmp_path: Path) -> None:
    path = write_parquet_folder(tmp_path, ROWS) / "validation.parquet"
    path.write_bytes(path.read_bytes()[:-200])
    assert "validation.parquet cannot be read as parquet" in refused(tmp_path)


def test_unknown_classes_of_a_parquet_file_are_named(tmp_path: Path) -> None:
    """Numbers alone would silently mean other expressions."""
    features = {"label": {"names": ["joy", "sad"]}}
    about = {"huggingface": json.dumps({"info": {"features": features}})}
    (tmp_path / "train.parquet").write_bytes(parquet_bytes(ROWS[:2], metadata=about))
    assert "every class must be one of angry" in refused(tmp_path)


def test_names_of_a_parquet_file_must_be_those_of_the_votes(tmp_path: Path) -> None:
    plus = write_ferplus(tmp_path / "fer2013new.csv", ROWS)
    for row in (rows := make_rows(7, 0, 0)):
        row.name = None
    write_parquet_folder(tmp_path / "data", rows)
    said = refused(tmp_path / "data", plus)
    assert "train.parquet: votes are joined by image name" in said
    assert "no name at all" in said
