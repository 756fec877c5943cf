"""``emotion records``, run as people run it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from support.places import ROOT
from support.streams import moments

from emotion.storage.database import Database
from emotion.storage.recorder import Origin, Recorder, owner_hash


def run(*arguments: str, database: Path, status: int = 0) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        [sys.executable, "-m", "emotion", "records", *arguments],
        cwd=ROOT,
        capture_output=True,
        env={**os.environ, "EMOTION_RECORDS_URL": f"sqlite:///{database}"},
        timeout=120,
    )
    assert done.returncode == status, done.stderr.decode()
    return done


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A file with a webcam session and a video, of two owners."""
    file = tmp_path / "records.db"
    recorder = Recorder(Database(str(file)))
    for source, title in (("webcam", ""), ("video", "Fußball, 2. Halbzeit.mp4")):
        owner = owner_hash("user", source)
        recording = recorder.start(Origin(owner, source, title, "mediapipe", "compact"))
        for moment in moments(100, seed=len(title)):
            recording.add(moment)
    recorder.close()
    return file


def names(database: Path) -> dict[str, str]:
    lines = run("list", "--json", database=database).stdout.splitlines()
    return {one["source"]: one["session"] for one in map(json.loads, lines)}


def test_list_and_show(database: Path) -> None:
    text = run("list", database=database)
    assert b"Fu\xc3\x9fball" in text.stdout
    assert f"2 sessions in {database}".encode() in text.stderr
    table = pd.read_csv(io.BytesIO(run("list", "--csv", database=database).stdout))
    assert set(table["source"]) == {"webcam", "video"}
    shown = json.loads(run("show", names(database)["webcam"], "--json", database=database).stdout)
    assert shown["frames"] == 100
    assert sum(shown["shares"].values()) == pytest.approx(1, abs=0.001)
    assert b"frames         100" in run("show", names(database)["video"], database=database).stdout


def test_export_goes_to_pandas_and_excel(database: Path, tmp_path: Path) -> None:
    everything = pd.read_csv(io.BytesIO(run("export", database=database).stdout))
    one = run("export", names(database)["video"], "--excel", database=database).stdout
    assert one.startswith(b"\xef\xbb\xbfsession,")
    video = pd.read_csv(io.BytesIO(one), encoding="utf-8-sig")
    assert len(everything) > len(video) > 90
    assert set(video["title"]) == {"Fußball, 2. Halbzeit.mp4"}
    out = tmp_path / "all.parquet"
    run("export", "--format", "parquet", "--out", str(out), database=database)
    assert len(pd.read_parquet(out)) == len(everything)
    missing = tmp_path / "nowhere" / "all.csv"
    failed = run("export", "--out", str(missing), database=database, status=1)
    assert b"cannot be written" in failed.stderr
    assert sorted(path.name for path in tmp_path.glob("*.p*")) == ["all.parquet"]


def test_delete(database: Path) -> None:
    first = names(database)["webcam"]
    assert b"Deleted 1 session." in run("delete", first, database=database).stdout
    assert b"not found" in run("delete", first, database=database, status=1).stderr
    assert b"Deleted 0" in run("delete", "--older-than", "1", database=database).stdout
    assert b"Deleted 1" in run("delete", "--all", database=database).stdout
    assert names(database) == {}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "nonsense"], b"twelve hexadecimal digits"),
        (["show", "0123456789ab"], b"no session 0123456789ab"),
        (["list", "--database", "nothing/here.db"], b"no records yet"),
        (["list", "--database", "redis://x"], b"redis"),
    ],
)
def test_what_cannot_be_done_is_explained(
    arguments: list[str], said: bytes, database: Path
) -> None:
    failed = run(*arguments, database=database, status=1)
    assert said in failed.stderr
    assert b"Traceback" not in failed.stderr


def test_deleting_nothing_in_particular_is_wrong_usage(database: Path) -> None:
    run("delete", database=database, status=2)
    assert len(names(database)) == 2


def test_pictures_and_videos_are_recorded(tmp_path: Path, portrait: Path, ffmpeg: str) -> None:
    video = tmp_path / "clip.mp4"
    still = ["-loop", "1", "-i", str(portrait), "-t", "1", "-r", "10", "-pix_fmt", "yuv420p"]
    crop = ["-vf", "crop=480:480:0:0"]
    subprocess.run([ffmpeg, "-loglevel", "error", *still, *crop, str(video)], check=True)
    file = tmp_path / "records.db"
    for command in (
        ["analyze", str(portrait), str(tmp_path / "missing.jpg")],
        ["video", str(video)],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "emotion", *command, "--record", f"sqlite:///{file}"],
            cwd=ROOT,
            capture_output=True,
            timeout=300,
        )
        assert done.returncode == (command[0] == "analyze"), done.stderr.decode()
    listed = [json.loads(line) for line in run("list", "--json", database=file).stdout.splitlines()]
    assert {(one["source"], one["title"], one["frames"]) for one in listed} == {
        ("image", portrait.name, 1),
        ("video", "clip.mp4", 10),
    }
    rows = pd.read_csv(io.BytesIO(run("export", database=file).stdout))
    assert set(rows["label"]) == {"happy"}
    assert rows["weights_sha256"].str.len().eq(64).all()


def test_a_database_that_cannot_be_used_ends_a_command_at_once(
    tmp_path: Path, portrait: Path
) -> None:
    (tmp_path / "records.db").write_text("This is no database. " * 100)
    words = ["analyze", str(portrait), "--record", str(tmp_path / "records.db")]
    done = subprocess.run(
        [sys.executable, "-m", "emotion", *words], cwd=ROOT, capture_output=True, timeout=300
    )
    assert done.returncode == 1
    assert b"not a database" in done.stderr
    assert b"Traceback" not in done.stderr
