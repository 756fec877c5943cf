"""``emotion batch``: real Ray, real pictures; what is written, gone on with, damaged and lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image as PillowImage
from support.places import EXAMPLES, ROOT
from support.videos import make_video

from emotion.__main__ import main
from emotion.batch.items import Kind, find_items
from emotion.batch.manifest import Batch, open_batch
from emotion.batch.parts import MANIFEST, PART_COLUMNS
from emotion.batch.places import open_place
from emotion.batch.reading import BatchSettings
from emotion.errors import StorageError
from emotion.images import Picture, read_image
from emotion.pictures import ReadSettings
from emotion.pipeline import EmotionPipeline
from emotion.results import PictureRecord
from emotion.types import Emotion, FaceEmotion, Image

if not os.environ.get("CI"):  # there every test must run
    pytest.importorskip("ray")

# The command switches warnings off while Ray runs; pytest switches them on again.
pytestmark = [
    pytest.mark.install,  # Ray takes a minute
    pytest.mark.filterwarnings("ignore:`ray_remote_args` is deprecated"),
]

SETTINGS = BatchSettings(ReadSettings(), every_s=0.2)
DEADLY = 61
"""Side of a picture that ends the process which reads it, as a fault of a native library would."""


@dataclass(frozen=True)
class DeadlySettings(ReadSettings):
    """Settings whose pipeline dies of one picture."""

    def load(self) -> EmotionPipeline:
        return MortalPipeline.from_pretrained()


class MortalPipeline(EmotionPipeline):
    def __call__(self, image: Image, **options: Any) -> list[FaceEmotion]:
        if image.shape[0] == DEADLY:
            os._exit(1)
        return super().__call__(image, **options)


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """Ray with two processes, for all tests of this module."""
    from emotion.batch.cluster import started_ray

    with started_ray(2, None) as started:
        import ray.cloudpickle

        ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
        yield started


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures, one of them damaged, a video, and two parquet files of pictures."""
    folder = tmp_path_factory.mktemp("album")
    (folder / "more" / ".hidden").mkdir(parents=True)
    portrait = EXAMPLES / "astronaut.jpg"
    for name in ("one.jpg", "caf\udce9.jpg", "more/two.jpg", "more/.hidden/three.jpg"):
        shutil.copy(portrait, folder / name)
    PillowImage.fromarray(np.full((60, 80, 3), 90, np.uint8)).save(folder / "grey.png")
    (folder / "broken.jpg").write_bytes(portrait.read_bytes()[:300])
    (folder / "notes.txt").write_text("no picture")
    face = np.ascontiguousarray(read_image(portrait)[:480, :512])
    make_video(folder / "video.mp4", [face] * 13)
    data = portrait.read_bytes()
    nested = [{"bytes": data, "path": "a.jpg"}, {"bytes": None, "path": "b.jpg"}]
    pq.write_table(pa.table({"image": nested, "label": [1, 2]}), folder / "nested.parquet")
    table = pa.table({"name": ["x", "y", "z"], "jpeg": [data, data[:200], data]})
    pq.write_table(table, folder / "plain.parquet", row_group_size=2)
    return folder


def read(
    ray: Any, out: Path, *sources: Path | str, settings: BatchSettings = SETTINGS, part: int = 3
) -> Batch:
    """What ``emotion batch`` does between its options and its report."""
    from emotion.batch.run import Sizes, read_left

    found = find_items([str(source) for source in sources], without=str(out))
    batch = open_batch(open_place(str(out)), {"detector": "mediapipe"}, [])
    batch.unread += found.problems
    left = [item for item in found.items if item.name not in batch.done]
    if left:
        read_left(ray, left, settings, batch, sizes=Sizes(part=part), progress=lambda _: None)
    batch.save(complete=True)
    return batch


def rows(out: Path) -> list[dict[str, Any]]:
    """All rows of a folder, as any program reads them."""
    found: list[dict[str, Any]] = pq.read_table(out).to_pylist()
    return found


def test_everything_in_a_folder_is_read_once_and_a_second_run_goes_on(
    ray: Any, album: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    batch = read(ray, out, album, album / "one.jpg", album / "*.png", album / "missing.jpg")
    names = {row["source"].removeprefix(f"{album}/") for row in rows(out)}
    assert names == {
        *("one.jpg", "caf\\udce9.jpg", "more/two.jpg", "grey.png", "broken.jpg", "video.mp4"),
        *("nested.parquet#0", "nested.parquet#1", *(f"plain.parquet#{n}" for n in range(3))),
    }
    manifest = json.loads((out / MANIFEST).read_text())
    assert (manifest["items"], manifest["complete"]) == (11, True)
    damaged = {Path(entry["source"]).name for entry in manifest["damaged"]}
    assert damaged == {"broken.jpg", "nested.parquet#1", "plain.parquet#1"}
    assert all(entry["error"] for entry in manifest["damaged"])
    assert [entry["source"] for entry in manifest["unread"]] == [str(album / "missing.jpg")]
    check_rows_are_those_of_analyze(album, out)
    check_video_rows(album, out)
    go_on(ray, album, out, batch)


def check_rows_are_those_of_analyze(album: Path, out: Path) -> None:
    image = read_image(album / "one.jpg")
    with ReadSettings().load() as pipeline:
        picture = Picture(image, image.shape[1], image.shape[0])
        [expected] = PictureRecord.of(str(album / "one.jpg"), picture, pipeline(image)).rows()
    same = ("one.jpg", "more/two.jpg", "nested.parquet#0", "plain.parquet#0", "plain.parquet#2")
    for name in same:
        [row] = [row for row in rows(out) if row["source"] == str(album / name)]
        assert list(row) == list(PART_COLUMNS)
        for column, value in row.items():
            if column != "source":
                wanted = expected.get(column)
                assert value == (pytest.approx(wanted) if isinstance(wanted, float) else wanted)
    [row] = [row for row in rows(out) if row["source"] == str(album / "grey.png")]
    assert (row["width"], row["height"], row["face"], row["error"]) == (80, 60, None, None)


def check_video_rows(album: Path, out: Path) -> None:
    seen = [row for row in rows(out) if row["source"] == str(album / "video.mp4")]
    assert [row["frame"] for row in seen] == [0, 5, 10]
    assert [row["time_s"] for row in seen] == pytest.approx([0, 0.2, 0.4])
    assert {(row["track"], row["face"], row["width"]) for row in seen} == {(1, 1, 512)}
    assert {row["label"] for row in seen} <= set(Emotion)


def go_on(ray: Any, album: Path, out: Path, before: Batch) -> None:
    """A part is gone and a picture is new: these are read, and nothing else."""
    parts = {path: path.read_bytes() for path in out.glob("*.parquet")}
    times = {path: path.stat().st_mtime_ns for path in parts}
    gone = next(iter(parts))
    lost = set(pq.read_table(gone)["source"].to_pylist())
    gone.unlink()
    shutil.copy(album / "one.jpg", album / "new.jpg")
    after = read(ray, out, album, album / "missing.jpg")
    new = [path for path in out.glob("*.parquet") if path not in parts or path == gone]
    again = {name for path in new for name in pq.read_table(path)["source"].to_pylist()}
    assert again == lost | {str(album / "new.jpg")}
    assert {p: p.stat().st_mtime_ns for p in parts if p != gone} == {
        p: t for p, t in times.items() if p != gone
    }
    assert (after.items, sorted(after.damaged)) == (before.items + 1, sorted(before.damaged))
    faces = [(row["source"], row["face"], row["frame"]) for row in rows(out)]
    assert len(faces) == len(set(faces))


def test_a_picture_that_ends_its_process_is_named_and_costs_no_other(
    ray: Any, tmp_path: Path
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for number in range(3):
        image = np.full((DEADLY if number == 1 else 40, 50, 3), 90, np.uint8)
        PillowImage.fromarray(image).save(folder / f"{number}.png")
    batch = read(ray, out, folder, settings=BatchSettings(DeadlySettings()), part=2)
    assert sorted(Path(row["source"]).stem for row in rows(out)) == ["0", "2"]
    [(source, reason)] = batch.unread
    assert source == str(folder / "1.png")
    assert "ended 2 times" in reason


def test_a_disk_that_refuses_is_one_message(ray: Any, album: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    found = find_items([str(album / "grey.png")])
    batch = open_batch(open_place(str(out)), {}, [])
    shutil.rmtree(out)
    out.write_text("in the way")
    from emotion.batch.run import Sizes, read_left

    with pytest.raises(StorageError, match=r"part-.*cannot be written"):
        read_left(ray, found.items, SETTINGS, batch, sizes=Sizes(), progress=lambda _: None)


def command(*arguments: Path | str, **variables: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "emotion", "batch", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | variables
    return subprocess.run(
        words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )


def test_the_command_says_what_it_did(album: Path, tmp_path: Path) -> None:
    done = command(album / "broken.jpg", album / "grey.png", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert done.stdout == f"2 items, 0 faces, 1 part in {tmp_path / 'out'}\n"
    assert done.stderr == (
        f"1 damaged, 0 could not be fetched: {tmp_path / 'out' / MANIFEST} names them.\n"
    )


@pytest.mark.parametrize("source", ["missing.jpg", "*.webp", "memory://nothing"])
def test_without_anything_to_read_nothing_starts(
    source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["batch", source, "--out", "out"]) == 1
    said = capsys.readouterr().err
    assert source in said
    assert "Nothing was found" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("manifest", [None, "{}", '{"format": "another"}', "no json"])
def test_a_folder_that_holds_something_else_is_left_alone(
    manifest: str | None, portrait: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "letter.txt").write_text("keep me")
    if manifest:
        (tmp_path / MANIFEST).write_text(manifest)
    before = sorted(path.name for path in tmp_path.iterdir())
    assert main(["batch", str(portrait), "--out", str(tmp_path)]) == 1
    assert str(tmp_path) in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_results_of_other_settings_are_not_mixed(
    portrait: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    open_batch(open_place(str(tmp_path / "out")), {"detector": "haar"}, [])
    assert main(["batch", str(portrait), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert "detector is 'haar'" in said
    assert "'mediapipe'" in said


def test_without_ray_the_message_says_what_to_install(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['ray'] = None\nfrom emotion.__main__ import main\nsys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "batch", "x.jpg", "--out", str(tmp_path / "out")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert 'pip install "emotion[ray]"' in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("source", ["nosuch://bucket/x", "s3://bucket/x"])
def test_an_address_that_nothing_can_open_is_one_message(
    source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    assert main(["batch", source, "--out", str(tmp_path / "out")]) == 1
    assert source in capsys.readouterr().err


def test_a_parquet_file_without_pictures_is_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"label": [1], "name": ["x"]}), tmp_path / "labels.parquet")
    (tmp_path / "text.parquet").write_text("no parquet")
    pq.write_table(pa.table({"a": [b"x"], "b": [b"y"]}), tmp_path / "two.parquet")
    found = find_items([str(tmp_path)])
    assert found.items == ()
    assert [Path(path).name for path, _ in found.problems] == [
        *("labels.parquet", "text.parquet", "two.parquet")
    ]
    assert "Name one with --column" in found.problems[2][1]
    assert len(find_items([str(tmp_path / "two.parquet")], "b").items) == 1


def test_an_object_store_is_listed_read_and_written(portrait: Path) -> None:
    """fsspec's file system in memory stands for any store: no folders, no renaming."""
    import fsspec

    from emotion.batch.parts import Part, finished, write_part
    from emotion.batch.reading import read_items

    store = fsspec.filesystem("memory")
    for name in ("photos/one.jpg", "photos/.hidden/two.jpg", "photos/a/notes.txt"):
        store.pipe_file(f"/bucket/{name}", portrait.read_bytes())
    found = find_items(["memory://bucket/photos", "memory://bucket/photos/*.jpg"])
    [item] = found.items
    assert (item.kind, item.name) == (Kind.PICTURE, "memory:///bucket/photos/one.jpg")
    out = open_place("memory://bucket/results")
    batch = open_batch(out, {}, [])
    part = Part((item,))
    with ReadSettings().load() as pipeline:
        summary = write_part(out, part, read_items(part.items, pipeline, SETTINGS))
    assert (summary.sources, summary.faces) == (1, 1)
    assert finished(out, part.name) == (summary, {item.name})
    assert open_batch(out, batch.settings, []).done == {item.name}
    store.rm("/bucket", recursive=True)
