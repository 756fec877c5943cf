"""Observations as CSV, JSON and Parquet, row by row, however many there are.

The columns from ``time_s`` on are those of a session's own CSV, with the same digits.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row

from emotion.errors import StorageError
from emotion.results import DIGITS, MOMENT_COLUMNS, cell
from emotion.storage.queries import Selection, StoredSession, observations
from emotion.storage.recorder import session_name
from emotion.types import Emotion

__all__ = ["EXPORT_COLUMNS", "FORMATS", "export", "iso_time"]

EXPORT_COLUMNS = (
    *("session", "source", "title", "started", "at", "detector", "weights", "weights_sha256"),
    *MOMENT_COLUMNS,
)
"""What is the same for a whole session, then the columns of a session's CSV."""

BYTE_ORDER_MARK = "\ufeff"

Rows = Iterator[tuple[StoredSession, Sequence[Row[Any]]]]


def iso_time(milliseconds: int) -> str:
    """Milliseconds since 1970 as UTC: ``2026-11-26T07:33:19.250Z``."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def export(
    connection: Connection, wanted: Selection, form: str, *, excel: bool = False
) -> Iterator[bytes]:
    """The observations of a selection, piece by piece.

    Args:
        connection: To the database; must stay open until the last piece.
        wanted: Which records.
        form: A key of :data:`FORMATS`.
        excel: Begin the CSV with a byte order mark, so that Excel reads it as UTF-8.

    Raises:
        StorageError: If the format is unknown or needs a package that is missing.
    """
    if form not in FORMATS:
        raise StorageError(f"The format must be one of {', '.join(FORMATS)}. Received: {form}")
    if excel and form != "csv":
        raise StorageError(f"Only CSV has a form for Excel. Received: {form}")
    pieces = FORMATS[form](observations(connection, wanted))
    if excel:
        yield BYTE_ORDER_MARK.encode()
    yield from pieces


def _values(session: StoredSession, row: Row[Any]) -> dict[str, Any]:
    """One observation by :data:`EXPORT_COLUMNS`, as numbers and text; None where there is no face."""
    values = row._mapping
    seen = values["label"]
    return {
        "session": session_name(session.id),
        "source": session.source,
        "title": session.title,
        "started": iso_time(session.started_ms),
        "at": iso_time(values["at_ms"]),
        "detector": session.detector,
        "weights": session.weights,
        "weights_sha256": session.weights_sha256,
        "time_s": values["time_s"],
        "frame": values["frame"],
        "track": values["track_id"],
        **{name: values[name] for name in ("x1", "y1", "x2", "y2", "score", "label")},
        "confidence": values[seen] if seen else None,
        **{str(emotion): values[str(emotion)] for emotion in Emotion},
        **{"roll": values["roll"], "sure": values["sure"], "second": values["second_label"]},
    }


def _csv(chunks: Rows) -> Iterator[bytes]:
    yield _csv_lines([EXPORT_COLUMNS])
    for session, rows in chunks:
        yield _csv_lines([_csv_row(_values(session, row)) for row in rows])


def _csv_row(values: dict[str, Any]) -> list[object]:
    return [cell(name, value) for name, value in values.items()]


def _csv_lines(rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _json(chunks: Rows) -> Iterator[bytes]:
    """One array with an object for each observation, a line each."""
    start = "[\n"
    for session, rows in chunks:
        lines = (json.dumps(_values(session, row), ensure_ascii=False) for row in rows)
        yield (start + ",\n".join(lines)).encode()
        start = ",\n"
    yield b"[]\n" if start == "[\n" else b"\n]\n"


def _parquet(chunks: Rows) -> Iterator[bytes]:
    """A file with typed columns. It is complete only at the end: until then it is a nameless file."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise StorageError(
            'Parquet needs pyarrow: pip install "emotion[records]". CSV and JSON work without it.'
        ) from error
    schema = pa.schema([(name, _arrow_type(pa, name)) for name in EXPORT_COLUMNS])
    with tempfile.TemporaryFile() as file:
        with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
            for session, rows in chunks:
                values = [_values(session, row) for row in rows]
                for value in values:
                    for name in ("started", "at"):
                        value[name] = datetime.fromisoformat(value[name])
                writer.write_table(pa.Table.from_pylist(values, schema))
        file.seek(0)
        while piece := file.read(1 << 20):
            yield piece


def _arrow_type(pa: Any, name: str) -> Any:
    if name in DIGITS:
        return pa.float64()
    if name in ("frame", "track", "x1", "y1", "x2", "y2", "sure"):
        return pa.int64()
    return pa.timestamp("ms", tz="UTC") if name in ("started", "at") else pa.string()


FORMATS: dict[str, Callable[[Rows], Iterator[bytes]]] = {
    "csv": _csv,
    "json": _json,
    "parquet": _parquet,
}
"""Forms of an export, which are also the suffixes of its files."""
