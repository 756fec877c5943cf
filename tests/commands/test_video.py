"""What ``python -m emotion video`` may write to, and whose fault it is when that fails."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from support.places import ROOT
from support.videos import FPS, make_video, quadrants

from emotion.__main__ import main
from emotion.moments import Moment
from emotion.results import MOMENT_COLUMNS
from emotion.streams.table import MomentTable


@pytest.mark.parametrize("option", ["--out", "--csv"])
def test_a_folder_as_target_is_refused_before_the_video_is_opened(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is no video, which would otherwise be what is said."""
    folder = tmp_path / "results.mp4"
    folder.mkdir()
    assert main(["video", str(tmp_path / "video.mp4"), option, str(folder)]) == 1
    said = capsys.readouterr().err
    assert f"{option} must name a file. Received: {folder}, which is a folder." in said
    assert str(folder / "video.") in said


def moments(count: int) -> list[Moment]:
    return [Moment(number, number / 10, ()) for number in range(count)]


def test_what_fails_elsewhere_is_not_blamed_on_the_table(tmp_path: Path) -> None:
    with (
        pytest.raises(OSError, match=r"^the disk of the copy is full$"),
        MomentTable(tmp_path / "t.csv"),
    ):
        raise OSError("the disk of the copy is full")
    assert list(tmp_path.iterdir()) == []


def test_a_complete_table_takes_its_name(tmp_path: Path) -> None:
    with MomentTable(tmp_path / "t.csv") as table:
        for moment in moments(2):
            table.write(moment)
        assert not (tmp_path / "t.csv").exists()
    empty = "," * (len(MOMENT_COLUMNS) - 2)
    lines = [",".join(MOMENT_COLUMNS), f"0.000,0{empty}", f"0.100,1{empty}"]
    assert (tmp_path / "t.csv").read_text().splitlines() == lines
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


TABLE_ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from emotion.errors import VideoError
from emotion.streams.table import MomentTable
from emotion.moments import Moment
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    with MomentTable(Path(sys.argv[1])) as table:
        for number in range(int(sys.argv[2])):
            table.write(Moment(number, float(number), ()))
except VideoError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a limit for files stands in for a full disk")
@pytest.mark.parametrize("rows", [100, 2000], ids=["when it is closed", "in the middle"])
def test_a_table_on_a_full_disk_is_explained_and_leaves_nothing(tmp_path: Path, rows: int) -> None:
    words = [sys.executable, "-W", "error", "-c", TABLE_ON_A_FULL_DISK, tmp_path / "t.csv", rows]
    done = subprocess.run(
        list(map(str, words)), cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.startswith(f"{tmp_path / 't.csv'} cannot be written: ")
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "latest.csv").symlink_to("store/real.csv")
    with MomentTable(tmp_path / "latest.csv") as table:
        table.write(moments(1)[0])
    assert (tmp_path / "latest.csv").is_symlink()
    assert len((tmp_path / "store" / "real.csv").read_text().splitlines()) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no FIFOs")
def test_a_pipe_is_written_into_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as threads:
        reading = threads.submit(pipe.read_text)
        with MomentTable(pipe) as table:
            table.write(moments(1)[0])
        assert len(reading.result(timeout=30).splitlines()) == 2
    assert pipe.is_fifo()


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a minute of which every frame is another one, with audio."""
    images = [np.roll(quadrants(320, 240), 3 * number, 1) for number in range(30 * FPS)]
    return make_video(tmp_path_factory.mktemp("videos") / "video.mp4", images, sound="aac")


def emotion_video(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "emotion", "video", "--detector", "haar", "--every", "15"]
    return subprocess.run(
        list(map(str, [*command, *words])), cwd=ROOT, capture_output=True, text=True, timeout=300
    )


def test_a_table_for_stdout_is_alone_there(video: Path) -> None:
    for name in ("-", "/dev/stdout"):
        done = emotion_video(video, "--csv", name)
        assert done.returncode == 0, done.stderr
        rows = list(csv.reader(done.stdout.splitlines()))
        assert tuple(rows[0]) == MOMENT_COLUMNS
        assert len(rows) == 3
        assert (
            done.stderr
            == "30.0 s, 2 frames analysed, a face in view in 0 of them, at most 0 at once.\n"
        )
    refused = emotion_video(video, "--csv", "-", "--json")
    assert refused.returncode == 1
    assert "cannot both be printed" in refused.stderr


@pytest.mark.parametrize(("option", "name"), [("--csv", "old.csv"), ("--out", "old.mp4")])
def test_what_exists_is_replaced_only_when_told_so(
    tmp_path: Path, video: Path, option: str, name: str
) -> None:
    target = tmp_path / name
    target.write_text("kept for years", encoding="utf-8")
    refused = emotion_video(video, option, target)
    assert refused.returncode == 1
    assert f"{target} exists already" in refused.stderr
    assert target.read_text(encoding="utf-8") == "kept for years"
    done = emotion_video(video, option, target, "--force")
    assert done.returncode == 0, done.stderr
    assert target.stat().st_size > 100


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stopped_video_leaves_nothing_behind(
    tmp_path: Path, video: Path, number: int, status: int
) -> None:
    words = [sys.executable, "-m", "emotion", "video", video, "--detector", "haar"]
    words += ["--out", tmp_path / "out.mp4", "--csv", tmp_path / "out.csv"]
    running = subprocess.Popen(list(map(str, words)), cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + 120
        while len(list(tmp_path.iterdir())) < 2 and running.poll() is None:
            assert time.monotonic() < until
            time.sleep(0.05)
        time.sleep(0.5)  # in the middle of the video
        running.send_signal(number)
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == status, said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []
