"""Parts of train.py: where it goes on from, the averaged weights, what it says should be reached."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is needed for training only")

import keras

import train
from benchmarks import ablations
from emotion.datasets import FerDataset, read_parquet
from emotion.errors import TrainingError
from emotion.types import Emotion
from emotion.weights import find_weights
from tests.labelled_faces import write_parquet
from train import Checkpoint, Settings

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SETTINGS = Settings(architecture="plain", epochs=10, decay=0.4)


def network(settings: Settings = SETTINGS) -> Any:
    return train.compile_network(settings, voted=True)


def finished(folder: Path, name: str, epochs: int, settings: Settings = SETTINGS) -> Checkpoint:
    """A checkpoint that says it has seen so many epochs."""
    checkpoint = Checkpoint(folder / f"{name}.npz")
    checkpoint.save(network(settings), settings, [{"loss": 1.0}] * epochs)
    return checkpoint


def go_on(settings: Settings, last: Checkpoint, stable: Checkpoint) -> int:
    """The number of epochs that the checkpoint which is chosen has seen."""
    return len(train.go_on_from(settings, network(), last, stable, resume=True))


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> FerDataset:
    return read_parquet(write_parquet(tmp_path_factory.mktemp("faces") / "faces.parquet", 256))


@pytest.mark.parametrize("longer", [11, 20, 100])
def test_a_run_made_longer_goes_on_from_before_its_decay(tmp_path: Path, longer: int) -> None:
    last, stable = finished(tmp_path, "last", 10), finished(tmp_path, "stable", 6)
    assert go_on(replace(SETTINGS, epochs=longer), last, stable) == 6


def test_a_run_that_is_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    last, stable = finished(tmp_path, "last", 8), finished(tmp_path, "stable", 6)
    assert go_on(SETTINGS, last, stable) == 8


def test_a_run_before_its_decay_goes_on_where_it_was(tmp_path: Path) -> None:
    last = finished(tmp_path, "last", 5)
    assert go_on(replace(SETTINGS, epochs=20), last, Checkpoint(tmp_path / "none.npz")) == 5


def test_a_checkpoint_that_another_run_left_is_not_taken_for_an_earlier_one(tmp_path: Path) -> None:
    """Run B bears the name of run A, and began past the start of its decay, so it wrote none itself."""
    stable = finished(tmp_path, "stable", 6)
    longer = {"epochs": 20, "start_from": "elsewhere.npz"}
    last = finished(tmp_path, "last", 10, replace(SETTINGS, start_from="elsewhere.npz"))
    assert go_on(replace(SETTINGS, **longer), last, stable) == 10  # of another recipe
    last.save(network(), SETTINGS, [{"loss": 2.0}] * 10)
    assert go_on(replace(SETTINGS, epochs=20), last, stable) == 10  # of another history


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
        go_on(SETTINGS, last, last)


def test_without_a_checkpoint_it_says_so(tmp_path: Path) -> None:
    none = Checkpoint(tmp_path / "last.npz")
    with pytest.raises(TrainingError, match=r"must be a checkpoint.*last\.npz, which is not there"):
        go_on(SETTINGS, none, none)


def test_fewer_epochs_than_were_trained_are_refused(tmp_path: Path) -> None:
    last = finished(tmp_path, "last", 8)
    with pytest.raises(TrainingError, match=r"more than the 8 of .*Received: 4"):
        go_on(replace(SETTINGS, epochs=4), last, last)


def test_starting_from_a_run_needs_epochs_of_its_own(tmp_path: Path) -> None:
    last = finished(tmp_path, "last", 10)
    settings = replace(SETTINGS, start_from=str(last.path))
    with pytest.raises(TrainingError, match="more than the 10"):
        train.go_on_from(settings, network(), last, last, resume=False)


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    other = replace(SETTINGS, architecture="compact")
    last = finished(tmp_path, "last", 5, other)
    with pytest.raises(TrainingError, match=r"architecture \(was compact, is plain\)"):
        go_on(SETTINGS, last, last)
    settings = replace(SETTINGS, start_from=str(last.path))
    with pytest.raises(TrainingError, match="must fit the network"):
        train.go_on_from(settings, network(), last, last, resume=False)


def test_less_than_a_batch_is_refused(faces: FerDataset, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="Received: 100 faces for batches of 128"):
        train.train(SETTINGS, faces.select(np.arange(100)), faces, tmp_path, resume=False)


def test_the_settings_come_back(tmp_path: Path) -> None:
    assert finished(tmp_path, "last", 2).about() == (asdict(SETTINGS), [{"loss": 1.0}] * 2)


def test_averaged_weights_get_statistics_of_their_own(faces: FerDataset) -> None:
    """Nothing may be left of the old ones, however slowly a network's own statistics move."""
    slow = network(replace(SETTINGS, architecture="six_layer"))
    norms = [x for x in slow.layers if isinstance(x, keras.layers.BatchNormalization)]
    for layer in norms:
        layer.moving_mean.assign(np.full(layer.moving_mean.shape, 1e6))
    train.use_average(slow, faces)
    assert all(np.abs(np.asarray(layer.moving_mean)).max() < 1e3 for layer in norms)
    assert {layer.momentum for layer in norms} == {0.99}


def test_the_expected_accuracy_is_that_of_the_shipped_network() -> None:
    metrics = json.loads((find_weights("compact") / "metrics.json").read_text())
    assert round(metrics["accuracy"], 3) == train.EXPECTED_ACCURACY


def test_the_table_of_ablations_is_that_of_its_figures() -> None:
    results = Path(train.__file__).parent / "benchmarks" / "results"
    runs = json.loads((results / "ablations.json").read_text())["runs"]
    assert (results / "ablations.md").read_text() == ablations.markdown(runs)


def test_recalls_of_an_ablation_are_those_of_its_faces(tmp_path: Path) -> None:
    data = read_parquet(write_parquet(tmp_path / "faces.parquet", 40))
    found = ablations.figures(network(Settings(architecture="compact")), data)
    right = sum(
        found["recall"][emotion] * (data.labels == number).sum()
        for number, emotion in enumerate(Emotion)
    )
    assert right == pytest.approx(found["fer2013_right"].count("1"))
    assert len(found["fer2013_right"]) == len(data)
