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

from emotion.classifier import load_classifier
from emotion.datasets import read_parquet
from emotion.weights import find_weights, read_spec
from evaluate import draw
from tests.labelled_faces import write_parquet

ROOT = Path(__file__).resolve().parent.parent

pytest.importorskip("tensorflow", reason="TensorFlow is needed for training only")

ENVIRONMENT = {**os.environ, "KERAS_BACKEND": "tensorflow", "OMP_NUM_THREADS": "2"}

RECIPE = ["--quick", "--faces", "448", "--batch-size", "64", "--learning-rate", "0.02"]


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
    """The folder of a run of three epochs, without a break."""
    folder = tmp_path_factory.mktemp("trained")
    result = run("train.py", "--data", data, "--runs", folder, "--out", folder / "out", *RECIPE)
    assert result.returncode == 0, result.stderr
    assert "Wrote" in result.stdout
    return folder


def test_training_learns_and_writes_a_complete_folder(trained: Path) -> None:
    folder = trained / "out" / "quick"
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "README.md",
        "config.json",
        "history.json",
        "metrics.json",
        "model.keras",
        "model.tflite",
    }
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


def test_teachers_change_what_is_learned(trained: Path, data: Path) -> None:
    """Blended targets are still distributions, and lie between the labels and the teachers' mean answer."""
    begin = "import sys; sys.argv = ['train.py']; import train, numpy as np\n"
    one, other = str(trained / "out" / "quick"), str(ROOT / "weights" / "compact")
    code = f"""
data = train.read_splits({str(data)!r})["validation"]
plain = train.make_targets(data, 0.1)
taught = train.learn_from([{one!r}, {other!r}], 0.5, data, plain)
alone = train.learn_from([{one!r}, {other!r}], 1.0, data, plain)
single = [train.learn_from([teacher], 1.0, data, plain) for teacher in ({one!r}, {other!r})]
assert np.abs(single[0].labels - single[1].labels).max() > 0.01
assert np.allclose(alone.labels, (single[0].labels + single[1].labels) / 2, atol=1e-5)
assert np.allclose(alone.votes, (single[0].votes + single[1].votes) / 2, atol=1e-5)
assert np.allclose(taught.labels.sum(1), 1.0, atol=1e-5)
assert np.allclose(taught.labels, (plain.labels + alone.labels) / 2, atol=1e-5)
assert not taught.votes[0].any() and np.allclose(taught.votes[1:].sum(1), 1.0, atol=1e-5)
assert np.abs(taught.votes - plain.votes).max() > 0.01
"""
    result = subprocess.run(
        [sys.executable, "-c", begin + code],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stderr


def test_without_votes_there_is_no_head_for_them(data: Path, tmp_path: Path) -> None:
    """An untrained head must not have a say in what the app shows."""
    write_parquet(tmp_path / "train.parquet", 512, votes=False)
    (tmp_path / "validation.parquet").symlink_to(data / "validation.parquet")
    options = ["--data", tmp_path, "--runs", tmp_path, "--out", tmp_path, *RECIPE, "--epochs", "1"]
    result = run("train.py", *options, "--warmup-epochs", "0")
    assert result.returncode == 0, result.stderr
    spec = read_spec(tmp_path / "quick")
    assert spec.outputs == ("shown", "fer2013")
    assert "one head" in (tmp_path / "quick" / "README.md").read_text()
    config = json.loads((tmp_path / "quick" / "config.json").read_text())
    assert "FER+" not in config["data"]


def test_another_recipe_does_not_resume(trained: Path, data: Path) -> None:
    changed = ["--data", data, "--runs", trained, *RECIPE, "--rotation", "30", "--resume"]
    result = run("train.py", *changed)
    assert result.returncode == 1
    assert "rotation (was 12.0, is 30.0)" in result.stderr


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
