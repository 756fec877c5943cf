"""Checkpoints: what is stored, what is refused, and where a run resumes."""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.labelled_faces import voted_faces

pytest.importorskip("tensorflow", reason="TensorFlow is needed for training only")

from emotion.errors import TrainingError
from emotion.training.checkpoint import Checkpoint, resume_run
from emotion.training.network import compile_network
from emotion.training.recipe import Recipe
from emotion.weights.find import find_weights

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

FACES = voted_faces(14)

RECIPE = Recipe(architecture="plain", epochs=10, decay=0.4)


def network(recipe: Recipe = RECIPE) -> Any:
    return compile_network(recipe, FACES)


def finished(folder: Path, name: str, epochs: int, recipe: Recipe = RECIPE) -> Checkpoint:
    """A checkpoint that says it has seen so many epochs."""
    checkpoint = Checkpoint(folder / f"{name}.npz")
    checkpoint.save(network(recipe), recipe, [{"loss": 1.0}] * epochs)
    return checkpoint


def go_on(recipe: Recipe, last: Checkpoint, stable: Checkpoint) -> int:
    """The number of epochs that the checkpoint which is chosen has seen."""
    return len(resume_run(recipe, network(), last, stable, resume=True))


@pytest.mark.parametrize("longer", [11, 20, 100])
def test_a_run_made_longer_goes_on_from_before_its_decay(tmp_path: Path, longer: int) -> None:
    last, stable = finished(tmp_path, "last", 10), finished(tmp_path, "stable", 6)
    assert go_on(replace(RECIPE, epochs=longer), last, stable) == 6


def test_a_run_that_is_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    last, stable = finished(tmp_path, "last", 8), finished(tmp_path, "stable", 6)
    assert go_on(RECIPE, last, stable) == 8


def test_a_run_before_its_decay_goes_on_where_it_was(tmp_path: Path) -> None:
    last = finished(tmp_path, "last", 5)
    assert go_on(replace(RECIPE, epochs=20), last, Checkpoint(tmp_path / "none.npz")) == 5


def test_a_checkpoint_that_another_run_left_is_not_taken_for_an_earlier_one(tmp_path: Path) -> None:
    """Run B bears the name of run A, and began past the start of its decay, so it wrote none itself."""
    stable = finished(tmp_path, "stable", 6)
    longer = {"epochs": 20, "start_from": "elsewhere.npz"}
    last = finished(tmp_path, "last", 10, replace(RECIPE, start_from="elsewhere.npz"))
    assert go_on(replace(RECIPE, **longer), last, stable) == 10  # of another recipe
    last.save(network(), RECIPE, [{"loss": 2.0}] * 10)
    assert go_on(replace(RECIPE, epochs=20), last, stable) == 10  # of another history


@pytest.mark.parametrize("kind", ["keras", "cut", "text", "npy", "empty", "folder"])
def test_what_is_no_checkpoint_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "last.npz"
    if kind == "keras":
        shutil.copy(find_weights("compact") / "model.keras", path)
    elif kind == "cut":
        np.savez(path, about=np.array("{}"))
        path.write_bytes(path.read_bytes()[:-30])
    elif kind == "npy":
        np.save(path.with_suffix(".npy"), np.zeros(3))
        path = path.with_suffix(".npy")
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_text("no checkpoint" if kind == "text" else "")
    with pytest.raises(TrainingError, match=rf"must be a whole \.npz.*{path.name}"):
        Checkpoint(path).about()


def test_a_checkpoint_that_was_damaged_is_refused(tmp_path: Path) -> None:
    last = finished(tmp_path, "last", 5)
    content = bytearray(last.path.read_bytes())
    content[len(content) // 2] ^= 1
    last.path.write_bytes(content)
    with pytest.raises(TrainingError, match="or damaged"):
        go_on(RECIPE, last, last)


def test_without_a_checkpoint_it_says_so(tmp_path: Path) -> None:
    none = Checkpoint(tmp_path / "last.npz")
    with pytest.raises(TrainingError, match=r"must be a checkpoint.*last\.npz, which is not there"):
        go_on(RECIPE, none, none)


def test_fewer_epochs_than_were_trained_are_refused(tmp_path: Path) -> None:
    last = finished(tmp_path, "last", 8)
    with pytest.raises(TrainingError, match=r"more than the 8 of .*Received: 4"):
        go_on(replace(RECIPE, epochs=4), last, last)


def test_starting_from_a_run_needs_epochs_of_its_own(tmp_path: Path) -> None:
    last = finished(tmp_path, "last", 10)
    recipe = replace(RECIPE, start_from=str(last.path))
    with pytest.raises(TrainingError, match="more than the 10"):
        resume_run(recipe, network(), last, last, resume=False)


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    other = replace(RECIPE, architecture="compact")
    last = finished(tmp_path, "last", 5, other)
    with pytest.raises(TrainingError, match=r"architecture \(was compact, is plain\)"):
        go_on(RECIPE, last, last)
    recipe = replace(RECIPE, start_from=str(last.path))
    with pytest.raises(TrainingError, match="must fit the network"):
        resume_run(recipe, network(), last, last, resume=False)


def test_the_recipe_comes_back(tmp_path: Path) -> None:
    assert finished(tmp_path, "last", 2).about() == (asdict(RECIPE), [{"loss": 1.0}] * 2)
