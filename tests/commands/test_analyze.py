"""``python -m emotion analyze`` as people start it: a process, its output and its exit status."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image as PillowImage
from support.local_hub import LocalHub, Repository
from support.places import ROOT

from emotion.faces import DETECTORS
from emotion.pictures import find_pictures
from emotion.types import Emotion
from emotion.weights.find import find_weights

KEYS = ["source", "width", "height", "faces", "error", "note"]
FACE_KEYS = [
    *("box", "score", "label", "confidence", "probabilities"),
    *("roll", "sure", "second"),
]


ON_A_FULL_DISK = """
import resource, sys
from emotion.__main__ import main
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
sys.exit(main(["analyze", *sys.argv[2:]]))
"""
"""A limit for files stands in for a full disk."""


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-W", "error", "-m", "emotion", "analyze", *map(str, arguments)]


def analyze(
    *arguments: str | Path, cwd: Path = ROOT, **variables: str
) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | variables
    return subprocess.run(
        command(*arguments), cwd=cwd, env=environment, capture_output=True, text=True, timeout=120
    )


def objects(result: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def album(portrait: Path, tmp_path: Path) -> Path:
    """Three pictures, two of one name, one broken, and files that are no pictures."""
    folder = tmp_path / "album"
    (folder / "more" / ".thumbnails").mkdir(parents=True)
    shutil.copy(portrait, folder / "one.jpg")
    shutil.copy(portrait, folder / "more" / "one.jpg")
    shutil.copy(portrait, folder / "more" / ".thumbnails" / "one.jpg")
    PillowImage.fromarray(np.full((60, 80, 3), 90, np.uint8)).save(folder / "more" / "grey.PNG")
    (folder / "broken.jpg").write_bytes(portrait.read_bytes()[:300])
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.mark.parametrize("detector", DETECTORS)
def test_json_has_the_promised_shape(portrait: Path, detector: str) -> None:
    result = analyze(portrait, "--json", "--detector", detector)
    assert (result.returncode, result.stderr) == (0, "")
    [record] = objects(result)
    assert list(record) == KEYS
    assert record["source"] == str(portrait)
    assert record["error"] is None
    with PillowImage.open(portrait) as picture:
        assert (record["width"], record["height"]) == picture.size
    [face] = record["faces"]
    assert list(face) == FACE_KEYS
    x1, y1, x2, y2 = face["box"]
    assert all(isinstance(side, int) for side in face["box"])
    assert 0 <= x1 < x2 <= record["width"]
    assert 0 <= y1 < y2 <= record["height"]
    assert 0 <= face["score"] <= 1
    assert list(face["probabilities"]) == list(Emotion)
    assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert face["confidence"] == max(face["probabilities"].values())
    assert face["probabilities"][face["label"]] == face["confidence"]


def test_a_folder_is_read_to_the_end_whatever_it_holds(album: Path) -> None:
    result = analyze(album, "--json")
    assert result.returncode == 1
    records = {str(Path(r["source"]).relative_to(album)): r for r in objects(result)}
    assert sorted(records) == ["broken.jpg", "more/grey.PNG", "more/one.jpg", "one.jpg"]
    assert records["broken.jpg"]["faces"] == []
    assert records["broken.jpg"]["error"]
    assert records["more/grey.PNG"] == {
        "source": str(album / "more" / "grey.PNG"),
        "width": 80,
        "height": 60,
        "faces": [],
        "error": None,
        "note": None,
    }
    assert len(records["one.jpg"]["faces"]) == 1
    assert records["one.jpg"]["faces"] == records["more/one.jpg"]["faces"]


def test_a_glob_is_expanded_and_a_file_counts_once(album: Path) -> None:
    result = analyze("more/*.jpg", "**/one.jpg", "more/one.jpg", "--json", cwd=album)
    assert result.returncode == 0
    assert sorted(record["source"] for record in objects(result)) == ["more/one.jpg", "one.jpg"]


@pytest.mark.parametrize("path", ["missing.jpg", "*.webp", "empty", "notes.txt"])
def test_what_holds_no_picture_gets_an_error(album: Path, path: str) -> None:
    (album / "empty").mkdir()
    result = analyze(path, "one.jpg", "--json", cwd=album)
    assert result.returncode == 1
    first, second = objects(result)
    assert first["source"] == path
    assert first["error"]
    assert first["faces"] == []
    assert second["error"] is None


def test_a_name_that_looks_like_a_glob_is_a_name(album: Path) -> None:
    (album / "one.jpg").rename(album / "one[1].jpg")
    assert find_pictures(str(album / "one[1].jpg")).files == (album / "one[1].jpg",)


def test_text_says_what_was_found(album: Path) -> None:
    result = analyze("one.jpg", "more/grey.PNG", "broken.jpg", cwd=album)
    assert result.returncode == 1
    assert "one.jpg: 1 face" in result.stdout
    assert "more/grey.PNG: No face" in result.stdout
    assert "broken.jpg: " in result.stderr
    assert "broken.jpg" not in result.stdout
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("form", ["text", "--json", "--csv"])
def test_a_name_that_is_no_text_stops_nothing(album: Path, form: str) -> None:
    """As in a folder that was unpacked with another encoding."""
    (album / "one.jpg").rename(album / "caf\udce9.jpg")  # on the disk: the byte E9
    options = [] if form == "text" else [form]
    # As Python has it where the locale is en_US.UTF-8; in C.UTF-8 it would let the byte through.
    strict = {"PYTHONIOENCODING": "utf-8:strict"}
    result = analyze("caf\udce9.jpg", "more/one.jpg", *options, cwd=album, **strict)
    assert (result.returncode, result.stderr) == (0, "")
    assert "caf\\udce9.jpg" in result.stdout
    assert "more/one.jpg" in result.stdout
    if form == "--json":
        assert objects(result)[0]["source"] == "caf\udce9.jpg", "a program gets the very name"


def test_csv_has_one_line_for_each_face(album: Path) -> None:
    result = analyze("one.jpg", "more/grey.PNG", "broken.jpg", "--csv", cwd=album)
    assert result.returncode == 1
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["source"] for row in rows] == ["one.jpg", "more/grey.PNG", "broken.jpg"]
    assert {"label", "confidence", "error", *Emotion} <= set(rows[0])
    assert rows[0]["label"] in list(Emotion)
    assert rows[1]["label"] == ""
    assert rows[2]["error"]


def test_annotated_pictures_are_new_files(album: Path) -> None:
    before = (album / "one.jpg").read_bytes()
    result = analyze("one.jpg", "more/one.jpg", "more/grey.PNG", "--annotated", "out", cwd=album)
    assert result.returncode == 0, result.stderr
    written = sorted((album / "out").glob("*.*g"))
    assert [path.name for path in written] == ["grey.png", "one-2.jpg", "one.jpg"]
    for path in written[1:]:
        with PillowImage.open(path) as drawn, PillowImage.open(album / "one.jpg") as source:
            assert drawn.size == source.size
            change = np.abs(np.asarray(drawn, float) - np.asarray(source.convert("RGB"), float))
            assert change.max() > 50
    assert (album / "one.jpg").read_bytes() == before


def test_annotated_never_overwrites_its_source(album: Path) -> None:
    before = (album / "one.jpg").read_bytes()
    assert analyze("one.jpg", "--annotated", ".", cwd=album).returncode == 0
    assert (album / "one.jpg").read_bytes() == before
    assert (album / "one-2.jpg").is_file()


def test_a_picture_that_cannot_be_written_is_named_and_the_rest_goes_on(album: Path) -> None:
    long = "x" * 251 + ".jpg"  # as long as a name may be: there is no room for -2
    (album / "one.jpg").rename(album / long)
    result = analyze(long, "more/one.jpg", "--annotated", ".", cwd=album)
    assert result.returncode == 1
    assert result.stderr.startswith(f"{long}: ")
    assert "-2.jpg cannot be written: " in result.stderr
    assert "more/one.jpg: 1 face" in result.stdout
    assert (album / "one.jpg").is_file()


def test_a_full_disk_leaves_no_cut_picture(album: Path) -> None:
    limit = (album / "one.jpg").stat().st_size // 4
    words = [sys.executable, "-c", ON_A_FULL_DISK, str(limit)]
    options = ["one.jpg", "more/grey.PNG", "--annotated", "out"]
    done = subprocess.run(
        [*words, *options],
        cwd=album,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    assert "one.jpg cannot be written: " in done.stderr
    assert [path.name for path in (album / "out").glob("[!.]*")] == ["grey.png"]


def test_ctrl_c_leaves_no_cut_picture(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (3000, 3000, 3)).astype(np.uint8)
    PillowImage.fromarray(noise).save(tmp_path / "noise.png", compress_level=0)
    process = subprocess.Popen(
        command("noise.png", "noise.png", "--annotated", "out"),
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    out = tmp_path / "out"
    while process.poll() is None and not any(p.stat().st_size for p in out.glob("*.png")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    for path in out.glob("*.png"):
        with PillowImage.open(path) as picture:
            picture.load()


def test_annotated_into_a_file_is_refused(album: Path) -> None:
    result = analyze("one.jpg", "--annotated", "notes.txt", cwd=album)
    assert result.returncode == 1
    assert "notes.txt" in result.stderr
    assert "Traceback" not in result.stderr


def test_min_score_leaves_faces_out(portrait: Path) -> None:
    [record] = objects(analyze(portrait, "--json", "--detector", "haar", "--min-score", "1"))
    [all_of_them] = objects(analyze(portrait, "--json", "--detector", "haar", "--min-score", "0"))
    assert all(face["score"] == 1 for face in record["faces"])
    assert len(all_of_them["faces"]) >= 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["x.jpg", "--detector", "eyes"],
        ["x.jpg", "--min-score", "1.5"],
        ["x.jpg", "--min-score", "high"],
        ["x.jpg", "--json", "--csv"],
        ["x.jpg", "--runtime", "abacus"],
        ["x.jpg", "--colour"],
    ],
)
def test_wrong_usage_is_status_2(arguments: list[str]) -> None:
    result = analyze(*arguments)
    assert result.returncode == 2
    assert result.stderr.startswith("usage: ")
    assert result.stdout == ""


def test_missing_weights_are_one_clear_message(portrait: Path) -> None:
    result = analyze(portrait, "--weights", "nobody")
    assert result.returncode == 1
    assert "Received: 'nobody'" in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_weights_of_a_branch_are_named_by_their_commit(portrait: Path, tmp_path: Path) -> None:
    with LocalHub() as hub:
        files = {path.name: path.read_bytes() for path in find_weights().iterdir()}
        hub.repositories["me/faces"] = Repository()
        commit = hub.repositories["me/faces"].commit(files)
        place = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path), "HF_HUB_DISABLE_XET": "1"}
        result = analyze(portrait, "--weights", "hf://me/faces", **place)
    assert result.returncode == 0, result.stderr
    assert f"is now commit {commit}" in result.stderr


def test_a_reader_may_leave_early(album: Path) -> None:
    """As in ``emotion analyze … --json | head -1``."""
    for number in range(20):
        shutil.copy(album / "more" / "grey.PNG", album / f"{number}.png")
    process = subprocess.Popen(
        command(album, "--json"), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    assert process.stderr
    process.stdout.readline()
    process.stdout.close()
    complaints = process.stderr.read().decode()
    process.wait(60)
    process.stderr.close()
    assert complaints == ""


def in_terminal(process_arguments: list[str]) -> tuple[subprocess.Popen[bytes], int]:
    """Start a command whose stderr is a terminal; returns it and our end of the terminal."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    process = subprocess.Popen(
        process_arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    return process, ours


def read_terminal(handle: int) -> str:
    """Everything that was shown until the other end closed."""
    shown = b""
    while True:
        try:
            part = os.read(handle, 4096)
        except OSError:  # Linux reports a closed terminal so
            break
        if not part:
            break
        shown += part
    os.close(handle)
    return shown.decode()


def test_long_work_shows_progress_in_a_terminal_only(album: Path) -> None:
    process, handle = in_terminal(command(album, "--json"))
    shown = read_terminal(handle)
    output, _ = process.communicate(timeout=120)
    assert "4/4" in shown
    assert len(output.splitlines()) == 4
    assert "4/4" not in analyze(album, "--json").stderr


def test_ctrl_c_ends_tidily(album: Path) -> None:
    for number in range(300):
        shutil.copy(album / "one.jpg", album / f"copy-{number}.jpg")
    process = subprocess.Popen(
        command(album, "--json"), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    process.stdout.readline()
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, complaints = process.communicate(timeout=60)
    assert process.returncode == 130
    assert complaints.decode().strip() == "emotion analyze: stopped."
    for line in output.decode().splitlines():
        json.loads(line)


def test_every_kind_of_picture_in_a_folder_is_read(portrait: Path, tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "holiday", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    with PillowImage.open(portrait) as picture:
        for name in ("a.jfif", "b.avif", "c.webp", "e.jp2"):
            kind = {".jfif": "JPEG", ".jp2": "JPEG2000"}.get(Path(name).suffix)
            picture.save(folder / name, kind)
        pillow_heif.from_pillow(picture).save(folder / "d.heic")
    shutil.copy(portrait, elsewhere / "f.jpg")
    (folder / "linked").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(folder)
    records = objects(analyze(folder, "--json"))
    names = [str(Path(record["source"]).relative_to(folder)) for record in records]
    assert names == ["a.jfif", "b.avif", "c.webp", "d.heic", "e.jp2", "linked/f.jpg"]
    assert all(len(record["faces"]) == 1 for record in records)


@pytest.mark.skipif(not shutil.which("setpriv"), reason="root may read every folder")
def test_what_cannot_be_searched_is_named(portrait: Path, tmp_path: Path) -> None:
    shutil.copy(portrait, tmp_path / "a.jpg")
    (tmp_path / "locked").mkdir(mode=0)
    caps = "-dac_override,-dac_read_search"
    words = ["setpriv", f"--inh-caps={caps}", f"--bounding-set={caps}"] if os.geteuid() == 0 else []
    result = subprocess.run(
        [*words, *command(tmp_path, "--json")],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    (tmp_path / "locked").chmod(0o700)
    assert result.returncode == 1
    assert f"{tmp_path / 'locked'} cannot be searched: Permission denied." in result.stderr
    assert [Path(record["source"]).name for record in objects(result)] == ["a.jpg"]


def test_own_annotated_pictures_are_not_analysed_again(album: Path) -> None:
    assert analyze("one.jpg", "--annotated", "more/out", cwd=album).returncode == 0
    assert analyze("one.jpg", "--annotated", ".", cwd=album).returncode == 0
    names = sorted(record["source"] for record in objects(analyze(".", "--json", cwd=album)))
    assert names == ["broken.jpg", "more/grey.PNG", "more/one.jpg", "one.jpg"]


def test_brackets_in_a_folder_are_part_of_its_name(portrait: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos[2020]"
    folder.mkdir()
    shutil.copy(portrait, folder / "a.jpg")
    assert find_pictures(str(folder / "*.jpg")).files == (folder / "a.jpg",)
    assert find_pictures(str(tmp_path / "photos*" / "*.jpg")).files == (folder / "a.jpg",)


def test_json_for_a_stream_that_is_not_unicode_gives_the_name_back(
    portrait: Path, tmp_path: Path
) -> None:
    name = tmp_path / "emoji 😀.jpg"
    shutil.copy(portrait, name)
    result = analyze(name, "--json", PYTHONIOENCODING="cp1252")
    assert result.stdout.isascii()
    assert objects(result)[0]["source"] == str(name)


def test_csv_for_excel_begins_with_a_byte_order_mark(portrait: Path) -> None:
    assert analyze(portrait, "--csv", "--excel").stdout.startswith("\ufeffsource,")
    assert analyze(portrait, "--csv").stdout.startswith("source,")


def test_several_processes_give_what_one_gives(portrait: Path, tmp_path: Path) -> None:
    for number in range(17):
        shutil.copy(portrait, tmp_path / f"{number:02}.jpg")
    (tmp_path / "07.jpg").write_bytes(b"broken")
    one, two = (analyze(tmp_path, "--json", "--jobs", jobs) for jobs in ("1", "2"))
    assert (one.stdout, one.returncode) == (two.stdout, two.returncode)
    assert two.returncode == 1


def test_a_run_goes_on_where_an_earlier_one_stopped(portrait: Path, tmp_path: Path) -> None:
    folder, log = tmp_path / "album", tmp_path / "out.jsonl"
    folder.mkdir()
    for number in range(4):
        shutil.copy(portrait, folder / f"{number}.jpg")
    assert analyze(folder, "--resume", log).returncode == 0
    whole = log.read_bytes()
    lines = whole.splitlines(keepends=True)
    assert len(lines) == 4
    log.write_bytes(b"".join(lines[:2]) + lines[2][:40])  # as after a crash in mid-line
    assert analyze(folder, "--resume", log).returncode == 0
    assert log.read_bytes() == whole
    assert analyze(folder, "--resume", log).returncode == 0
    assert log.read_bytes() == whole


def test_resuming_never_writes_into_another_file(portrait: Path, tmp_path: Path) -> None:
    other = tmp_path / "diary.txt"
    other.write_text("Dear diary,\n")
    result = analyze(portrait, "--resume", other)
    assert result.returncode == 1
    assert "whose line 1 is no record" in result.stderr
    assert other.read_text() == "Dear diary,\n"
