"""The votes of FER+: ``fer2013new.csv`` of microsoft/FERPlus (Barsoum et al., 2016).

Its lines are those of ``fer2013.csv``, in the same order. The numbers in its image names are *not* line
numbers: they fall behind by up to 85. A line without an image name is a picture on which FER+ saw no face;
it has no votes.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emotion.errors import DatasetError
from emotion.training.datasets.ferplus import VOTE_COLUMNS

__all__ = ["FerPlus", "read_ferplus"]

HEADER = (
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
)


@dataclass(frozen=True, slots=True)
class FerPlus:
    """The table of votes.

    Attributes:
        path: The file that was read.
        usages: Training, PublicTest or PrivateTest for each row.
        names: The image name of each row; empty where FER+ has none.
        votes: (N, 10) uint8, in the order of the columns; all 0 where there is no name.
    """

    path: Path
    usages: tuple[str, ...]
    names: tuple[str, ...]
    votes: npt.NDArray[np.uint8]

    def by_row(self, path: Path, usages: Sequence[str]) -> npt.NDArray[np.uint8]:
        """The votes for the rows of ``fer2013.csv``, which must be the same ones.

        Args:
            path: That file, for messages.
            usages: Its column ``Usage``.

        Raises:
            DatasetError: If the two files do not belong together.
        """
        if len(usages) != len(self.usages):
            raise DatasetError(
                f"{self.path} must have one row for each row of {path}, in the same order. Received: "
                f"{len(self.usages)} rows for {len(usages)}. Use both files complete and unsorted."
            )
        for row, (mine, other) in enumerate(zip(self.usages, usages, strict=True)):
            if mine != other:
                raise DatasetError(
                    f"{self.path}, row {row}: Usage must be {other} as in {path}. Received: {mine}. "
                    "Use both files in their original order."
                )
        return self.votes

    def by_name(self, names: Sequence[str | None], where: str) -> npt.NDArray[np.uint8]:
        """The votes for images by name; all 0 for a name that FER+ does not have.

        Args:
            names: File names such as ``fer0000012.png``; the suffix does not matter.
            where: What they belong to, for the message.

        Returns:
            (N, 10) uint8.

        Raises:
            DatasetError: If none of them is a name of FER+.
        """
        rows = {Path(name).stem: row for row, name in enumerate(self.names) if name}
        found = [rows.get(Path(name).stem) if name else None for name in names]
        if all(row is None for row in found):
            example = next((name for name in names if name), "no name at all")
            raise DatasetError(
                f"{where}: votes are joined by image name, and none is in {self.path}. Received, for "
                f"example: {example}; must be like fer0000012.png. Kaggle's names (Training_3908.jpg) say "
                "nothing about the row: use fer2013.csv instead, which is joined row by row."
            )
        none = np.zeros(VOTE_COLUMNS, np.uint8)
        return np.stack([none if row is None else self.votes[row] for row in found])


def read_ferplus(path: Path) -> FerPlus:
    """Read ``fer2013new.csv``.

    Raises:
        DatasetError: If it is missing, has other columns, or a row is not as described.
    """
    if not path.is_file():
        raise DatasetError(
            f"The FER+ votes must be the file fer2013new.csv. Received: {path}, which is not a file."
        )
    usages, names, votes = [], [], []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            rows = filter(None, reader)  # as in fer2013.csv, an empty line is no row
            header = [cell.strip() for cell in next(rows, [])]
            if ",".join(header).lower() != HEADER.lower():
                raise DatasetError(
                    f"{path} must begin with the line {HEADER}. Received: {','.join(header)[:120]!r}. "
                    "Download fer2013new.csv from github.com/microsoft/FERPlus."
                )
            for row, cells in enumerate(rows):
                where = f"{path}, row {row} (line {reader.line_num})"
                counts = _counts(cells, where)
                name = cells[1].strip()
                usages.append(cells[0].strip())
                names.append(name)
                votes.append(counts if name else bytes(VOTE_COLUMNS))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(
            f"{path} cannot be read as a csv file: {error}. Download it again."
        ) from error
    table = np.frombuffer(b"".join(votes), np.uint8).reshape(-1, VOTE_COLUMNS)
    return FerPlus(path, tuple(usages), tuple(names), table)


def _counts(cells: list[str], where: str) -> bytes:
    """The ten counts of a row."""
    try:
        counts = bytes(map(int, cells[2:]))
    except ValueError:
        counts = b""
    if len(counts) != VOTE_COLUMNS:
        raise DatasetError(
            f"{where}: Usage, an image name and {VOTE_COLUMNS} counts are needed. "
            f"Received: {','.join(cells)[:80]!r}. The file may be cut off: download it again."
        )
    return counts
