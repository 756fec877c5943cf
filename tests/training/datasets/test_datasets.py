"""Reading labelled faces, and what is said about files that are not what they must be."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from support.labelled_faces import write_parquet

from emotion.errors import DatasetError
from emotion.training.datasets import read_parquet


def test_reads_images_labels_votes_and_duplicates(tmp_path: Path) -> None:
    data = read_parquet(write_parquet(tmp_path / "faces.parquet", 20))
    assert data.images.shape == (20, 48, 48)
    assert data.images.dtype == np.uint8
    assert data.labels.tolist()[:8] == [0, 1, 2, 3, 4, 5, 6, 0]
    assert data.votes[0].sum() == 0  # null in the file
    assert data.votes[3].tolist() == [0, 9, 0, 0, 0, 0, 0, 0, 1, 0]
    assert np.flatnonzero(data.duplicated).tolist() == [9, 19]
    assert len(data.select(~data.duplicated)) == 18


def test_votes_are_optional(tmp_path: Path) -> None:
    data = read_parquet(write_parquet(tmp_path / "faces.parquet", 5, votes=False))
    assert data.votes.sum() == 0


def test_pictures_may_be_plain_bytes(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "faces.parquet", 9)
    expected = read_parquet(path)
    table = parquet.read_table(path)
    plain = pa.array([cell["bytes"] for cell in table.column("image").to_pylist()], pa.binary())
    parquet.write_table(table.set_column(0, "image", plain), path)
    found = read_parquet(path)
    assert np.array_equal(found.images, expected.images)
    assert np.array_equal(found.votes, expected.votes)
    parquet.write_table(table.set_column(0, "image", pa.array([b"hello"] * 9)), path)
    with pytest.raises(DatasetError, match=r"faces\.parquet, row 0: .* 5 bytes that are no whole"):
        read_parquet(path)


def write_rows(path: Path, picture: np.ndarray, label: int) -> Path:
    cell = {"bytes": cv2.imencode(".png", picture)[1].tobytes(), "path": None}
    table = pa.table({"image": [cell, cell], "label": pa.array([0, label], pa.int8())})
    parquet.write_table(table, path)
    return path


def test_a_face_of_the_wrong_size_names_file_and_row(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "odd.parquet", np.zeros((48, 47), np.uint8), 3)
    with pytest.raises(DatasetError, match=r"odd\.parquet, row 0.*48×48.*47×48"):
        read_parquet(path)


def test_an_unknown_label_names_file_and_row(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "odd.parquet", np.zeros((48, 48), np.uint8), 7)
    with pytest.raises(DatasetError, match=r"odd\.parquet, row 1.*0 to 6.*Received: 7"):
        read_parquet(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"nowhere\.parquet"):
        read_parquet(tmp_path / "nowhere.parquet")


def test_a_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    path = tmp_path / "text.parquet"
    path.write_text("hello")
    with pytest.raises(DatasetError, match=r"text\.parquet cannot be read as parquet"):
        read_parquet(path)


def test_missing_columns_are_named(tmp_path: Path) -> None:
    path = tmp_path / "columns.parquet"
    parquet.write_table(pa.table({"picture": [1]}), path)
    with pytest.raises(DatasetError, match=r"image and label.*picture"):
        read_parquet(path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.parquet"
    parquet.write_table(pa.table({"image": pa.array([]), "label": pa.array([])}), path)
    with pytest.raises(DatasetError, match="no rows"):
        read_parquet(path)
