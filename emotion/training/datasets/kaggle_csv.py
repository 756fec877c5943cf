"""Kaggle's ``fer2013.csv``: one face a line, with the columns ``emotion``, ``pixels`` and ``Usage``.

``icml_face_data.csv`` of the same competition is read too: its columns only have another order.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from emotion.errors import DatasetError
from emotion.training.datasets.faces import FACE_SIZE, FerDataset, Part, Split
from emotion.training.datasets.ferplus import VOTE_COLUMNS
from emotion.training.datasets.ferplus_csv import FerPlus
from emotion.types import Emotion

__all__ = ["USAGES", "read_kaggle_csv"]

USAGES = {
    "Training": Split.TRAIN,
    "PublicTest": Split.VALIDATION,
    "PrivateTest": Split.TEST,
}
"""FER-2013's own names of the splits. PublicTest was the public leaderboard: validation."""

PIXELS = FACE_SIZE * FACE_SIZE


def read_kaggle_csv(path: Path, *, ferplus: FerPlus | None = None) -> dict[Split, Part]:
    """Read all splits of the file.

    Args:
        path: The csv file.
        ferplus: Votes, joined row by row.

    Raises:
        DatasetError: If a row is not as described; names the file and the row.
    """
    pixels, labels, usages = [], [], []
    try:
        for face, label, usage in _rows(path):
            pixels.append(face)
            labels.append(label)
            usages.append(usage)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(
            f"{path} cannot be read as a csv file: {error}. Download it again."
        ) from error
    if not labels:
        raise DatasetError(f"{path} holds no rows; at least one labelled face is needed.")
    images = np.frombuffer(b"".join(pixels), np.uint8).reshape(-1, FACE_SIZE, FACE_SIZE)
    votes = np.zeros((len(labels), VOTE_COLUMNS), np.uint8)
    if ferplus is not None:
        votes = ferplus.by_row(path, usages)
    faces = FerDataset(images, np.array(labels, np.int64), votes, np.zeros(len(labels), bool))
    used = np.array(usages)
    return {
        split: Part(faces.select(used == usage)) for usage, split in USAGES.items() if usage in used
    }


def _rows(path: Path) -> Iterator[tuple[bytes, int, str]]:
    """Pixels, label and usage of each row, checked. An empty line is no row."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        rows = filter(None, reader)
        header = [cell.strip() for cell in next(rows, [])]
        if sorted(header) != ["Usage", "emotion", "pixels"]:
            raise DatasetError(
                f"{path} must have the columns emotion,pixels,Usage. Received: {header}. "
                "Kaggle's train.csv and test.csv lack the splits: take fer2013.csv or icml_face_data.csv."
            )
        columns = [header.index(name) for name in ("emotion", "pixels", "Usage")]
        for row, cells in enumerate(rows):
            where = f"{path}, row {row} (line {reader.line_num})"
            if len(cells) != len(header):
                raise DatasetError(
                    f"{where}: emotion, pixels and Usage are needed. Received: {len(cells)} columns. "
                    "The file is cut off or damaged: download it again."
                )
            label, pixels, usage = (cells[column].strip() for column in columns)
            yield _pixels(pixels, where), _label(label, where), _usage(usage, where)


def _pixels(text: str, where: str) -> bytes:
    try:
        pixels = bytes(map(int, text.split()))
    except ValueError as error:
        raise DatasetError(
            f"{where}: pixels must be whole numbers from 0 to 255 ({error}). "
            "The file is damaged: download it again."
        ) from error
    if len(pixels) != PIXELS:
        size = f" ({FACE_SIZE}×{len(pixels) // FACE_SIZE})" if len(pixels) % FACE_SIZE == 0 else ""
        raise DatasetError(
            f"{where}: a face must have {FACE_SIZE}×{FACE_SIZE} = {PIXELS} pixels. "
            f"Received: {len(pixels)}{size}. Fix the row, leave it out, or download the file again."
        )
    return pixels


def _label(text: str, where: str) -> int:
    if text not in {str(number) for number in range(len(Emotion))}:
        raise DatasetError(
            f"{where}: emotion must be 0 to {len(Emotion) - 1} ({', '.join(Emotion)}). "
            f"Received: {text!r}"
        )
    return int(text)


def _usage(text: str, where: str) -> str:
    if text not in USAGES:
        raise DatasetError(f"{where}: Usage must be one of {', '.join(USAGES)}. Received: {text!r}")
    return text
