"""What labelled faces look like before anything is trained: counts, copies, contradictions, samples.

``train.py --describe`` prints the report. The grid shows people's faces: keep it to yourself, as the data.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from emotion.errors import DatasetError
from emotion.training.datasets import FerDataset, FerSplits, Split, pixel_keys
from emotion.types import Emotion

__all__ = ["describe_splits", "draw_samples"]

LABEL_WIDTH = 150
"""Room for the name of a class, in pixels of the grid."""

ENLARGEMENT = 2

Copies = dict[bytes, list[tuple[Split, int]]]
"""Split and label of each face, by its pixels."""


def describe_splits(splits: FerSplits) -> str:
    """Faces of each class in each split, exact copies, and copies whose labels contradict each other."""
    copies: Copies = defaultdict(list)
    for split, faces in splits:
        for key, label in zip(pixel_keys(faces), faces.labels.tolist(), strict=True):
            copies[key].append((split, label))
    lines = [splits.source, "", *_counts(splits), "", *_twins(splits, copies), ""]
    return "\n".join(lines + _contradictions(copies))


def draw_samples(faces: FerDataset, path: Path, *, columns: int = 12, seed: int = 0) -> None:
    """Write a grid of faces as PNG: one line for each class, picked at random.

    Raises:
        DatasetError: If ``path`` is not a PNG file that can be written.
    """
    if path.suffix.lower() != ".png":
        raise DatasetError(f"The grid of faces is written as .png. Received: {path}")
    generator = np.random.default_rng(seed)
    lines = []
    for number, emotion in enumerate(Emotion):
        rows = np.flatnonzero(faces.labels == number)
        chosen = np.sort(generator.permutation(rows)[:columns])
        pictures = [*faces.images[chosen], *[_blank()] * (columns - len(chosen))]
        size = (columns * 48 * ENLARGEMENT, 48 * ENLARGEMENT)
        strip = cv2.resize(np.hstack(pictures), size, interpolation=cv2.INTER_NEAREST)
        lines.append(np.hstack([_title(emotion, len(rows)), strip]))
    _, data = cv2.imencode(".png", np.vstack(lines))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise DatasetError(f"The grid of faces cannot be written to {path}: {error}") from error


def _blank() -> npt.NDArray[np.uint8]:
    return np.full((48, 48), 255, np.uint8)


def _title(emotion: Emotion, count: int) -> npt.NDArray[np.uint8]:
    """The name of a class and its number of faces, as the beginning of its line."""
    title = np.full((48 * ENLARGEMENT, LABEL_WIDTH), 255, np.uint8)
    for text, height in ((str(emotion), 42), (f"{count:,}", 70)):
        cv2.putText(title, text, (12, height), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 0, 1, cv2.LINE_AA)
    return title


def _counts(splits: FerSplits) -> list[str]:
    """The table of classes, one column for each split."""
    table = [("", [str(split) for split, _ in splits])]
    for number, emotion in enumerate(Emotion):
        cells = []
        for _, faces in splits:
            count = int((faces.labels == number).sum())
            cells.append(f"{count:,} {count / len(faces):6.1%}")
        table.append((emotion, cells))
    for title, counts in (
        ("all", [len(faces) for _, faces in splits]),
        ("with FER+ votes", [int(faces.votes.any(axis=1).sum()) for _, faces in splits]),
        ("in other splits", [int(faces.duplicated.sum()) for _, faces in splits]),
    ):
        table.append((title, [f"{count:,}       " for count in counts]))
    return [
        f"{title:17}" + "".join(f"{cell:>18}" for cell in cells).rstrip() for title, cells in table
    ]


def _twins(splits: FerSplits, copies: Copies) -> list[str]:
    """How many faces are exact copies, within a split and across splits."""
    lines = ["Exact copies (the same pixels)"]
    for split, _ in splits:
        repeated = [sum(s == split for s, _ in places) for places in copies.values()]
        extra = sum(count - 1 for count in repeated if count)
        lines.append(f"  within {split}: {extra:,} faces repeat another one")
    for one, two in combinations([split for split, _ in splits], 2):
        shared = [
            Counter(split for split, _ in places)
            for places in copies.values()
            if {one, two} <= {split for split, _ in places}
        ]
        lines.append(
            f"  {one} and {two} share {len(shared):,} pictures: {sum(c[one] for c in shared):,} faces "
            f"of {one}, {sum(c[two] for c in shared):,} of {two}"
        )
    return lines


def _contradictions(copies: Copies) -> list[str]:
    """Pictures that stand there several times with different labels."""
    pairs: Counter[str] = Counter()
    faces = pictures = 0
    names = list(Emotion)
    for places in copies.values():
        labels = sorted({label for _, label in places})
        if len(labels) > 1:
            pictures += 1
            faces += len(places)
            pairs.update(f"{names[a]}/{names[b]}" for a, b in combinations(labels, 2))
    lines = [f"Copies with different labels: {pictures:,} pictures, stored as {faces:,} faces"]
    return lines + [f"  {pair:18} {count:5,}" for pair, count in pairs.most_common()]
