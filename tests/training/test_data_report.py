"""The report on labelled faces, and the grid of samples."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.fer_sources import Row, make_rows, write_csv, write_ferplus
from support.places import ROOT

from emotion.errors import DatasetError
from emotion.training.data_report import describe_splits, draw_samples
from emotion.training.datasets import read_splits


@pytest.fixture
def rows() -> list[Row]:
    """Train 0 = train 7 (same label) = validation 0 (another one); train 1 = test 1 (same label)."""
    rows = make_rows()
    rows[7].image = rows[21].image = rows[0].image
    rows[21].label = 3
    rows[29].image = rows[1].image
    return rows


def test_classes_copies_and_contradictions_are_counted(rows: list[Row], tmp_path: Path) -> None:
    plus = write_ferplus(tmp_path / "fer2013new.csv", rows)
    source = write_csv(tmp_path / "fer2013.csv", rows)
    text = describe_splits(read_splits(source, ferplus=plus))
    lines = {" ".join(line.split()) for line in text.splitlines()}
    assert {
        str(source),
        "train validation test",
        "angry 4 19.0% 0 0.0% 1 14.3%",  # row 5 became angry, row 21 happy
        "happy 3 14.3% 2 28.6% 1 14.3%",
        "surprise 2 9.5% 1 14.3% 1 14.3%",
        "all 21 7 7",
        "with FER+ votes 20 7 7",
        "in other splits 3 1 1",
        "within train: 1 faces repeat another one",
        "within validation: 0 faces repeat another one",
        "train and validation share 1 pictures: 2 faces of train, 1 of validation",
        "train and test share 1 pictures: 1 faces of train, 1 of test",
        "validation and test share 0 pictures: 0 faces of validation, 0 of test",
        "Copies with different labels: 1 pictures, stored as 3 faces",
        "angry/happy 1",
    } <= lines, text


def test_the_grid_shows_faces_of_each_class(tmp_path: Path) -> None:
    rows = make_rows()
    for row in rows:
        row.image[:] = 30 * row.label + 10  # a shade for each class
    train = read_splits(write_csv(tmp_path / "fer2013.csv", rows))["train"]
    path = tmp_path / "new" / "grid.png"
    draw_samples(train, path, columns=4)
    grid = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert grid.shape == (7 * 96, 150 + 4 * 96)
    shades = grid[48::96, 150 + 48 :: 96]
    present = np.bincount(train.labels)
    for label, line in enumerate(shades):
        shown = min(present[label], 4)
        assert line.tolist() == [30 * label + 10] * shown + [255] * (4 - shown)
    assert all(grid[line * 96 : (line + 1) * 96, :150].min() < 100 for line in range(7))  # names


def test_the_grid_is_a_png_that_can_be_written(tmp_path: Path) -> None:
    train = read_splits(write_csv(tmp_path / "fer2013.csv", make_rows()))["train"]
    with pytest.raises(DatasetError, match=r"as \.png. Received: .*grid\.jpg"):
        draw_samples(train, tmp_path / "grid.jpg")
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match=r"cannot be written to .*grid\.png"):
        draw_samples(train, tmp_path / "file" / "grid.png")


def train(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("tensorflow", reason="TensorFlow is needed for training only")
    return subprocess.run(
        [sys.executable, str(ROOT / "train.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
    )


def test_train_describes_its_data(rows: list[Row], tmp_path: Path) -> None:
    source = write_csv(tmp_path / "fer2013.csv", rows)
    plus = write_ferplus(tmp_path / "fer2013new.csv", rows)
    grid = tmp_path / "grid.png"
    result = train("--data", source, "--ferplus", plus, "--describe", grid)
    assert result.returncode == 0, result.stderr
    assert "train and validation share 1 pictures" in result.stdout
    assert grid.is_file()
    assert not list(tmp_path.rglob("*.npz"))  # nothing was trained


def test_train_explains_data_that_cannot_be_read(tmp_path: Path) -> None:
    result = train("--data", tmp_path / "nowhere", "--describe")
    assert result.returncode == 1
    assert "nowhere, which does not exist" in result.stderr
    assert "Traceback" not in result.stderr
