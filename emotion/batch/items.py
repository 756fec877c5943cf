"""What is to be read: pictures, videos, and pictures in parquet files, each by a name of its own."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion.batch.places import absolute, open_place
from emotion.errors import DatasetError
from emotion.pictures import find_pictures, is_picture

if TYPE_CHECKING:
    from emotion.batch.places import Place

__all__ = [
    "FoundItems",
    "Item",
    "Kind",
    "find_items",
    "items_from_json",
    "items_to_json",
    "picture_column",
]

VIDEO_SUFFIXES = frozenset(
    [".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".webm", ".wmv"]
)
"""Those that some machines' tables of types lack among them."""


class Kind(StrEnum):
    """What an item is."""

    PICTURE = "picture"
    VIDEO = "video"
    ROW = "row"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to read.

    Attributes:
        kind: Whether it is a picture file, a video, or a row of a parquet file.
        path: Absolute path of the file, or its address.
        row: Number of the row in a parquet file, from 0.
    """

    kind: Kind
    path: str
    row: int | None = None

    @property
    def name(self) -> str:
        """Its ``source`` in the results; bytes of a path that are no text appear as escapes."""
        path = self.path.encode("utf-8", "backslashreplace").decode()
        return path if self.row is None else f"{path}#{self.row}"


@dataclass(frozen=True, slots=True)
class FoundItems:
    """What some sources mean: what to read, and what could not be looked at: source and reason."""

    items: tuple[Item, ...]
    problems: tuple[tuple[str, str], ...] = ()


def items_to_json(items: Sequence[Item]) -> str:
    """Items as text, for an actor."""
    return json.dumps([(item.kind, item.path, item.row) for item in items])


def items_from_json(text: str) -> list[Item]:
    """Items from :func:`items_to_json`."""
    return [Item(Kind(kind), path, row) for kind, path, row in json.loads(text)]


def find_items(
    sources: Sequence[str], column: str | None = None, *, without: str | None = None
) -> FoundItems:
    """The items that arguments mean, each once.

    Args:
        sources: Files, folders and globs, local or by address. A folder means the pictures, videos and
            parquet files in it and below, hidden ones left out.
        column: Of parquet files, where they have pictures in several columns.
        without: A folder that is left out, as results may be written beside what they are about.

    Raises:
        StorageError: If an address cannot be opened.
    """
    items: dict[Item, None] = {}
    problems: list[tuple[str, str]] = []
    for source in map(absolute, sources):
        paths, wrong = _remote_files(source) if "://" in source else _local_files(source)
        problems += wrong
        for path in paths:
            if without and path.startswith(f"{without.rstrip('/')}/"):
                continue
            try:
                items.update(dict.fromkeys(_items_of(path, column)))
            except (DatasetError, OSError) as error:
                problems.append((path, str(error)))
    return FoundItems(tuple(items), tuple(problems))


def picture_column(schema: Any, wanted: str | None) -> tuple[str, bool]:
    """The column of a parquet file that holds encoded pictures.

    Args:
        schema: Of pyarrow.
        wanted: Its name, or None for ``image``, or the only one.

    Returns:
        Its name, and whether it holds structs with a field ``bytes``, as Hugging Face's data sets do.

    Raises:
        DatasetError: If there is none, or several.
    """
    import pyarrow as pa

    def is_bytes(kind: Any) -> bool:
        return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))

    columns = {}
    for field in schema:
        if is_bytes(field.type):
            columns[field.name] = False
        elif pa.types.is_struct(field.type):
            index = field.type.get_field_index("bytes")
            if index >= 0 and is_bytes(field.type.field(index).type):
                columns[field.name] = True
    name = wanted or ("image" if "image" in columns else None)
    if name is None and len(columns) == 1:
        (name,) = columns
    if name is None or name not in columns:
        raise DatasetError(
            "A parquet file of pictures must have a column of encoded pictures: bytes, or structs with a "
            f"field `bytes`. Received columns {', '.join(schema.names)}; of these, "
            f"{', '.join(columns) or 'none'} can hold pictures. Name one with --column."
        )
    return name, columns[name]


def _items_of(path: str, column: str | None) -> Iterator[Item]:
    if _is_parquet(path):
        yield from _rows(path, column)
    else:
        yield Item(Kind.VIDEO if _is_video(path) else Kind.PICTURE, path)


def _rows(path: str, column: str | None) -> Iterator[Item]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    place = open_place(path)
    try:
        with place.files.open(place.path, "rb") as file, pq.ParquetFile(file) as table:
            picture_column(table.schema_arrow, column)
            count = table.metadata.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DatasetError(f"{path} is no parquet file that can be read: {error}.") from error
    for row in range(count):
        yield Item(Kind.ROW, path, row)


def _local_files(source: str) -> tuple[list[str], list[tuple[str, str]]]:
    found = find_pictures(source, _is_known)
    problems = [(source, problem) for problem in found.problems]
    files = []
    for path in found.files:
        if path.is_file():
            files.append(str(path))
        elif path.is_dir():
            problems.append((str(path), f"{path} holds no picture, video or parquet file."))
        else:
            problems.append((str(path), f"There is no file {path}."))
    return files, problems


def _remote_files(source: str) -> tuple[list[str], list[tuple[str, str]]]:
    place = open_place(source)
    try:
        paths = _listed(place)
    except OSError as error:
        return [], [(source, f"{source} cannot be searched: {error}.")]
    if not paths:
        return [], [(source, f"There is no picture, video or parquet file at {source}.")]
    return [place.name(path) for path in paths], []


def _listed(place: Place) -> list[str]:
    files, path = place.files, place.path
    if any(sign in path for sign in "*?[") and not files.exists(path):
        return sorted(p for p in files.glob(path) if files.isfile(p))
    if files.isfile(path):
        return [path]
    below = (p.removeprefix(path).lstrip("/") for p in sorted(files.find(path)))
    shown = [p for p in below if not any(part.startswith(".") for part in p.split("/"))]
    return [f"{path.rstrip('/')}/{p}" for p in shown if _is_known(p)]


def _is_known(name: str) -> bool:
    """Whether a file of a folder is looked at, by its name or path."""
    name = name.rpartition("/")[2]
    return not name.startswith(".") and (is_picture(name) or _is_video(name) or _is_parquet(name))


def _is_parquet(name: str) -> bool:
    return name.lower().endswith(".parquet")


def _is_video(name: str) -> bool:
    kind = mimetypes.guess_type(name)[0] or ""
    return kind.startswith("video/") or Path(name).suffix.lower() in VIDEO_SUFFIXES
