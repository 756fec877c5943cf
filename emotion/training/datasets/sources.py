"""One way in to labelled faces, whatever their layout."""

from __future__ import annotations

from pathlib import Path

from emotion.errors import DatasetError
from emotion.training.datasets.faces import FerDataset, FerSplits, mark_duplicates
from emotion.training.datasets.ferplus_csv import read_ferplus
from emotion.training.datasets.hub_files import DATASET_SCHEME, fetch_parquet_files
from emotion.training.datasets.image_folders import has_image_folders, read_image_folders
from emotion.training.datasets.kaggle_csv import read_kaggle_csv
from emotion.training.datasets.parquet_files import has_parquet_files, read_parquet_files
from emotion.weights.hub import SCHEME

__all__ = ["read_split", "read_splits"]


def read_splits(source: str | Path, *, ferplus: Path | None = None) -> FerSplits:
    """Read all splits that a source holds. Its layout is recognised; ``docs/data.md`` describes each.

    The test split, where it is there, serves to find the faces that it shares with the others.

    Args:
        source: Kaggle's ``fer2013.csv``; a folder of parquet files; a folder with ``train/`` and so on,
            each with a folder of pictures for each class; or ``hf://datasets/owner/name[@revision]``.
        ferplus: ``fer2013new.csv`` with the votes of FER+. Joined row by row to a csv file, by image name
            to anything else.

    Raises:
        DatasetError: If there is nothing to read, or something is not as described; names the file and
            row, and what to do.
    """
    name = str(source)
    votes = None if ferplus is None else read_ferplus(ferplus)
    if name.startswith(SCHEME):
        if not name.startswith(DATASET_SCHEME):
            raise DatasetError(
                f"A data set on a hub is written {DATASET_SCHEME}owner/name. Received: {name!r}"
            )
        parts = read_parquet_files(fetch_parquet_files(name), ferplus=votes)
        return mark_duplicates(name, parts)
    path = Path(source)
    if path.is_file() and path.suffix.lower() == ".csv":
        return mark_duplicates(name, read_kaggle_csv(path, ferplus=votes))
    if path.is_dir() and has_parquet_files(path):
        return mark_duplicates(name, read_parquet_files(path, ferplus=votes))
    if path.is_dir() and has_image_folders(path):
        return mark_duplicates(name, read_image_folders(path, ferplus=votes))
    raise DatasetError(
        "The data must be Kaggle's fer2013.csv, a folder with train.parquet and validation.parquet, a folder "
        f"with train/ and test/ of pictures by class, or {DATASET_SCHEME}owner/name. "
        f"Received: {_what_is_there(path)}. docs/data.md says how to get them."
    )


def read_split(source: str | Path, split: str, *, ferplus: Path | None = None) -> FerDataset:
    """Read one split: ``train``, ``validation`` or ``test``. As :func:`read_splits` otherwise.

    The test split is for the last figure only: nothing may be chosen with it.
    """
    return read_splits(source, ferplus=ferplus)[split]


def _what_is_there(path: Path) -> str:
    if path.is_file():
        return f"the file {path}"
    if not path.is_dir():
        return f"{path}, which does not exist"
    inside = sorted(entry.name for entry in path.iterdir())
    if not inside:
        return f"{path}, an empty folder"
    return f"{path} with {', '.join(inside[:5])}{' and so on' if len(inside) > 5 else ''}"
