"""Readers of labelled faces. Needed for training and evaluation only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as parquet

from emotion.errors import DatasetError
from emotion.types import Emotion

__all__ = ["FerDataset", "read_parquet"]

VOTE_COLUMNS = 10
"""Neutral, happiness, surprise, sadness, anger, disgust, fear, contempt, unknown, not a face."""


@dataclass(frozen=True, slots=True)
class FerDataset:
    """Faces with their FER-2013 labels and, where known, the FER+ votes.

    Attributes:
        images: (N, 48, 48) uint8, grey.
        labels: (N,) int64, FER-2013 label numbers: the order of :class:`emotion.types.Emotion`.
        votes: (N, 10) uint8, votes of ten people in the order of the FER+ columns; all 0 where unknown.
        duplicated: (N,) bool, whether the same pixels also stand in another split.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    votes: npt.NDArray[np.uint8]
    duplicated: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> FerDataset:
        """The data set of some rows only, given as a mask or as row numbers."""
        return FerDataset(
            self.images[rows], self.labels[rows], self.votes[rows], self.duplicated[rows]
        )


def read_parquet(path: Path) -> FerDataset:
    """Read the parquet layout described in ``docs/data.md``.

    Args:
        path: A file with the columns ``image`` (PNG bytes, 48×48 grey) and ``label`` (0–6), and
            optionally ``votes`` (ten counts or null) and ``duplicated``.

    Raises:
        DatasetError: If the file is missing, not parquet, or one of its rows is not as described;
            names the file and the row.
    """
    if not path.is_file():
        raise DatasetError(f"There must be a parquet file. Received: {path}, which is not a file.")
    try:
        table = parquet.read_table(path)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read as parquet: {error}") from error
    for column in ("image", "label"):
        if column not in table.column_names:
            raise DatasetError(
                f"{path} must have the columns image and label. Received: {table.column_names}"
            )
    count = table.num_rows
    if count == 0:
        raise DatasetError(f"{path} holds no rows; at least one labelled image is needed.")
    images = np.stack(
        [
            _decode(cell["bytes"], path, row)
            for row, cell in enumerate(table.column("image").to_pylist())
        ]
    )
    labels = np.array(table.column("label").to_pylist(), dtype=np.int64)
    wrong = np.flatnonzero((labels < 0) | (labels >= len(Emotion)))
    if len(wrong):
        raise DatasetError(
            f"{path}, row {wrong[0]}: a label must be 0 to {len(Emotion) - 1}. "
            f"Received: {labels[wrong[0]]}"
        )
    votes = np.zeros((count, VOTE_COLUMNS), np.uint8)
    if "votes" in table.column_names:
        for row, cell in enumerate(table.column("votes").to_pylist()):
            if cell is not None:
                if len(cell) != VOTE_COLUMNS:
                    raise DatasetError(
                        f"{path}, row {row}: votes must be {VOTE_COLUMNS} counts. Received: {cell}"
                    )
                votes[row] = cell
    duplicated = np.zeros(count, bool)
    if "duplicated" in table.column_names:
        duplicated = np.array(table.column("duplicated").to_pylist(), dtype=bool)
    return FerDataset(images, labels, votes, duplicated)


def _decode(data: bytes, path: Path, row: int) -> npt.NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    if image is None or image.shape != (48, 48):
        received = "bytes that are no picture" if image is None else f"{image.shape} pixels"
        raise DatasetError(f"{path}, row {row}: an image must be 48×48. Received: {received}")
    return np.asarray(image, np.uint8)
