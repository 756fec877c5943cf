"""Small labelled data sets that tests make for themselves: patterns instead of faces, in the real layout."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from emotion.training.datasets import FerDataset

CLASSES = 7


def pattern(label: int, rng: np.random.Generator) -> np.ndarray:
    """A noisy 48×48 picture whose stripes turn with the label: something a network can learn."""
    y, x = np.mgrid[0:48, 0:48] / 48.0
    angle = np.pi * label / CLASSES
    stripes = np.sin(2 * np.pi * 4 * (x * np.cos(angle) + y * np.sin(angle)) + rng.uniform(0, 6))
    picture = 128 + 60 * stripes + rng.normal(0, 20, (48, 48))
    return np.clip(picture, 0, 255).astype(np.uint8)


# FER+ column of each FER-2013 label: angry, disgust, fear, happy, sad, surprise, neutral.
COLUMNS = np.array([4, 5, 6, 1, 3, 2, 0])


def voted_faces(count: int, *, seed: int = 0, votes: bool = True) -> FerDataset:
    """``count`` patterns, labels in turn; nine voters agree, one does not know; every tenth a duplicate."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    counts = np.zeros((count, 10), np.uint8)
    if votes:
        counts[np.arange(count), COLUMNS[labels]] = 9
        counts[:, 8] = 1
    images = np.stack([pattern(int(label), rng) for label in labels])
    return FerDataset(images, labels, counts, np.arange(count) % 10 == 9)


def write_parquet(path: Path, count: int, *, seed: int = 0, votes: bool = True) -> Path:
    """Write :func:`voted_faces` in the layout of docs/data.md; the first face has no votes."""
    faces = voted_faces(count, seed=seed, votes=votes)
    cells = [cv2.imencode(".png", image)[1].tobytes() for image in faces.images]
    table = {
        "image": [{"bytes": cell, "path": None} for cell in cells],
        "label": pa.array(faces.labels, pa.int8()),
        "duplicated": faces.duplicated,
    }
    if votes:
        rows = [None if index == 0 else row.tolist() for index, row in enumerate(faces.votes)]
        table["votes"] = pa.array(rows, pa.list_(pa.uint8()))
    parquet.write_table(pa.table(table), path)
    return path
