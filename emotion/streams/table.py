"""A CSV file of moments that is complete, or is not there."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from emotion.errors import VideoError
from emotion.moments import Moment
from emotion.results import MOMENT_COLUMNS, moment_rows

__all__ = ["MomentTable"]


class MomentTable:
    """Writes moments as the rows of a CSV file. Use it in a ``with`` statement.

    A file appears under its name only when it is complete; after an error nothing is left. What a link leads
    to is written, and pipes, devices and open streams get each row at once.

    Args:
        target: Path of the file, or a stream of text that stays open.

    Raises:
        VideoError: If it cannot be written.
    """

    def __init__(self, target: Path | TextIO) -> None:
        self._unwanted = False
        self._part: Path | None = None
        self._file: TextIO
        if not isinstance(target, Path):
            self._name, self._file = "The table", target
        else:
            self._name, self._path = str(target), target.resolve()
            with self._failures():
                self._file = self._open(target)
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._stays_open = not isinstance(target, Path)

    def _open(self, target: Path) -> TextIO:
        if target.exists() and not target.is_file():
            return target.open("w", encoding="utf-8", newline="")
        self._part = self._path.with_name(f".{self._path.name}.part{os.getpid()}")
        return self._part.open("w", encoding="utf-8", newline="")

    def __enter__(self) -> Self:
        try:
            with self._failures():
                self._writer.writerow(MOMENT_COLUMNS)
        except VideoError:
            self._close(keep=False)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close(keep=kind is None and not self._unwanted)

    def write(self, moment: Moment) -> None:
        """Add the rows of a moment.

        Raises:
            VideoError: If they cannot be written, for instance because the disk is full.
        """
        with self._failures():
            self._writer.writerows(moment_rows(moment))

    def discard(self) -> None:
        """Leave no file behind at the end, although no error occurred."""
        self._unwanted = True

    def _close(self, *, keep: bool) -> None:
        try:
            if keep:
                with self._failures():
                    self._file.flush() if self._stays_open else self._file.close()
                    if self._part:
                        self._part.replace(self._path)
        finally:
            if not self._stays_open:
                with suppress(
                    OSError
                ):  # a full disk refuses what is still to be written, here of no use
                    self._file.close()
            if self._part:
                self._part.unlink(missing_ok=True)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Say which file it was that could not be written."""
        try:
            yield
        except BrokenPipeError:
            raise  # its reader has enough
        except OSError as error:
            raise VideoError(f"{self._name} cannot be written: {error}") from error
