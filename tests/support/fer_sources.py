"""The same generated faces in every layout that emotion.training.datasets reads."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from emotion.types import Emotion

USAGES = {"train": "Training", "validation": "PublicTest", "test": "PrivateTest"}
FERPLUS_HEADER = (
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
)


@dataclass
class Row:
    """One face. ``name`` is its FER+ name; without one FER+ saw no face."""

    split: str
    image: np.ndarray
    label: int
    name: str | None
    votes: list[int]


def make_rows(train: int = 21, validation: int = 7, test: int = 7, *, seed: int = 0) -> list[Row]:
    """Noise in place of faces. Names fall behind the rows after the fifth, as in FER+."""
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for split, count in (("train", train), ("validation", validation), ("test", test)):
        for index in range(count):
            number = len(rows) - (len(rows) > 5)
            votes = rng.multinomial(10, np.ones(10) / 10).tolist()
            image = rng.integers(0, 256, (48, 48)).astype(np.uint8)
            rows.append(Row(split, image, index % 7, f"fer{number:07}.png", votes))
    rows[5].name, rows[5].votes = None, [0] * 9 + [10]
    rows[5].label = 0
    return rows


def png(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


def write_csv(path: Path, rows: list[Row]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["emotion", "pixels", "Usage"])
        for row in rows:
            pixels = " ".join(map(str, row.image.ravel().tolist()))
            writer.writerow([row.label, pixels, USAGES[row.split]])
    return path


def write_ferplus(path: Path, rows: list[Row]) -> Path:
    lines = [FERPLUS_HEADER]
    lines += [",".join([USAGES[row.split], row.name or "", *map(str, row.votes)]) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_folders(folder: Path, rows: list[Row], *, title: bool = False) -> Path:
    """``train/happy/fer0000003.png``; ~ sorts behind the name of the row before."""
    for number, row in enumerate(rows):
        name = str(list(Emotion)[row.label])
        place = folder / row.split / (name.title() if title else name)
        place.mkdir(parents=True, exist_ok=True)
        before = rows[number - 1].name if number else None
        (place / (row.name or f"{Path(before or 'a').stem}~untagged.png")).write_bytes(
            png(row.image)
        )
    return folder


def parquet_bytes(
    rows: list[Row], *, votes: bool = True, metadata: dict[str, str] | None = None
) -> bytes:
    """One split as a parquet file."""
    table = {
        "image": pa.array(
            [{"bytes": png(row.image), "path": row.name} for row in rows],
            pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
        ),
        "label": pa.array([row.label for row in rows], pa.int8()),
    }
    if votes:
        known = [row.votes if row.name else None for row in rows]
        table["votes"] = pa.array(known, pa.list_(pa.uint8()))
    buffer = io.BytesIO()
    parquet.write_table(pa.table(table).replace_schema_metadata(metadata), buffer)
    return buffer.getvalue()


def write_parquet_folder(folder: Path, rows: list[Row], *, votes: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for split in USAGES:
        mine = [row for row in rows if row.split == split]
        if mine:
            (folder / f"{split}.parquet").write_bytes(parquet_bytes(mine, votes=votes))
    return folder
