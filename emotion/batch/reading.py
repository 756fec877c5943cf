"""Items to rows of the result: what an actor does with a part."""

from __future__ import annotations

import itertools
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from emotion.batch.items import Item, Kind, picture_column
from emotion.batch.places import open_place
from emotion.errors import EmotionError, VideoError
from emotion.images import MAX_BYTES, read_picture
from emotion.moments import Moment
from emotion.pictures import ReadSettings
from emotion.pipeline import EmotionPipeline
from emotion.results import PictureRecord, face_row
from emotion.streams.analyze_video import VideoSettings, analyze_video
from emotion.streams.reader import VideoFrame, VideoReader

__all__ = ["BatchSettings", "Reading", "read_items"]

AHEAD = 8
"""Pictures that are fetched while one is read: what an object store's delay costs is paid side by side."""

ROWS_AT_ONCE = 64
"""Rows of a parquet file that are decoded together."""


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """How items are read.

    Attributes:
        read: As for ``emotion analyze``.
        every_s: Seconds between two looks at a video; 0 looks at every frame.
        column: Of parquet files, where they have pictures in several columns.
    """

    read: ReadSettings
    every_s: float = 1.0
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of an item.

    Attributes:
        item: Which one.
        rows: Its rows of the result; one with an ``error`` if it is damaged.
        unread: Why it could not be fetched, or None. Another run may try again.
    """

    item: Item
    rows: tuple[dict[str, object], ...] = ()
    unread: str | None = None


def read_items(
    items: Sequence[Item], pipeline: EmotionPipeline, settings: BatchSettings
) -> Iterator[Reading]:
    """Read items: pictures first, then rows of parquet files, then videos.

    Args:
        items: Which.
        pipeline: Made by ``settings.read``.
        settings: How.

    Yields:
        A reading for each item.
    """
    kinds = {kind: [item for item in items if item.kind is kind] for kind in Kind}
    encoded = itertools.chain(_files(kinds[Kind.PICTURE]), _rows(kinds[Kind.ROW], settings.column))
    for item, data in encoded:
        if isinstance(data, str):
            yield Reading(item, unread=data)
        else:
            record = _record(item, data, pipeline, settings.read.min_score)
            yield Reading(item, tuple(record.rows()))
    for item in kinds[Kind.VIDEO]:
        yield _video(item, pipeline, settings)


def _record(
    item: Item, data: bytes, pipeline: EmotionPipeline, min_score: float | None
) -> PictureRecord:
    try:
        picture = read_picture(data)
        return PictureRecord.of(item.name, picture, pipeline(picture.image, min_score=min_score))
    except EmotionError as error:
        return PictureRecord.failed(item.name, str(error))


def _files(items: Sequence[Item]) -> Iterator[tuple[Item, bytes | str]]:
    """The bytes of picture files, fetched a little ahead; text where that fails."""
    with ThreadPoolExecutor(AHEAD) as pool:
        rest, under_way = iter(items), deque[tuple[Item, Future[bytes | str]]]()
        while True:
            for item in itertools.islice(rest, AHEAD - len(under_way)):
                under_way.append((item, pool.submit(_fetch, item)))
            if not under_way:
                return
            item, data = under_way.popleft()
            yield item, data.result()


def _fetch(item: Item) -> bytes | str:
    place = open_place(item.path)
    try:
        with place.files.open(place.path, "rb") as file:
            data: bytes = file.read(MAX_BYTES + 1)  # one more: its reader says that it is too large
            return data
    except Exception as error:  # object stores have errors of their own, which are no OSError
        return f"It cannot be fetched: {error or type(error).__name__}."


def _rows(items: Sequence[Item], column: str | None) -> Iterator[tuple[Item, bytes | str]]:
    """The pictures of parquet rows, file by file."""
    for path, group in itertools.groupby(items, key=lambda item: item.path):
        wanted = {item.row: item for item in group}
        reason = "The file has no such row any more."
        try:
            for row, data in _cells(path, set(wanted), column):
                yield wanted.pop(row), data
        except Exception as error:  # as above
            reason = f"It cannot be fetched: {error}."
        for item in wanted.values():
            yield item, reason


def _cells(path: str, rows: set[int | None], column: str | None) -> Iterator[tuple[int, bytes]]:
    """The bytes in some rows of a parquet file; row groups without any of them are not read."""
    import pyarrow.parquet as pq

    place = open_place(path)
    with place.files.open(place.path, "rb") as file, pq.ParquetFile(file) as table:
        name, nested = picture_column(table.schema_arrow, column)
        first = 0
        for group in range(table.num_row_groups):
            end = first + table.metadata.row_group(group).num_rows
            if rows.isdisjoint(range(first, end)):
                first = end
                continue
            for batch in table.iter_batches(ROWS_AT_ONCE, row_groups=[group], columns=[name]):
                for index in range(len(batch)):
                    if first + index in rows:
                        value = batch.column(0)[index].as_py()
                        yield (
                            first + index,
                            (value or {}).get("bytes") or b"" if nested else value or b"",
                        )
                first += len(batch)


def _video(item: Item, pipeline: EmotionPipeline, settings: BatchSettings) -> Reading:
    place = open_place(item.path)
    with tempfile.TemporaryDirectory(prefix="emotion-") as folder:
        path = Path(place.path)
        try:
            if not place.local:  # FFmpeg reads files only
                path = Path(folder, path.name)
                place.files.get_file(place.path, str(path))
            elif not path.is_file():
                return Reading(item, unread=f"There is no file {path}.")
        except Exception as error:
            return Reading(item, unread=f"It cannot be fetched: {error}.")
        try:
            return Reading(item, tuple(_video_rows(item, path, pipeline, settings)))
        except EmotionError as error:
            return Reading(item, tuple(PictureRecord.failed(item.name, str(error)).rows()))


def _video_rows(
    item: Item, path: Path, pipeline: EmotionPipeline, settings: BatchSettings
) -> Iterator[dict[str, object]]:
    """A row for each face at each look, or one without a face."""
    min_score = settings.read.min_score
    if min_score is None:
        min_score = pipeline.detector.default_min_score
    rows, size = list[dict[str, object]](), (0, 0)
    with VideoReader(path) as video:

        def frames() -> Iterator[VideoFrame]:
            nonlocal size
            for frame in video:
                size = frame.size
                yield frame

        looks = VideoSettings(min_score, every_s=settings.every_s)
        for step in analyze_video(frames(), pipeline, looks):
            if step.moment:
                rows += _moment_rows(step.moment)
        note = "The video is damaged or cut short." if video.damaged else None
    if not rows:
        raise VideoError(f"{path.name} must hold a frame that can be looked at.")
    about = {"source": item.name, "width": size[0], "height": size[1], "note": note}
    return (about | row for row in rows)


def _moment_rows(moment: Moment) -> list[dict[str, object]]:
    start: dict[str, object] = {"time_s": round(moment.time_s, 3), "frame": moment.frame}
    if not moment.faces:
        return [start]
    numbered = enumerate(moment.faces, start=1)
    return [start | {"face": n, "track": face.track_id} | face_row(face) for n, face in numbered]
