"""Every layout gives the same faces, with the same votes and the same twins marked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.fer_sources import (
    Row,
    make_rows,
    parquet_bytes,
    write_csv,
    write_ferplus,
    write_folders,
    write_parquet_folder,
)
from support.labelled_faces import write_parquet
from support.local_hub import TOKEN, LocalHub, Repository
from support.places import ROOT

from emotion.errors import DatasetError
from emotion.training.datasets import FerDataset, read_split, read_splits


def same(one: FerDataset, two: FerDataset) -> bool:
    return all(
        np.array_equal(getattr(one, field), getattr(two, field))
        for field in ("images", "labels", "votes", "duplicated")
    )


@pytest.fixture
def rows() -> list[Row]:
    """Two validation faces and one test face also stand in train."""
    rows = make_rows()
    rows[21].image = rows[2].image
    rows[23].image = rows[4].image
    rows[30].image = rows[2].image
    return rows


@pytest.mark.parametrize("layout", ["parquet", "parquet joined", "folders", "title", "kaggle"])
def test_every_layout_gives_what_the_csv_gives(
    layout: str, rows: list[Row], tmp_path: Path
) -> None:
    plus = write_ferplus(tmp_path / "fer2013new.csv", rows)
    expected = read_splits(write_csv(tmp_path / "fer2013.csv", rows), ferplus=plus)
    joined: Path | None = plus
    match layout:
        case "parquet":
            source, joined = write_parquet_folder(tmp_path / "data", rows), None
        case "parquet joined":
            source = write_parquet_folder(tmp_path / "data", rows, votes=False)
        case "kaggle":  # the file names that Kaggle gives say the split, and nothing of the row
            source, joined = tmp_path / "data", None
            expected = read_splits(tmp_path / "fer2013.csv")
            for number, row in enumerate(rows):
                row.name = f"{'Training' if number < 21 else 'PublicTest'}_{number:05}.png"
                row.name = row.name if number < 28 else f"PrivateTest_{number:05}.png"
                row.split = "train" if number < 21 else "test"
            write_folders(source, rows)
        case _:
            source = write_folders(tmp_path / "data", rows, title=layout == "title")
    found = read_splits(source, ferplus=joined)
    assert [split for split, _ in found] == ["train", "validation", "test"]
    for split, faces in found:
        assert same(faces, expected[split]), split
        assert same(read_split(source, split, ferplus=joined), faces)


def test_what_is_read_is_what_was_written(rows: list[Row], tmp_path: Path) -> None:
    plus = write_ferplus(tmp_path / "fer2013new.csv", rows)
    found = read_splits(write_csv(tmp_path / "fer2013.csv", rows), ferplus=plus)
    train = found["train"]
    assert np.array_equal(train.images, [row.image for row in rows[:21]])
    assert train.labels.tolist() == [row.label for row in rows[:21]]
    assert train.votes[5].tolist() == [0] * 10  # FER+ saw no face
    assert train.votes[6].tolist() == rows[6].votes  # by row, though its number is 5
    assert np.flatnonzero(train.duplicated).tolist() == [2, 4]
    assert np.flatnonzero(found["validation"].duplicated).tolist() == [0, 2]
    assert np.flatnonzero(found["test"].duplicated).tolist() == [2]


def test_empty_lines_of_a_csv_shift_nothing(rows: list[Row], tmp_path: Path) -> None:
    plus = write_ferplus(tmp_path / "fer2013new.csv", rows)
    source = write_csv(tmp_path / "fer2013.csv", rows)
    expected = read_splits(source, ferplus=plus)
    for path, number in ((source, 4), (source, -1), (plus, 9), (plus, -1)):
        lines = path.read_text().splitlines()
        lines[number:number] = ["", ""]
        path.write_text("\n".join([*lines, "", ""]))
    for split, faces in read_splits(source, ferplus=plus):
        assert same(faces, expected[split]), split


def test_columns_of_the_csv_may_stand_in_another_order(rows: list[Row], tmp_path: Path) -> None:
    expected = read_splits(write_csv(tmp_path / "fer2013.csv", rows))
    lines = (tmp_path / "fer2013.csv").read_text().splitlines()[1:]
    other = tmp_path / "icml_face_data.csv"
    cells = [line.split(",") for line in lines]
    swapped = [f"{label}, {usage}, {pixels}" for label, pixels, usage in cells]
    other.write_text("\n".join(["emotion, Usage, pixels", *swapped]), encoding="utf-8-sig")
    for split, faces in read_splits(other):
        assert same(faces, expected[split])


def test_jpeg_and_colour_are_read_as_grey(tmp_path: Path) -> None:
    flat = np.full((48, 48, 3), 90, np.uint8)
    for number, suffix in enumerate((".jpg", ".JPEG", ".bmp", ".png")):
        folder = tmp_path / "train" / "SAD"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}{suffix}").write_bytes(cv2.imencode(suffix.lower(), flat)[1])
    (tmp_path / "train" / ".DS_Store").write_bytes(b"mac")
    (tmp_path / "train" / "SAD" / "Thumbs.db").write_bytes(b"windows")
    faces = read_split(tmp_path, "train")
    assert faces.images.shape == (4, 48, 48)
    assert faces.labels.tolist() == [4] * 4
    assert np.abs(faces.images.astype(int) - 90).max() <= 1


def test_marks_of_the_source_are_kept(tmp_path: Path) -> None:
    """A source may know of twins in a test split that is not there."""
    write_parquet(tmp_path / "train.parquet", 20)
    write_parquet(tmp_path / "validation.parquet", 20)  # the same pictures
    found = read_splits(tmp_path)
    assert np.flatnonzero(found["train"].duplicated).tolist() == [9, 19]


def test_parts_of_a_split_are_joined_and_named_classes_put_in_order(
    rows: list[Row], tmp_path: Path
) -> None:
    """As the library ``datasets`` writes it: several files, and an order of classes of its own."""
    names = ["surprise", "Sad", "neutral", "happy", "fear", "disgust", "angry"]
    ours = [5, 4, 6, 3, 2, 1, 0]
    about = json.dumps({"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}})
    (tmp_path / "data").mkdir()
    for number, part in enumerate((rows[:10], rows[10:21])):
        file = tmp_path / "data" / f"train-{number:05}-of-00002.parquet"
        file.write_bytes(parquet_bytes(part, votes=False, metadata={"huggingface": about}))
    faces = read_split(tmp_path, "train")
    assert faces.labels.tolist() == [ours[row.label] for row in rows[:21]]
    assert np.array_equal(faces.images[15], rows[15].image)


def test_without_a_validation_split_the_test_split_is_not_taken(
    rows: list[Row], tmp_path: Path
) -> None:
    kept = [row for row in rows if row.split != "validation"]
    found = read_splits(write_folders(tmp_path / "data", kept))
    assert len(found["test"]) == 7
    with pytest.raises(DatasetError, match=r"no validation split, only train, test.*never on"):
        found["validation"]
    with pytest.raises(DatasetError, match=r"one of train, validation, test. Received: 'dev'"):
        found["dev"]


# A data set on a hub: the real client in a process of its own.

READ = """
import sys
from emotion.training.datasets import read_splits
from emotion.errors import DatasetError
failed = False
for source in sys.argv[1:]:
    try:
        found = read_splits(source)
    except DatasetError as error:
        failed = True
        print(f"DatasetError: {error}".replace("\\n", " "), file=sys.stderr)
    else:
        print(*(f"{split}={len(faces)}:{int(faces.images.sum())}" for split, faces in found))
sys.exit(failed)
"""


def ask(hub: LocalHub, home: Path, *sources: str, **extra: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    extra = {"HF_HOME": str(home), "HF_ENDPOINT": hub.url, "NO_PROXY": "127.0.0.1"} | extra
    return subprocess.run(
        [sys.executable, "-c", READ, *sources],
        env=clean | extra,
        capture_output=True,
        text=True,
        timeout=300,
        cwd=ROOT,
    )


def pieces(rows: list[Row], pattern: str = "{}.parquet") -> dict[str, bytes]:
    wanted = ("train", "validation")
    return {
        pattern.format(split): parquet_bytes([row for row in rows if row.split == split])
        for split in wanted
    }


@pytest.mark.parametrize("pattern", ["{}.parquet", "data/{}-00000-of-00001.parquet"])
def test_a_data_set_on_a_hub_is_fetched_once(pattern: str, rows: list[Row], tmp_path: Path) -> None:
    total = {
        split: sum(int(row.image.sum()) for row in rows if row.split == split)
        for split in ("train", "validation")
    }
    with LocalHub() as hub:
        repository = hub.repositories["datasets/me/faces"] = Repository()
        first = repository.commit(pieces(rows, pattern))
        done = ask(hub, tmp_path, "hf://datasets/me/faces")
        expected = f"train=21:{total['train']} validation=7:{total['validation']}"
        assert done.stdout.strip() == expected, done.stderr
        asked = len(hub.requests)
        repository.commit(pieces(make_rows(seed=1), pattern))
        again = ask(hub, tmp_path, "hf://datasets/me/faces", HF_HUB_OFFLINE="1")
        assert again.stdout.strip() == expected, (
            again.stderr
        )  # nor is a split of another commit mixed in
        assert len(hub.requests) == asked
        pinned = ask(hub, tmp_path / "other", f"hf://datasets/me/faces@{first}")
        assert pinned.stdout.strip() == expected, pinned.stderr


def test_what_a_hub_cannot_give_is_explained(rows: list[Row], tmp_path: Path) -> None:
    with LocalHub() as hub:
        hub.repositories["datasets/me/empty"] = Repository()
        hub.repositories["datasets/me/empty"].commit({"README.md": b"nothing"})
        hub.repositories["datasets/me/gated"] = Repository(gated=True)
        hub.repositories["datasets/me/gated"].commit(pieces(rows))
        expected = {
            "hf://datasets/me/empty": "must have a file for each split",
            "hf://datasets/me/gated": "granted on request",
            "hf://datasets/me/gone": "not found, or private",
            "hf://datasets/me/empty@v9": "no revision 'v9'",
            "hf://datasets/me": "written hf://datasets/owner/name or",
            "hf://me/faces": "written hf://datasets/owner/name",
        }
        refused = ask(hub, tmp_path, *expected)
        assert refused.returncode == 1
        said = [line for line in refused.stderr.splitlines() if line.startswith("DatasetError")]
        for line, (source, words) in zip(said, expected.items(), strict=True):
            assert words in line, source
        allowed = ask(hub, tmp_path, "hf://datasets/me/gated", HF_TOKEN=TOKEN)
        assert allowed.stdout.startswith("train=21"), allowed.stderr
        offline = ask(hub, tmp_path / "new", "hf://datasets/me/gated", HF_HUB_OFFLINE="1")
        assert "HF_HUB_OFFLINE forbids" in offline.stderr
    unreachable = ask(hub, tmp_path / "new", "hf://datasets/me/gated")
    assert "Check the network" in unreachable.stderr


def test_evaluate_measures_a_split_of_any_layout(rows: list[Row], tmp_path: Path) -> None:
    plus = write_ferplus(tmp_path / "fer2013new.csv", rows)
    write_csv(tmp_path / "fer2013.csv", rows)
    write_parquet_folder(tmp_path / "data", rows, votes=False)
    root = ROOT
    found = []
    for source in ("fer2013.csv", "data", "data/validation.parquet"):
        out = tmp_path / "metrics.json"
        options = ["--data", tmp_path / source, "--ferplus", plus, "--json", out]
        done = subprocess.run(
            [sys.executable, "evaluate.py", *map(str, options)],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        found.append(json.loads(out.read_text()))
    assert found[0]["n"] == 7
    assert found[0]["n_without_duplicates"] == 5
    assert found[0] == found[1]
    # One file alone cannot tell what stands in the others.
    assert found[2]["accuracy_without_duplicates"] is None
    assert found[2]["confusion_matrix"] == found[0]["confusion_matrix"]
    assert found[2]["ferplus"] == found[0]["ferplus"]
