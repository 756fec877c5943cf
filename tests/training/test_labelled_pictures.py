"""Whole pictures through the whole program: found, read right, and tables that are not like that."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.places import ROOT

from emotion.errors import DatasetError
from emotion.pipeline import EmotionPipeline
from emotion.training.labelled_pictures import read_labels, score_pictures
from emotion.types import Emotion

EXAMPLES = ROOT / "examples"


def table(folder: Path, text: str) -> Path:
    path = folder / "labels.csv"
    path.write_text(text)
    return path


def test_the_figures_of_three_pictures(tmp_path: Path) -> None:
    """A smile that is labelled so, the same called sad, and a cat, in which there is no face to find."""
    labels = table(
        tmp_path, "file,label\nastronaut.jpg,Happy\nastronaut.jpg,sad\n\ncat.jpg,neutral\n"
    )
    pictures = read_labels(labels, EXAMPLES)
    with EmotionPipeline.from_pretrained(detector="haar") as pipeline:
        metrics = score_pictures(pipeline, pictures)
    assert metrics["n"] == 3
    assert metrics["found"] == pytest.approx(2 / 3)
    assert metrics["accuracy"] == pytest.approx(1 / 2)
    assert metrics["right"] == pytest.approx(1 / 3)
    assert metrics["mean_recall"] == pytest.approx(1 / 2)
    assert metrics["not_found"] == ["cat.jpg"]
    order = list(Emotion)
    sad, happy = order.index(Emotion.SAD), order.index(Emotion.HAPPY)
    assert metrics["confusion_matrix"][sad][happy] == metrics["confusion_matrix"][happy][happy] == 1
    assert metrics["per_class"]["happy"]["support"] == 1


def test_nothing_found_has_no_accuracy(tmp_path: Path) -> None:
    pictures = read_labels(table(tmp_path, "cat.jpg,neutral"), EXAMPLES)
    with EmotionPipeline.from_pretrained(detector="haar") as pipeline:
        metrics = score_pictures(pipeline, pictures)
    assert (metrics["found"], metrics["accuracy"], metrics["right"]) == (0.0, None, 0.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at least one picture"),
        ("file,label\n", "at least one picture"),
        ("astronaut.jpg,bored", r"line 1: .*one of angry.*Received: 'astronaut.jpg,bored'"),
        ("file,label\nastronaut.jpg", "line 2: a row must be"),
        ("astronaut.jpg,happy,very", "line 1: a row must be"),
        ("nobody.jpg,happy", r"line 1: .*nobody\.jpg must be a picture"),
    ],
)
def test_tables_that_are_not_like_that_are_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=message):
        read_labels(table(tmp_path, text), EXAMPLES)


def test_the_command_writes_the_figures(tmp_path: Path) -> None:
    labels = table(tmp_path, "astronaut.jpg,happy\n")
    result = subprocess.run(
        [
            *(sys.executable, str(ROOT / "evaluate.py"), "--images", str(EXAMPLES)),
            *("--labels", str(labels), "--json", str(tmp_path / "own.json")),
        ],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert json.loads((tmp_path / "own.json").read_text())["right"] == 1.0
    assert "happy          1.000       1" in result.stdout


def test_pictures_need_their_labels() -> None:
    command = [sys.executable, str(ROOT / "evaluate.py"), "--images", str(EXAMPLES)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 2
    assert "belong together" in result.stderr
