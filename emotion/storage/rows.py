"""From moments of a stream to rows of the tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from emotion.moments import Moment, TrackedFace
from emotion.results import face_row
from emotion.types import Emotion

__all__ = ["Row", "SessionInfo", "observation_rows", "second_rows"]

Row = dict[str, Any]

LONGEST_STREAM_S = 366 * 24 * 3600.0
"""The clock of a webcam is the browser's: times beyond a year are a fault of it and are cut."""


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What is known of a recording when it starts.

    Attributes:
        id: A random number below 2**48.
        owner: SHA-256 of whose it is.
        source: ``webcam``, ``video`` or ``image``.
        title: Name of the file; empty for a webcam.
        started_ms: Milliseconds since 1970, UTC, by this machine's clock.
        detector: Its name.
        weights: Name of the network.
        weights_sha256: Hash of its file; empty if the weights came without one.
    """

    id: int
    owner: str
    source: str
    title: str
    started_ms: int
    detector: str
    weights: str
    weights_sha256: str


def observation_rows(session: SessionInfo, moment: Moment, first: int) -> list[Row]:
    """Rows of ``emotion_observation``: one for each face, or one without a face.

    Args:
        session: The recording.
        moment: One frame of its stream.
        first: Number of the first row.

    Returns:
        Times rounded to milliseconds, scores and probabilities to 4 decimals, as in a session's CSV.
    """
    time_s = min(max(moment.time_s, 0.0), LONGEST_STREAM_S)
    frame: Row = {
        "session_id": session.id,
        "at_ms": session.started_ms + round(time_s * 1000),
        "time_s": round(time_s, 3),
        "frame": moment.frame,
    }
    if not moment.faces:
        return [frame | {"n": first} | dict.fromkeys(FACE_COLUMNS)]
    return [frame | {"n": first + i} | _face_row(face) for i, face in enumerate(moment.faces)]


FACE_COLUMNS = (
    *("track_id", "x1", "y1", "x2", "y2", "score", "label", *map(str, Emotion)),
    *("roll", "sure", "second_label"),
)


def _face_row(face: TrackedFace) -> Row:
    values = face_row(face) | {"track_id": face.track_id}
    values["second_label"] = values["second"]
    return {name: values[name] for name in FACE_COLUMNS}


def second_rows(observations: Sequence[Row], first: int, known: Collection[int]) -> list[Row]:
    """Sums of observations of one session by second and face: rows of ``emotion_second``.

    Args:
        observations: Consecutive rows of :func:`observation_rows`.
        first: Number of the first row that is made.
        known: The faces of this session that were written before.
    """
    seen = set(known)
    sums: dict[tuple[int, int], Row] = {}
    last_frame: int | None = None
    for row in observations:
        second = row["at_ms"] // 1000
        if row["frame"] != last_frame:
            last_frame = row["frame"]
            _sum_of(sums, row["session_id"], second, 0)["frames"] += 1
        if row["track_id"] is not None:
            total = _sum_of(sums, row["session_id"], second, row["track_id"])
            total["frames"] += 1
            total["new_faces"] += row["track_id"] not in seen
            seen.add(row["track_id"])
            total[f"label_{row['label']}"] += 1
            for emotion in Emotion:
                total[f"sum_{emotion}"] += row[emotion]
    return [row | {"n": first + i} for i, row in enumerate(sums.values())]


def _sum_of(sums: dict[tuple[int, int], Row], session_id: int, second: int, track_id: int) -> Row:
    return sums.setdefault(
        (second, track_id),
        {"session_id": session_id, "second": second, "track_id": track_id, "frames": 0}
        | {"new_faces": 0}
        | {f"label_{emotion}": 0 for emotion in Emotion}
        | {f"sum_{emotion}": 0.0 for emotion in Emotion},
    )
