"""Parquet files in the layout of a Hugging Face image data set, one or several for each split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as parquet

from emotion.errors import DatasetError
from emotion.training.datasets.faces import (
    FerDataset,
    Part,
    Split,
    class_number,
    decode_face,
)
from emotion.training.datasets.ferplus import VOTE_COLUMNS
from emotion.training.datasets.ferplus_csv import FerPlus, read_ferplus
from emotion.types import Emotion

__all__ = ["has_parquet_files", "read_parquet", "read_parquet_files"]


def has_parquet_files(source: Path) -> bool:
    """Whether a folder holds the parquet files of at least one split."""
    return any(_files(source, split) for split in Split)


def read_parquet_files(source: Path, *, ferplus: FerPlus | None = None) -> dict[Split, Part]:
    """Read ``train.parquet``, ``validation.parquet`` and ``test.parquet``, those that are there.

    Args:
        source: Their folder. Names that the Hub gives (``data/train-00000-of-00001.parquet``) are read too.
        ferplus: Votes, joined by image name; they take the place of the column ``votes``.

    Raises:
        DatasetError: If a row is not as described; names the file and the row.
    """
    found = {split: _files(source, split) for split in Split}
    return {
        split: _join([_read(file, ferplus) for file in files])
        for split, files in found.items()
        if files
    }


def read_parquet(path: Path, *, ferplus: Path | None = None) -> FerDataset:
    """Read one file in the layout described in ``docs/data.md``.

    Args:
        path: A file with the columns ``image`` (a picture of 48×48 pixels as PNG, JPEG or BMP bytes: in a
            struct of ``bytes`` and ``path``, or plain) and ``label`` (0–6), and optionally ``votes`` (ten
            counts or null) and ``duplicated``.
        ferplus: ``fer2013new.csv``, joined by image name in place of the column ``votes``. Plain bytes
            have no name.

    Raises:
        DatasetError: If the file is missing, not parquet, or one of its rows is not as described;
            names the file and the row.
    """
    return _read(path, None if ferplus is None else read_ferplus(ferplus)).faces


def _files(source: Path, split: Split) -> list[Path]:
    plain = source / f"{split}.parquet"
    if plain.is_file():
        return [plain]
    pattern = f"{split}-*-of-*.parquet"
    return sorted(source.glob(pattern)) or sorted((source / "data").glob(pattern))


def _join(parts: list[Part]) -> Part:
    faces = [part.faces for part in parts]
    joined = FerDataset(
        np.concatenate([f.images for f in faces]),
        np.concatenate([f.labels for f in faces]),
        np.concatenate([f.votes for f in faces]),
        np.concatenate([f.duplicated for f in faces]),
    )
    return Part(joined, marked=all(part.marked for part in parts))


def _read(path: Path, ferplus: FerPlus | None) -> Part:
    if not path.is_file():
        raise DatasetError(f"There must be a parquet file. Received: {path}, which is not a file.")
    try:
        table = parquet.read_table(path)
        columns: dict[str, list[Any]] = {
            name: table.column(name).to_pylist()
            for name in ("image", "label", "votes", "duplicated")
            if name in table.column_names
        }
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DatasetError(
            f"{path} cannot be read as parquet: {error}. Fetch it again; it may be cut off."
        ) from error
    for column in ("image", "label"):
        if column not in table.column_names:
            raise DatasetError(
                f"{path} must have the columns image and label. Received: {table.column_names}"
            )
    if table.num_rows == 0:
        raise DatasetError(f"{path} holds no rows; at least one labelled image is needed.")
    cells = [_picture(cell) for cell in columns["image"]]
    images = [
        decode_face(cell.get("bytes"), f"{path}, row {row}") for row, cell in enumerate(cells)
    ]
    labels = _labels(columns["label"], _label_names(table.schema.metadata, path), path)
    if ferplus is not None:
        votes = ferplus.by_name([cell.get("path") for cell in cells], str(path))
    else:
        votes = _votes(columns.get("votes", [None] * len(cells)), path)
    marked = "duplicated" in columns
    duplicated = np.array(columns.get("duplicated", [False] * len(cells)), dtype=bool)
    return Part(FerDataset(np.stack(images), labels, votes, duplicated), marked)


def _picture(cell: object) -> dict[str, Any]:
    """The ``bytes`` and ``path`` of a picture, as far as its cell has them."""
    if isinstance(cell, dict):
        return cell
    return {"bytes": cell} if isinstance(cell, bytes) else {}


def _label_names(metadata: dict[bytes, bytes] | None, path: Path) -> tuple[int, ...]:
    """Our label for each label of the file: its own order if it names one, else FER-2013's."""
    try:
        about = json.loads((metadata or {}).get(b"huggingface", b"{}"))
        names = about.get("info", {}).get("features", {}).get("label", {}).get("names")
    except (ValueError, AttributeError) as error:
        raise DatasetError(
            f"{path}: what it says about its columns (metadata `huggingface`) cannot be read: {error}."
        ) from error
    if not names:
        return tuple(range(len(Emotion)))
    try:
        return tuple(class_number(name) for name in names)
    except KeyError as error:
        raise DatasetError(
            f"{path}: every class must be one of {', '.join(Emotion)}. Received: {error}. "
            "Rename or leave out the others before reading them here."
        ) from error


def _labels(cells: list[Any], order: tuple[int, ...], path: Path) -> npt.NDArray[np.int64]:
    for row, cell in enumerate(cells):
        if not isinstance(cell, int) or not 0 <= cell < len(order):
            raise DatasetError(
                f"{path}, row {row}: a label must be 0 to {len(order) - 1}. Received: {cell!r}"
            )
    return np.array([order[cell] for cell in cells], np.int64)


def _votes(cells: list[Any], path: Path) -> npt.NDArray[np.uint8]:
    votes = np.zeros((len(cells), VOTE_COLUMNS), np.uint8)
    for row, cell in enumerate(cells):
        if cell is None:
            continue
        try:
            counts = bytes(cell)
        except (TypeError, ValueError):
            counts = b""
        if len(counts) != VOTE_COLUMNS:
            raise DatasetError(
                f"{path}, row {row}: votes must be {VOTE_COLUMNS} counts. Received: {cell}"
            )
        votes[row] = list(counts)
    return votes
