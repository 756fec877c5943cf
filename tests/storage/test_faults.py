"""What goes wrong with a database never reaches the stream, and is said clearly."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.databases import PASSWORD, QUOTED_PASSWORD, Server
from support.places import ROOT
from support.running_app import free_port
from support.streams import moments

from emotion.errors import StorageError
from emotion.storage import trends
from emotion.storage.database import URL_VARIABLE, Database, default_url
from emotion.storage.deletion import delete_sessions
from emotion.storage.queries import Selection, StoredSession, observations, sessions
from emotion.storage.recorder import Origin, Recorder
from emotion.storage.rows import observation_rows
from emotion.storage.writer import SessionTail, write_rows

Opened = Callable[..., Recorder]

WEBCAM = Origin("a" * 64, "webcam", detector="mediapipe", weights="compact")

UNTIL_KILLED = """
import sys, time
from emotion.storage.database import Database
from emotion.storage.recorder import Origin, Recorder
from support.streams import moments
recording = Recorder(Database(sys.argv[1])).start(Origin("a" * 64, "webcam"))
for moment in moments(100_000):
    recording.add(moment)
    print(moment.frame, flush=True)
    time.sleep(0.1)
"""


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for what happens on another thread; fail if it never does."""
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("It did not happen within a minute.")


def stored(database: Database) -> StoredSession:
    """The only session, checked to be whole: each row once, each frame in its place."""
    with database.begin() as connection:
        [session] = sessions(connection, Selection(None))
        rows = [row for _, part in observations(connection, Selection(None)) for row in part]
    assert [row.n for row in rows] == list(range(session.observations))
    frames = sorted({row.frame for row in rows})
    assert frames == list(range(len(frames)))
    assert session.frames == len(frames)
    return session


def test_a_process_that_is_killed_loses_the_last_second_at_most(
    tmp_path: Path, opened: Opened
) -> None:
    file = tmp_path / "records.db"
    with subprocess.Popen(
        [sys.executable, "-c", UNTIL_KILLED, str(file)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
    ) as program:
        assert program.stdout is not None
        shown = -1
        while shown < 50:
            shown = int(program.stdout.readline())
        program.send_signal(signal.SIGKILL)
    kept = stored(opened(file).database).frames
    assert kept > shown - 20  # the second that waits, and one that is being written
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


@pytest.fixture
def on_small_disk(tmp_path: Path) -> Callable[[str], dict[str, dict[str, object]]]:
    """Runs ``small_disk.py``, whose file system exists for that program only."""

    def run(fault: str) -> dict[str, dict[str, object]]:
        unshare = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
        if subprocess.run([*unshare, "true"], capture_output=True).returncode:
            pytest.skip("This machine does not let us mount a small disk.")
        script = ROOT / "tests" / "support" / "small_disk.py"
        done = subprocess.run(
            [*unshare, sys.executable, str(script), str(tmp_path), fault],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, dict[str, object]] = json.loads(done.stdout)
        return answer

    return run


def test_a_full_disk(on_small_disk: Callable[[str], dict[str, dict[str, object]]]) -> None:
    said = on_small_disk("full")
    assert "full" in str(said["while_full"]["error"])
    assert "Make room" in str(said["while_full"]["error"])
    assert said["while_full"]["lost"] == 0
    assert said["after"]["error"] is None
    assert (said["after"]["waiting"], said["after"]["lost"]) == (0, 0)
    assert said["frames"] == 600


def test_a_read_only_folder(on_small_disk: Callable[[str], dict[str, dict[str, object]]]) -> None:
    status = on_small_disk("readonly")["status"]
    assert "folder must exist and be writable" in str(status["error"])
    assert (status["written"], status["lost"]) == (0, 0)


def test_a_locked_file(tmp_path: Path, opened: Opened) -> None:
    recorder = opened(tmp_path / "records.db")
    database = recorder.database
    recording = recorder.start(WEBCAM)
    stream = moments(200)
    recording.add(next(stream))
    wait_until(lambda: recorder.status.written > 0)
    other = sqlite3.connect(database.place)
    other.execute("BEGIN EXCLUSIVE")
    for moment in stream:
        recording.add(moment)
    wait_until(lambda: recorder.status.error is not None)
    assert "Another program is using the file" in str(recorder.status.error)
    other.rollback()
    other.close()
    wait_until(lambda: recorder.status.waiting == 0)
    assert recorder.close().lost == 0
    assert stored(database).frames == 200


def test_a_file_that_is_no_database(tmp_path: Path, opened: Opened) -> None:
    file = tmp_path / "records.db"
    file.write_text("My diary. " * 500)
    with pytest.raises(StorageError, match=r"not a database\. Name another file"):
        delete_sessions(opened(file).database, Selection(None))
    assert file.read_text().startswith("My diary")


def test_a_file_that_is_deleted_while_the_app_runs(tmp_path: Path, opened: Opened) -> None:
    recorder = opened(tmp_path / "records.db")
    database = recorder.database
    recorder.start(WEBCAM).add(next(moments(1)))
    wait_until(lambda: recorder.status.written > 0)
    for file in tmp_path.glob("records.db*"):
        file.unlink()
    with pytest.raises(StorageError, match="no records yet"), database.begin():
        pass
    second = recorder.start(WEBCAM)
    for moment in moments(20):
        second.add(moment)
    assert recorder.close().lost == 0
    assert stored(database).frames == 20


def test_a_server_that_goes_and_comes_back(server: Server, opened: Opened) -> None:
    recorder = opened(server.new_database())
    database = recorder.database
    recording = recorder.start(WEBCAM)
    stream = moments(300)
    for _ in range(100):
        recording.add(next(stream))
    wait_until(lambda: recorder.status.waiting == 0)
    server.stop()
    try:
        for _ in range(100):
            recording.add(next(stream))
        wait_until(lambda: recorder.status.error is not None)
        assert recorder.status.waiting > 0
    finally:
        server.start()
    for moment in stream:
        recording.add(moment)
    wait_until(lambda: recorder.status.waiting == 0)
    status = recorder.close()
    assert (status.lost, status.error) == (0, None)
    assert stored(database).frames == 300


@pytest.mark.parametrize("fault", ["password", "port"])
def test_a_server_that_does_not_let_us_in(server: Server, fault: str, opened: Opened) -> None:
    address = server.new_database()
    if fault == "password":
        address = address.replace(QUOTED_PASSWORD, "my%20secret")
    else:
        address = address.replace(str(server.port), str(free_port()))
    recorder = opened(address)
    database = recorder.database
    recording = recorder.start(WEBCAM)
    for moment in moments(30):
        recording.add(moment)
    wait_until(lambda: recorder.status.error is not None)
    said = f"{recorder.status.error} {database.place}"
    assert "secret" not in said
    assert PASSWORD not in said
    assert "***" in said
    expected = ("password", "denied") if fault == "password" else ("connect", "refused")
    assert any(word in said.lower() for word in expected), said
    with pytest.raises(StorageError, match="cannot be used"), database.begin():
        pass


def test_a_buffer_that_is_full_loses_the_new_and_says_so(tmp_path: Path, opened: Opened) -> None:
    (tmp_path / "records.db").mkdir()
    recorder = opened(tmp_path / "records.db", capacity=50)
    recording = recorder.start(WEBCAM)
    stream = [replace(moment, faces=()) for moment in moments(120)]
    for moment in stream:
        recording.add(moment)
    status = recorder.status
    assert (status.waiting, status.lost) == (50, 70)
    (tmp_path / "records.db").rmdir()
    wait_until(lambda: recorder.status.waiting == 0)
    assert stored(recorder.database).frames == 50
    recorder.close()


def test_a_session_deleted_while_it_is_recorded_stays_deleted(address: str, opened: Opened) -> None:
    recorder = opened(address)
    database = recorder.database
    recording = recorder.start(WEBCAM)
    stream = moments(200)
    for _ in range(100):
        recording.add(next(stream))
    wait_until(lambda: recorder.status.waiting == 0)
    assert delete_sessions(database, Selection(WEBCAM.owner)) == 1
    for _ in range(50):
        recording.add(next(stream))
    wait_until(lambda: recording.deleted)
    for moment in stream:
        recording.add(moment)
    status = recorder.close()
    assert status.error is None
    assert status.lost > 0
    with database.begin() as connection:
        assert sessions(connection, Selection(None)) == []
        assert trends.span(connection, Selection(None)) is None


def test_a_batch_whose_outcome_was_unknown_is_not_written_twice(
    address: str, opened: Opened
) -> None:
    """The connection broke after the commit and before the answer: the same batch comes again."""
    recorder = opened(address)
    database, recording = recorder.database, recorder.start(WEBCAM)
    rows = [row | {"n": n} for n, row in enumerate(_rows(recording.info, 30))]
    tail = SessionTail(recording.info)
    for _ in range(2):
        with database.begin(create=True) as connection:
            seconds = write_rows(connection, tail, rows)
    assert seconds is not None
    assert stored(database).observations == len(rows)
    with database.begin() as connection:
        counted = sum(trends.distribution(connection, Selection(None)).values())
    assert counted == sum(row["track_id"] is not None for row in rows)


def _rows(info, frames: int):  # type: ignore[no-untyped-def]
    return [row for moment in moments(frames) for row in observation_rows(info, moment, 0)]


def test_a_clock_that_is_set_back_disorders_nothing(tmp_path: Path, opened: Opened) -> None:
    """A recording reads the clock once; the next one may lie before it."""
    clock = iter([1_800_000_000.0, 1_700_000_000.0])
    recorder = opened(tmp_path / "records.db", clock=lambda: next(clock))
    for _ in range(2):
        recording = recorder.start(WEBCAM)
        for moment in moments(100):
            recording.add(moment)
    assert recorder.close().lost == 0
    with recorder.database.begin() as connection:
        found = sessions(connection, Selection(None))
        points = trends.trend(connection, Selection(None), 60)
    assert [one.started_ms for one in found] == [1_800_000_000_000, 1_700_000_000_000]
    assert [point.second for point in points] == sorted(point.second for point in points)
    assert {one.duration_s for one in found} == {9.9}


@pytest.mark.parametrize("time_s", [1e300, -5.0])
def test_a_browser_whose_clock_is_wrong(tmp_path: Path, time_s: float, opened: Opened) -> None:
    recorder = opened(tmp_path / "records.db")
    recorder.start(WEBCAM).add(replace(next(moments(1)), faces=(), time_s=time_s))
    status = recorder.close()
    assert (status.written, status.error) == (1, None)
    assert 0 <= stored(recorder.database).duration_s <= 367 * 86_400


@pytest.mark.parametrize(
    "address", ["nonsense://x", "mysql://", "sqlite://", "postgresql://user:pass@host:port/name"]
)
def test_addresses_that_cannot_be_meant(address: str) -> None:
    with pytest.raises(StorageError) as error:
        Database(address).begin().__enter__()
    assert "pass" not in str(error.value).replace("password", "").replace("***", "")


def test_where_records_are_kept_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    database = Database()
    assert database.place == str(tmp_path / "emotion" / "records.db")
    assert not database.exists
    assert delete_sessions(database, Selection(None)) == 0
    assert not database.exists  # asking makes no file
    monkeypatch.setenv(URL_VARIABLE, "postgresql://me:secret@db/records")
    assert default_url() == "postgresql://me:secret@db/records"
    assert Database().place == "postgresql+psycopg://me:***@db/records"


def test_deleted_records_are_gone_from_the_file(tmp_path: Path, opened: Opened) -> None:
    for title in ("holiday-in-rome.mp4", "kept.mp4"):
        recorder = opened(tmp_path / "records.db")
        database = recorder.database
        recording = recorder.start(replace(WEBCAM, source="video", title=title))
        for moment in moments(2_000):
            recording.add(moment)
        recorder.close()
    reader = opened(database.place).database  # a dashboard that looks on meanwhile
    with reader.begin() as connection:
        [session] = [s for s in sessions(connection, Selection(None)) if "rome" in s.title]
    size = Path(database.place).stat().st_size
    assert delete_sessions(database, Selection(None, session_ids=(session.id,))) == 1
    reader.close()
    database.close()
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"holiday-in-rome" not in left
    assert b"kept.mp4" in left
    assert Path(database.place).stat().st_size < 0.6 * size
