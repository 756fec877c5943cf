"""Changed faces and ten views, on the shipped network and on single pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.labelled_faces import pattern, write_parquet

from emotion.classifier import load_classifier
from emotion.training.datasets import read_parquet
from emotion.training.robustness import CHANGES, robustness


@pytest.fixture
def face() -> np.ndarray:
    return pattern(2, np.random.default_rng(0))


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_keeps_the_shape_and_changes_the_face(name: str, face: np.ndarray) -> None:
    before = face.copy()
    changed = CHANGES[name](face)
    assert changed.shape == face.shape
    assert changed.dtype == np.uint8
    assert not np.array_equal(changed, face)
    assert np.array_equal(face, before), "the original must stay as it is"


def test_covered_halves_are_where_their_names_say(face: np.ndarray) -> None:
    assert (CHANGES["left half covered"](face)[:, :24] == 128).all()
    assert (CHANGES["lower half covered"](face)[24:] == 128).all()
    assert (CHANGES["upper half covered"](face)[:24] == 128).all()


def test_a_mirrored_face_is_the_same_face_backwards(face: np.ndarray) -> None:
    assert np.array_equal(CHANGES["mirrored"](face)[:, ::-1], face)


def test_the_figures_are_those_of_the_network(tmp_path: Path) -> None:
    data = read_parquet(write_parquet(tmp_path / "faces.parquet", 70))
    classifier = load_classifier()
    result = robustness(classifier, data)
    assert set(result) == {"unchanged", "ten_crop", "changed"}
    assert set(result["changed"]) == set(CHANGES)
    chosen = classifier.probabilities(data.images, "fer2013").argmax(axis=1)
    assert result["unchanged"]["accuracy"] == (chosen == data.labels).mean()
    dark = np.stack([CHANGES["half as bright"](face) for face in data.images])
    chosen = classifier.probabilities(dark, "fer2013").argmax(axis=1)
    assert result["changed"]["half as bright"]["accuracy"] == (chosen == data.labels).mean()


def test_without_votes_there_is_no_ferplus_figure(tmp_path: Path) -> None:
    data = read_parquet(write_parquet(tmp_path / "faces.parquet", 14, votes=False))
    result = robustness(load_classifier(), data)
    assert result["ten_crop"]["ferplus"] is None
