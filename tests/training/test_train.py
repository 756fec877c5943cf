"""train.py and evaluate.py as people run them, on a small data set that a network can learn."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.labelled_faces import write_parquet
from support.places import ROOT

import train
from emotion.classifier import load_classifier
from emotion.training.datasets import read_parquet
from emotion.weights.config import read_spec
from emotion.weights.find import find_weights
from evaluate import draw

pytest.importorskip("tensorflow", reason="TensorFlow is needed for training only")

# Keras's own.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ENVIRONMENT = {**os.environ, "KERAS_BACKEND": "tensorflow"}

# The smallest network: these tests are about train.py, and it trains in a third of the time.
NETWORK = ["--architecture", "plain", "--crop", "48"]
RECIPE = ["--quick", *NETWORK, "--faces", "448", "--batch-size", "64", "--learning-rate", "0.02"]


EXPORTS = ("json-h5", "litert-int8")


def run(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / script), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=600,
        env=ENVIRONMENT,
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_parquet(folder / "train.parquet", 512)
    write_parquet(folder / "validation.parquet", 140, seed=1)
    return folder


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of three epochs, without a break, that exports what it wrote."""
    folder = tmp_path_factory.mktemp("trained")
    exports = [word for target in EXPORTS for word in ("--export", target)]
    places = ["--data", data, "--runs", folder, "--out", folder / "out"]
    result = run("train.py", *places, *RECIPE, *exports)
    assert result.returncode == 0, result.stderr
    assert all(f"Wrote {folder / 'out' / 'quick' / target}" in result.stdout for target in EXPORTS)
    return folder


def test_training_learns_and_writes_a_complete_folder(trained: Path) -> None:
    folder = trained / "out" / "quick"
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "README.md",
        "architecture.png",
        "config.json",
        "history.json",
        "metrics.json",
        "model.keras",
        "model.tflite",
        "summary.txt",
        *EXPORTS,
    }
    with Image.open(folder / "architecture.png") as picture:
        assert picture.width > picture.height > 100
    assert "Conv2D" in (folder / "summary.txt").read_text()
    history = json.loads((folder / "history.json").read_text())
    assert len(history) == 3
    assert history[-1]["loss"] < history[0]["loss"]
    config = json.loads((folder / "config.json").read_text())
    assert config["training"]["learning_rate"] == 0.02
    assert "model-index" in (folder / "README.md").read_text()


def test_litert_answers_as_keras_does(trained: Path, data: Path) -> None:
    """The int8 file rounds; 0.1 is what rounding may move a probability by."""
    spec = read_spec(trained / "out" / "quick")
    images = read_parquet(data / "validation.parquet").images
    litert = load_classifier(spec, "litert").probabilities(images)
    exact = load_classifier(spec, "keras").probabilities(images)
    assert np.abs(litert - exact).max() < 0.1


@pytest.mark.parametrize("target", EXPORTS)
def test_what_train_exports_can_be_loaded(trained: Path, data: Path, target: str) -> None:
    images = read_parquet(data / "validation.parquet").images[:2]
    exported = load_classifier(read_spec(trained / "out" / "quick" / target))
    assert len(exported.classify(list(images))) == 2


def test_resuming_gives_the_weights_of_an_unbroken_run(
    trained: Path, data: Path, tmp_path: Path
) -> None:
    """One epoch, then a second process for the rest: bit for bit the same checkpoint."""
    begin = ["--data", data, "--runs", tmp_path, "--out", tmp_path / "out", *RECIPE]
    checkpoint = tmp_path / "quick" / "last.npz"
    with subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *map(str, begin)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=ENVIRONMENT,
    ) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if line.startswith("epoch   1"))
        process.send_signal(signal.SIGINT)  # Ctrl-C in the middle of the second epoch
        process.stdout.read()
    assert process.returncode == 130
    with np.load(checkpoint) as stored:
        assert len(json.loads(str(stored["about"]))["history"]) < 3
    result = run("train.py", *begin, "--resume")
    assert result.returncode == 0, result.stderr
    assert "Resuming after 1 of 3 epochs" in result.stdout
    with np.load(trained / "quick" / "last.npz") as one, np.load(checkpoint) as two:
        weights = [name for name in one if name != "about"]
        assert weights
        assert all(np.array_equal(one[name], two[name]) for name in weights)


def run_here(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    """train.py without a process of its own, which would take seconds to import TensorFlow again."""
    monkeypatch.setattr(sys, "argv", ["train.py", *map(str, arguments)])
    return train.main()


def test_without_votes_there_is_no_head_for_them(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An untrained head must not have a say in what the app shows."""
    write_parquet(tmp_path / "train.parquet", 512, votes=False)
    (tmp_path / "validation.parquet").symlink_to(data / "validation.parquet")
    options = ["--data", tmp_path, "--runs", tmp_path, "--out", tmp_path, *RECIPE, "--epochs", "1"]
    assert run_here(monkeypatch, *options, "--warmup-epochs", "0") == 0
    spec = read_spec(tmp_path / "quick")
    assert spec.outputs == ("shown", "fer2013")
    assert "one head" in (tmp_path / "quick" / "README.md").read_text()
    config = json.loads((tmp_path / "quick" / "config.json").read_text())
    assert "FER+" not in config["data"]


def test_another_recipe_does_not_resume(
    trained: Path, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = ["--data", data, "--runs", trained, *RECIPE, "--rotation", "30", "--resume"]
    assert run_here(monkeypatch, *changed) == 1
    assert "rotation (was 12.0, is 30.0)" in capsys.readouterr().err


def test_a_recipe_that_is_not_there_is_refused(data: Path) -> None:
    result = run("train.py", "--data", data, "--recipe", "nobody")
    assert result.returncode == 2
    assert "one of compact, distilled, four_block" in result.stderr


def test_an_unknown_setting_is_refused(data: Path) -> None:
    result = run("train.py", "--data", data, "--learnig-rate", "0.1")
    assert result.returncode == 2
    assert "--learnig-rate" in result.stderr


def test_evaluate_writes_the_promised_figures(trained: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "metrics.json"
    result = run(
        "evaluate.py",
        *("--data", data / "validation.parquet", "--weights", trained / "out" / "quick"),
        *("--json", out, "--plots", tmp_path / "plots"),
    )
    assert result.returncode == 0, result.stderr
    metrics = json.loads(out.read_text())
    promised = "n accuracy accuracy_without_duplicates macro_f1 per_class confusion_matrix nll ece"
    assert set(promised.split()) <= set(metrics)
    assert metrics["n"] == 140
    assert metrics["ferplus"]["n"] == 139  # one row has no votes
    assert set(metrics["ferplus"]) == {"n", "accuracy"}
    confusion = np.array(metrics["confusion_matrix"])
    assert confusion.sum(axis=1).tolist() == [20] * 7  # rows are labels
    assert np.trace(confusion) / 140 == pytest.approx(metrics["accuracy"])
    shown = metrics["shown"]
    promised = "accuracy mean_recall per_class ece ferplus confusion_matrix coverage sure"
    assert set(promised.split()) <= set(shown)
    assert {"n", "accuracy", "neutral_recall"} <= set(shown["ferplus"])
    right = np.trace(np.array(shown["confusion_matrix"]))
    assert right / 140 == pytest.approx(shown["accuracy"]) == pytest.approx(shown["mean_recall"])
    assert f"{shown['mean_recall']:.1%}" in result.stdout
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {
        "confusion.png",
        "curves.png",
        "reliability.png",
    }


@pytest.mark.parametrize("history", ['{"loss": [1.5, 1.2]}', "[]", "{"])
def test_evaluate_draws_without_a_history_of_its_own_kind(history: str, tmp_path: Path) -> None:
    """Other programs keep other figures in a file of that name."""
    metrics = json.loads((find_weights() / "metrics.json").read_text())
    (tmp_path / "history.json").write_text(history)
    draw(metrics, tmp_path, tmp_path / "plots")
    drawn = {path.name for path in (tmp_path / "plots").iterdir()}
    assert drawn == {"confusion.png", "reliability.png"}


def test_evaluate_names_a_missing_file(tmp_path: Path) -> None:
    result = run("evaluate.py", "--data", tmp_path / "none.parquet")
    assert result.returncode == 1
    assert "none.parquet" in result.stderr
    assert "Traceback" not in result.stderr
