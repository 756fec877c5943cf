"""What every reader gives: grey faces with their labels and votes, one set of them for each split."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from emotion.errors import DatasetError
from emotion.types import Emotion

__all__ = [
    "FACE_SIZE",
    "FerDataset",
    "FerSplits",
    "Part",
    "Split",
    "class_number",
    "decode_face",
    "mark_duplicates",
    "pixel_keys",
]

FACE_SIZE = 48
"""Height and width of every face, in pixels."""

FORMATS = ("PNG", "JPEG", "BMP")


class Split(StrEnum):
    """Train is for learning, validation for every choice, test for the last figure only."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


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


@dataclass(frozen=True, slots=True)
class Part:
    """One split as a reader found it.

    Attributes:
        faces: The faces; ``duplicated`` means something only if ``marked``.
        marked: Whether the source itself says which faces also stand in another split.
    """

    faces: FerDataset
    marked: bool = False


@dataclass(frozen=True, slots=True)
class FerSplits:
    """The splits that a source holds; ``splits["validation"]`` is one of them.

    Attributes:
        source: What was read, as the user named it.
        parts: The faces of each split that is there, in the order of :class:`Split`.
    """

    source: str
    parts: Mapping[Split, FerDataset]

    def __getitem__(self, split: str) -> FerDataset:
        if split not in list(Split):
            raise DatasetError(f"A split is one of {', '.join(Split)}. Received: {split!r}")
        if split in self.parts:
            return self.parts[Split(split)]
        message = f"{self.source} has no {split} split, only {', '.join(self.parts)}."
        if split == Split.VALIDATION:
            message += (
                " Recipes are chosen on it, never on the test split: set aside about a tenth of the "
                "training faces as validation, with no picture in both."
            )
        raise DatasetError(message + " docs/data.md describes what is read.")

    def __iter__(self) -> Iterator[tuple[Split, FerDataset]]:
        return iter(self.parts.items())


def decode_face(data: bytes | None, where: str) -> npt.NDArray[np.uint8]:
    """Decode one picture.

    Args:
        data: A PNG, JPEG or BMP file of 48×48 pixels, in colour or in 8-bit grey.
        where: Its file and row, for the message.

    Returns:
        (48, 48) uint8, grey.

    Raises:
        DatasetError: If it is no picture, is damaged, has another size, or has deeper grey.
    """
    try:
        with PillowImage.open(io.BytesIO(data or b""), formats=FORMATS) as picture:
            deep = picture.mode.startswith("I")  # which Pillow would not scale, but clip to white
            if picture.size == (FACE_SIZE, FACE_SIZE) and not deep:
                return np.array(picture.convert("L"))
            width, height = picture.size
            received = f"{width}×{height} pixels" + (" in 16-bit grey" if deep else "")
    except (OSError, SyntaxError, ValueError, PillowImage.DecompressionBombError):
        received = f"{len(data or b'')} bytes that are no whole PNG, JPEG or BMP picture"
    raise DatasetError(
        f"{where}: an image must be {FACE_SIZE}×{FACE_SIZE} pixels in colour or 8-bit grey. "
        f"Received: {received}. Replace the picture, or leave it out."
    )


def class_number(name: str) -> int:
    """The FER-2013 label of a class name in any case, such as ``Happy``.

    Raises:
        KeyError: If no expression has this name.
    """
    return {str(emotion): number for number, emotion in enumerate(Emotion)}[name.strip().lower()]


def pixel_keys(faces: FerDataset) -> list[bytes]:
    """One value for each face, equal for exactly those with the same pixels."""
    return [image.tobytes() for image in faces.images]


def mark_duplicates(source: str, parts: Mapping[Split, Part]) -> FerSplits:
    """Find the faces that stand in several splits, where the source does not say itself."""
    if all(part.marked for part in parts.values()):
        return FerSplits(source, {split: part.faces for split, part in parts.items()})
    keys = {split: pixel_keys(part.faces) for split, part in parts.items()}
    result = {}
    for split, part in parts.items():
        others = {key for other in parts if other != split for key in keys[other]}
        twins = np.array([key in others for key in keys[split]], dtype=bool)
        result[split] = part.faces if part.marked else replace(part.faces, duplicated=twins)
    return FerSplits(source, result)
