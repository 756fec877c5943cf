"""What is recorded can be asked for, exported and deleted: on SQLite, MariaDB and PostgreSQL alike."""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection, create_engine
from support.streams import moments, tracked_face

from emotion.errors import StorageError
from emotion.moments import Moment
from emotion.storage import trends
from emotion.storage.database import Database
from emotion.storage.deletion import delete_sessions, older_than
from emotion.storage.export import BYTE_ORDER_MARK, export
from emotion.storage.queries import Selection, count_sessions, sessions
from emotion.storage.recorder import Origin, Recorder, owner_hash, session_name, session_number
from emotion.storage.schema import SCHEMA, SCHEMA_VERSION, SESSION
from emotion.streams.session import Session
from emotion.types import Emotion

ME, OTHER = owner_hash("user", "me"), owner_hash("user", "other")
START_S = 1_800_000_000.25


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    """An empty database of one of the three kinds."""
    found = Database(address)
    yield found
    found.close()


def record(
    database: Database,
    stream: list[Moment],
    *,
    owner: str = ME,
    at_s: float = START_S,
    source: str = "webcam",
    title: str = "",
) -> int:
    """Record a whole stream; its session's number."""
    recorder = Recorder(database, clock=lambda: at_s)
    origin = Origin(owner, source, title, "mediapipe", "compact", "ab" * 32)
    recording = recorder.start(origin, every_s=0.1)
    for moment in stream:
        recording.add(moment)
    status = recorder.close(timeout_s=60)  # a busy machine's database may be slow
    assert (status.lost, status.waiting, status.error) == (0, 0, None)
    return recording.info.id


@contextmanager
def without_us(database: Database) -> Iterator[Connection]:
    """A connection that another program might have."""
    if database.is_sqlite:
        Path(database.place).parent.mkdir(parents=True)
    engine = create_engine(database.url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def exported(database: Database, wanted: Selection, form: str) -> bytes:
    with database.begin() as connection:
        return b"".join(export(connection, wanted, form))


def test_the_export_has_the_rows_of_the_sessions_own_csv(database: Database) -> None:
    """Faster frames than are kept, frames without a face, several faces: row by row, digit by digit."""
    stream = list(moments(700, fps=27))
    session = Session()
    for moment in stream:
        session.add(moment)
    number = record(database, stream)
    rows = list(csv.reader(io.StringIO(exported(database, Selection(ME), "csv").decode())))
    own = list(csv.reader(io.StringIO(session.to_csv())))
    first = rows[0].index("time_s")
    assert [row[first:] for row in rows] == own
    assert {row[0] for row in rows[1:]} == {session_name(number)}
    assert any(row[first + 2] == "" for row in rows)


def test_all_forms_of_an_export_say_the_same(database: Database) -> None:
    import pandas as pd

    record(database, list(moments(200)), title="=HYPERLINK(1).mp4", source="video")
    table = pd.read_csv(io.BytesIO(exported(database, Selection(ME), "csv")))
    objects = json.loads(exported(database, Selection(ME), "json"))
    parquet = pd.read_parquet(io.BytesIO(exported(database, Selection(ME), "parquet")))
    assert len(table) == len(objects) == len(parquet) > 200
    assert list(table.columns) == list(objects[0]) == list(parquet.columns)
    for name in ("time_s", "track", "happy", "confidence"):
        plain = [np.nan if row[name] is None else row[name] for row in objects]
        np.testing.assert_array_equal(table[name], plain)
        np.testing.assert_array_equal(parquet[name].astype(float), plain)
    assert parquet["at"].iloc[0].isoformat() == "2027-01-15T08:00:00.250000+00:00"
    assert objects[0]["at"] == "2027-01-15T08:00:00.250Z"
    # A spreadsheet must not run the name of an upload.
    assert set(table["title"]) == {"'=HYPERLINK(1).mp4"}
    assert objects[0]["title"] == "=HYPERLINK(1).mp4"


def test_excel_gets_a_byte_order_mark(database: Database) -> None:
    record(database, list(moments(3)), title="Köln.mp4", source="video")
    with database.begin() as connection:
        text = b"".join(export(connection, Selection(ME), "csv", excel=True)).decode()
        with pytest.raises(StorageError, match="Only CSV"):
            list(export(connection, Selection(ME), "json", excel=True))
        with pytest.raises(StorageError, match="csv, json, parquet"):
            list(export(connection, Selection(ME), "xml"))
    assert text.startswith(BYTE_ORDER_MARK + "session,")
    assert "Köln.mp4" in text


def test_an_empty_export_is_still_a_file_of_its_kind(database: Database) -> None:
    import pandas as pd

    record(database, list(moments(3)), owner=OTHER)
    assert exported(database, Selection(ME), "csv").decode().startswith("session,source")
    assert json.loads(exported(database, Selection(ME), "json")) == []
    assert len(pd.read_parquet(io.BytesIO(exported(database, Selection(ME), "parquet")))) == 0


def test_sums_by_second_agree_with_the_observations(database: Database) -> None:
    """Distribution, trend and strips against the same figures worked out from the stream itself."""
    stream = list(moments(1_500, most_faces=4))
    record(database, stream[:900])
    record(database, stream, owner=OTHER)
    faces = [face for moment in stream[:900] for face in moment.faces]
    with database.begin() as connection:
        shown = trends.distribution(connection, Selection(ME))
        points = trends.trend(connection, Selection(ME), 60)
        strips = trends.strips(connection, Selection(ME), 1)
    assert shown == Counter(dict.fromkeys(Emotion, 0)) | Counter(face.label for face in faces)
    assert sum(shown.values()) == len(faces)

    start = int(START_S)
    minutes = sorted({int(START_S + m.time_s) // 60 * 60 for m in stream[:900]})
    assert [point.second for point in points] == minutes
    inside = [m for m in stream[:900] if int(START_S + m.time_s) // 60 * 60 == minutes[0]]
    probabilities = [f.seen.prediction.probabilities for m in inside for f in m.faces]
    assert points[0].mean is not None
    np.testing.assert_allclose(
        points[0].mean.probabilities, np.mean(probabilities, axis=0), atol=1e-4
    )
    assert points[0].faces == pytest.approx(len(probabilities) / len(inside))
    assert sum(point.new_faces for point in points) == len({face.track_id for face in faces})

    longest = Counter(face.track_id for face in faces).most_common(trends.MOST_STRIPS)
    assert {point.track_id for point in strips} == {track for track, _ in longest}
    assert min(point.second for point in strips) >= start


def test_what_everyone_shows_now_and_what_they_showed_before(database: Database) -> None:
    happy, sad = np.eye(7)[3] + 0.01, np.eye(7)[4] + 0.01
    stream = [
        Moment(i, i / 10, (tracked_face(1, sad if i < 600 else happy),)) for i in range(1_200)
    ]
    record(database, stream, at_s=1_800_000_000)
    with database.begin() as connection:
        found = trends.change(connection, Selection(ME), seconds=60)
        nothing = trends.change(connection, Selection(OTHER))
    assert found is not None
    assert found.before is not None
    assert (found.now.label, found.before.label) == (Emotion.HAPPY, Emotion.SAD)
    assert nothing is None


def test_periods_sources_and_sessions_are_chosen(database: Database) -> None:
    days = [START_S + 86_400 * day for day in range(3)]
    numbers = [record(database, list(moments(50)), at_s=at) for at in days]
    record(database, list(moments(50)), source="video", title="/home/me/match.mp4")
    with database.begin() as connection:
        found = sessions(connection, Selection(ME))
        assert [one.id for one in found if one.source == "webcam"] == numbers[::-1]
        [video] = sessions(connection, Selection(ME, source="video"))
        assert (video.title, video.frames, video.detector) == ("match.mp4", 50, "mediapipe")
        since = round(days[1] * 1000)
        assert count_sessions(connection, Selection(ME, since_ms=since)) == 2
        assert count_sessions(connection, Selection(ME, until_ms=since)) == 2
        assert count_sessions(connection, Selection(None, session_ids=(numbers[0],))) == 1
        one = trends.span(connection, Selection(ME, session_ids=(numbers[2],)))
        assert one == (int(days[2]), int(days[2] + 4.9))


def test_deleting_takes_ones_own_only(database: Database) -> None:
    mine = [record(database, list(moments(100))) for _ in range(2)]
    record(database, list(moments(100)), owner=OTHER)
    assert delete_sessions(database, Selection(OTHER, session_ids=(mine[0],))) == 0
    assert delete_sessions(database, Selection(ME, session_ids=(mine[0],))) == 1
    assert delete_sessions(database, Selection(ME)) == 1
    assert exported(database, Selection(ME), "csv").count(b"\n") == 1
    with database.begin() as connection:
        assert count_sessions(connection, Selection(None)) == 1
        assert sum(trends.distribution(connection, Selection(None)).values()) > 0


def test_old_sessions_are_deleted(database: Database) -> None:
    import time

    record(database, list(moments(5)), at_s=time.time() - 10 * 86_400)
    kept = record(database, list(moments(5)), at_s=time.time() - 3600)
    assert delete_sessions(database, older_than(7)) == 1
    with database.begin() as connection:
        assert [one.id for one in sessions(connection, Selection(None))] == [kept]


def test_a_newer_version_is_refused_and_left_alone(database: Database) -> None:
    number = record(database, list(moments(5)))
    with database.begin() as connection:
        connection.execute(SCHEMA.update().values(version=SCHEMA_VERSION + 1))
    later = Database(database.url.render_as_string(hide_password=False))
    with pytest.raises(StorageError, match=r"version 1\. Received: version 2.*Update this program"):
        delete_sessions(later, Selection(None))
    recorder = Recorder(later)
    recorder.start(Origin(ME, "webcam")).add(next(moments(1)))
    assert "version 2" in str(recorder.close(timeout_s=2).error)
    with database.begin() as connection:  # the one that was checked before the change
        assert [one.id for one in sessions(connection, Selection(None))] == [number]


def test_somebody_elses_tables_are_refused(database: Database) -> None:
    with without_us(database) as connection:
        SESSION.create(connection)
    with pytest.raises(StorageError, match="version unknown"), database.begin():
        pass


def test_a_database_whose_creation_was_interrupted_is_completed(database: Database) -> None:
    with without_us(database) as connection:
        SCHEMA.create(connection)
    record(database, list(moments(5)))
    with database.begin() as connection:
        assert count_sessions(connection, Selection(ME)) == 1


def _record_some(address: str) -> None:
    record(Database(address), list(moments(20)))


def test_several_programs_may_begin_at_once(address: str) -> None:
    context = multiprocessing.get_context("spawn")
    programs = [context.Process(target=_record_some, args=(address,)) for _ in range(4)]
    for program in programs:
        program.start()
    for program in programs:
        program.join(60)
    assert [program.exitcode for program in programs] == [0] * 4
    database = Database(address)
    with database.begin() as connection:
        assert count_sessions(connection, Selection(ME)) == 4
    database.close()


def test_names_of_sessions() -> None:
    for number in (0, 255, 2**48 - 1):
        assert session_number(session_name(number)) == number
        assert len(session_name(number)) == 12
    assert [session_number(text) for text in ("", "xyz", "f" * 13)] == [None] * 3


def test_fitting_steps() -> None:
    lengths = [0, 500, 3_600, 86_400, 30 * 86_400]
    steps = [trends.fitting_step(seconds) for seconds in lengths]
    assert all(a <= b for a, b in pairwise(steps))
    assert steps[0] == 1
    assert all(
        seconds / step <= trends.MOST_POINTS for seconds, step in zip(lengths, steps, strict=True)
    )
