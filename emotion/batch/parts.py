"""Parts of the result: one parquet file for some hundred pictures, and the manifest of them all."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from emotion.batch.items import Item
from emotion.batch.places import Place
from emotion.batch.reading import Reading
from emotion.errors import StorageError
from emotion.results import CSV_COLUMNS
from emotion.types import Emotion

__all__ = ["MANIFEST", "PART_COLUMNS", "Part", "PartSummary", "cut", "finished", "write_part"]

MANIFEST = "_manifest.json"
"""About the folder as a whole. Programs that read a folder of parquet files skip such a name."""

PART_COLUMNS = (*CSV_COLUMNS, "time_s", "frame", "track")
"""The columns of ``emotion analyze --csv``, and for videos the time, number of the frame and track."""

SMALLEST, LARGEST = 16, 1000
"""Pictures of a part: that many are read again when a process dies."""

PARTS_FOR_EACH = 16
"""Parts for each actor, where there are few pictures."""


@dataclass(frozen=True, slots=True)
class Part:
    """Items that become one file. Its name follows from them: written again, it replaces the same rows."""

    items: tuple[Item, ...]

    @property
    def name(self) -> str:
        """Name of its file."""
        names = "\0".join(item.name for item in self.items)
        return f"part-{hashlib.sha256(names.encode()).hexdigest()[:24]}.parquet"


@dataclass(frozen=True, slots=True)
class PartSummary:
    """What a part came to.

    Attributes:
        part: Name of its file.
        sources: How many items are in it, damaged ones included.
        faces: How many faces; in videos, at each look.
        damaged: Source and reason of what could not be read. It is in the part and stays so.
        unread: Source and reason of what could not be fetched. It is in no part; a later run tries again.
        fatal: Why the part could not be written, or None.
    """

    part: str
    sources: int
    faces: int
    damaged: tuple[tuple[str, str], ...] = ()
    unread: tuple[tuple[str, str], ...] = ()
    fatal: str | None = None

    def to_json(self) -> str:
        """As text, for the process that collects them."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> PartSummary:
        """From :meth:`to_json`."""
        values = json.loads(text)
        for name in ("damaged", "unread"):
            values[name] = tuple((source, reason) for source, reason in values[name])
        return cls(**values)


def cut(items: Sequence[Item], actors: int, size: int | None) -> list[Part]:
    """Items as parts, in order.

    Args:
        items: What is still to be read.
        actors: How many will read.
        size: Items of a part; by default so that every actor gets several.
    """
    size = size or min(max(len(items) // (PARTS_FOR_EACH * actors), SMALLEST), LARGEST)
    return [Part(tuple(items[i : i + size])) for i in range(0, len(items), size)]


def write_part(out: Place, part: Part, readings: Iterable[Reading]) -> PartSummary:
    """Write the file of a part, completely or not at all; none where nothing could be fetched.

    Raises:
        StorageError: If it cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    kept, unread = list[Reading](), list[tuple[str, str]]()
    for reading in readings:
        if reading.unread is None:
            kept.append(reading)
        else:
            unread.append((reading.item.name, reading.unread))
    if kept:
        rows = [{name: row.get(name) for name in PART_COLUMNS} for r in kept for row in r.rows]
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows, _schema()), buffer, compression="zstd")
        out.write(part.name, buffer.getvalue())
    first = [reading.rows[0] for reading in kept]
    return PartSummary(
        part.name,
        len(kept),
        sum(row.get("face") is not None for reading in kept for row in reading.rows),
        tuple((str(row["source"]), str(row["error"])) for row in first if row.get("error")),
        tuple(unread),
    )


def finished(out: Place, name: str) -> tuple[PartSummary, set[str]]:
    """What a finished part came to, and the sources in it.

    Raises:
        StorageError: If it is no part.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        data = out.read(name)
        table = pq.read_table(io.BytesIO(data or b""), columns=["source", "face", "error"])
    except (pa.ArrowException, OSError) as error:
        raise StorageError(
            f"{name} must be a part that an earlier run wrote. It cannot be read: {error}. Remove it; its "
            "pictures will be read again."
        ) from error
    sources, faces, errors = (
        table.column(name).to_pylist() for name in ("source", "face", "error")
    )
    damaged = tuple((s, e) for s, e in zip(sources, errors, strict=True) if e)
    done = set(sources)
    return PartSummary(name, len(done), sum(n is not None for n in faces), damaged), done


def _schema() -> Any:
    import pyarrow as pa

    kinds = dict.fromkeys(PART_COLUMNS, pa.int32())
    kinds |= dict.fromkeys(("source", "label", "error", "second", "note"), pa.string())
    kinds |= dict.fromkeys(("score", "confidence", "roll", *map(str, Emotion)), pa.float32())
    kinds |= {"sure": pa.int8(), "time_s": pa.float64()}
    return pa.schema(list(kinds.items()))
