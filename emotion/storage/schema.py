"""The tables. They are the same on SQLite, MySQL/MariaDB and PostgreSQL.

::

    emotion_schema        one row: the version of these tables
    emotion_session       one row a recording: where it came from, whose it is, how much is written
    emotion_observation   one row a face and frame; a frame without a face has a row of its own
    emotion_second        one row a face and second: sums of the observations, which the dashboard reads

``emotion_second`` may hold several rows for the same face and second, because each batch adds its own. Sums
add up, so nothing ever has to be updated, and the three databases need no dialect of their own.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
)

from emotion.types import Emotion

__all__ = [
    "METADATA",
    "OBSERVATION",
    "SCHEMA",
    "SCHEMA_VERSION",
    "SECOND",
    "SESSION",
    "TITLE_LENGTH",
]

SCHEMA_VERSION = 1
"""Raise it with every change of a table, and add the step to ``MIGRATIONS`` of ``database.py``."""

TITLE_LENGTH = 255
"""Longest name of a file that is kept; longer ones are cut."""

METADATA = MetaData()

SCHEMA = Table("emotion_schema", METADATA, Column("version", Integer, primary_key=True))

SESSION = Table(
    "emotion_session",
    METADATA,
    # Random, so that a writer knows it before the database has been reached. People see it in hexadecimal.
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("owner", String(64), nullable=False),  # SHA-256; see emotion.storage.recorder.owner_hash
    Column("source", String(16), nullable=False),  # webcam, video or image
    Column("title", String(TITLE_LENGTH), nullable=False),  # name of the file; empty for the webcam
    Column("started_ms", BigInteger, nullable=False),  # milliseconds since 1970, UTC
    Column("last_ms", BigInteger, nullable=False),  # of the latest frame
    Column("detector", String(32), nullable=False),
    Column("weights", String(128), nullable=False),
    Column("weights_sha256", String(64), nullable=False),
    Column("frames", BigInteger, nullable=False),
    Column("faces", Integer, nullable=False),  # different track_ids
    Column("observations", BigInteger, nullable=False),  # rows written; number of the next one
    Column("seconds", BigInteger, nullable=False),  # the same for emotion_second
    *(Column(f"label_{emotion}", BigInteger, nullable=False) for emotion in Emotion),
    Index("emotion_session_owner", "owner", "started_ms"),
    mysql_charset="utf8mb4",
)

OBSERVATION = Table(
    "emotion_observation",
    METADATA,
    Column("session_id", ForeignKey(SESSION.c.id, ondelete="CASCADE"), primary_key=True),
    Column("n", BigInteger, primary_key=True, autoincrement=False),  # 0, 1, 2 … within the session
    Column("at_ms", BigInteger, nullable=False),  # milliseconds since 1970, UTC
    Column("time_s", Double, nullable=False),  # seconds since the start of the stream
    Column("frame", BigInteger, nullable=False),
    Column("track_id", Integer),  # null: no face in this frame; then all that follows is null, too
    Column("x1", Integer),
    Column("y1", Integer),
    Column("x2", Integer),
    Column("y2", Integer),
    Column("score", Double),
    Column("label", String(8)),
    *(Column(str(emotion), Double) for emotion in Emotion),  # smoothed probabilities
    Column("roll", Double),  # degrees
    Column("sure", Integer),  # 1 or 0
    Column("second_label", String(8)),
    # The rows of a session lie together, in the order in which they are read.
    sqlite_with_rowid=False,
)

SECOND = Table(
    "emotion_second",
    METADATA,
    Column("session_id", ForeignKey(SESSION.c.id, ondelete="CASCADE"), primary_key=True),
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("second", BigInteger, nullable=False),  # seconds since 1970, UTC
    Column("track_id", Integer, nullable=False),  # 0: the row counts the frames of this second
    Column("frames", Integer, nullable=False),  # frames with this face in view
    Column("new_faces", Integer, nullable=False),  # 1 if this face was never seen before, else 0
    *(Column(f"label_{emotion}", Integer, nullable=False) for emotion in Emotion),
    *(Column(f"sum_{emotion}", Double, nullable=False) for emotion in Emotion),
    sqlite_with_rowid=False,
)
