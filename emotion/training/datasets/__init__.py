"""Readers of labelled faces, and what they give. Needed for training and evaluation only."""

from emotion.training.datasets.faces import FerDataset, FerSplits, Split, pixel_keys
from emotion.training.datasets.parquet_files import read_parquet
from emotion.training.datasets.sources import read_split, read_splits

__all__ = [
    "FerDataset",
    "FerSplits",
    "Split",
    "pixel_keys",
    "read_parquet",
    "read_split",
    "read_splits",
]
