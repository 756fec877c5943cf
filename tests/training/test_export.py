"""Exports answer as the Keras model does, on real faces."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow writes LiteRT and ONNX files")

import keras
from ai_edge_litert.interpreter import Interpreter
from support.keras_networks import OLD
from support.labelled_faces import write_parquet
from support.real_faces import real_faces

from emotion.__main__ import main
from emotion.classifier import KerasClassifier, LiteRTClassifier, load_classifier
from emotion.errors import TrainingError, WeightsError
from emotion.preprocess import to_batch
from emotion.training.architectures import build
from emotion.training.export import (
    CALIBRATION_FACES,
    Quantisation,
    calibration_faces,
    export_weights,
    shipped_quantisation,
    to_litert,
)
from emotion.weights.config import ModelSpec, read_spec
from emotion.weights.find import find_weights

FLOAT_TOLERANCE = 1e-4
"""What another order of float sums may move a probability by."""

INT8_MEAN, INT8_MOST = 0.02, 0.3
"""What int8 throughout may move a probability by: on average, and at most. What that costs in accuracy is
written in docs/bring_your_own.md."""


@pytest.fixture(scope="module")
def faces() -> npt.NDArray[np.uint8]:
    return real_faces(80, 48)


@pytest.fixture(scope="module")
def expected(faces: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
    return load_classifier(None, "keras").all_probabilities(faces)


@pytest.mark.parametrize(
    ("target", "runtime", "files"),
    [
        ("json-h5", KerasClassifier, {"config.json", "model.json", "model.h5"}),
        ("litert", LiteRTClassifier, {"config.json", "model.tflite"}),
    ],
)
def test_float_exports_answer_as_keras(
    target: str,
    runtime: type,
    files: set[str],
    faces: npt.NDArray[np.uint8],
    expected: dict[str, npt.NDArray[np.float32]],
    tmp_path: Path,
) -> None:
    assert main(["export", str(find_weights()), "--to", target, "--out", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == files
    classifier = load_classifier(read_spec(tmp_path))
    assert isinstance(classifier, runtime)
    for name, rows in classifier.all_probabilities(faces).items():
        np.testing.assert_allclose(rows, expected[name], atol=FLOAT_TOLERANCE)


def test_onnx_answers_as_keras(
    faces: npt.NDArray[np.uint8],
    expected: dict[str, npt.NDArray[np.float32]],
    tmp_path: Path,
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="needed to run ONNX files")
    pytest.importorskip("tf2onnx", reason="needed to write ONNX files")
    export_weights(find_weights(), "onnx", tmp_path)
    spec: ModelSpec = read_spec(tmp_path)
    session = onnxruntime.InferenceSession(
        spec.files["onnx"].verified(), providers=["CPUExecutionProvider"]
    )
    for count in (1, len(faces)):  # the batch size is open
        batch = to_batch(faces[:count], spec.normalisation)
        (rows,) = session.run(None, {"face": batch})
        for index, name in enumerate(spec.outputs):
            np.testing.assert_allclose(rows[:, index], expected[name][:count], atol=FLOAT_TOLERANCE)


@pytest.mark.parametrize("layout", ["one file", "data of train.py"])
def test_faces_to_calibrate_with_are_read_from_files(layout: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    write_parquet(data / "train.parquet", 70)
    write_parquet(data / "validation.parquet", 14, seed=1)
    faces = data / "train.parquet" if layout == "one file" else data
    words = ["export", find_weights(), "--to", "litert-int8", "--out", tmp_path / "out"]
    assert main([*map(str, words), "--calibration", str(faces)]) == 0
    assert isinstance(load_classifier(read_spec(tmp_path / "out")), LiteRTClassifier)


@pytest.mark.parametrize("count", [1, 300, 500, 750, 28709])
def test_faces_to_calibrate_with_are_spread_over_all(count: int) -> None:
    numbered = np.arange(count)
    chosen = calibration_faces(numbered)
    assert len(chosen) == min(count, CALIBRATION_FACES)
    assert (chosen[0], chosen[-1]) == (0, count - 1)
    steps = np.diff(chosen)
    assert count == 1 or 1 <= steps.min() <= steps.max() <= steps.min() + 1


def test_int8_stays_close(
    faces: npt.NDArray[np.uint8],
    expected: dict[str, npt.NDArray[np.float32]],
    tmp_path: Path,
) -> None:
    export_weights(find_weights(), "litert-int8", tmp_path, faces=faces)
    spec = read_spec(tmp_path)
    full = spec.files["litert"].path.stat().st_size
    assert full < read_spec(find_weights()).files["keras"].path.stat().st_size / 3
    found = load_classifier(spec).all_probabilities(faces)
    for name, rows in found.items():
        difference = np.abs(rows - expected[name])
        assert difference.mean() < INT8_MEAN
        assert difference.max() < INT8_MOST


def test_a_brought_network_becomes_litert(tmp_path: Path) -> None:
    """Old file in, fast file out; labels, normalisation and logits travel along."""
    labels = "happy,sad,angry,fear,surprise,neutral,disgust"
    words = ["describe", OLD / "nested.h5", "--out", tmp_path / "old", "--labels", labels]
    assert main([*map(str, words), "--normalisation", "raw"]) == 0
    words = ["export", tmp_path / "old", "--to", "litert", "--out", tmp_path / "new"]
    assert main([*map(str, words)]) == 0
    old, new = (read_spec(tmp_path / name) for name in ("old", "new"))
    assert (new.labels, new.activation, new.normalisation) == (old.labels, "logits", "raw")
    faces = real_faces(20, 48)
    np.testing.assert_allclose(
        load_classifier(new).probabilities(faces),
        load_classifier(old).probabilities(faces),
        atol=FLOAT_TOLERANCE,
    )


def test_what_cannot_be_exported_is_refused(tmp_path: Path) -> None:
    source = find_weights()
    with pytest.raises(TrainingError, match=r"one of json-h5.*Received: 'coreml'"):
        export_weights(source, "coreml", tmp_path / "out")
    with pytest.raises(WeightsError, match="another folder than its source"):
        export_weights(source, "litert", source)
    with pytest.raises(TrainingError, match="--calibration"):
        export_weights(source, "litert-int8", tmp_path / "out")
    export_weights(source, "json-h5", tmp_path / "source")
    config = json.loads((tmp_path / "source" / "config.json").read_text())
    config["files"] = {"litert": {"file": "model.tflite", "sha256": "0" * 64}}
    (tmp_path / "source" / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match="file for Keras to be exported"):
        export_weights(tmp_path / "source", "onnx", tmp_path / "out")


def test_other_weights_are_not_written_over(tmp_path: Path) -> None:
    source = find_weights()
    config = json.loads((source / "config.json").read_text())
    config |= {"name": "mine", "labels": config["labels"][::-1]}
    del config["files"]["keras"]
    described = json.dumps(config)
    (tmp_path / "config.json").write_text(described)
    with pytest.raises(WeightsError, match=r"must go to a new folder.*holds the weights 'mine'"):
        export_weights(source, "litert", tmp_path)
    assert (tmp_path / "config.json").read_text() == described
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_an_export_may_be_made_anew(tmp_path: Path) -> None:
    """As when ``train.py --export`` runs again; but not over the export in another format."""
    source = find_weights()
    export_weights(source, "json-h5", tmp_path)
    (tmp_path / "model.h5").write_bytes(b"old")
    export_weights(source, "json-h5", tmp_path)
    for part in read_spec(tmp_path).files["keras"].parts:
        part.verified()
    with pytest.raises(WeightsError, match="holds the weights 'compact' for keras"):
        export_weights(source, "litert", tmp_path)


@pytest.mark.parametrize("name", ["compact", "six_layer", "plain"])
def test_networks_that_lose_nothing_ship_int8_weights(name: str) -> None:
    assert shipped_quantisation(build(name)) is Quantisation.WEIGHTS


def test_normalisation_behind_an_activation_ships_float16() -> None:
    """One unit that never answered: its variance is 0, so it is multiplied by 31 and stretches int8 steps."""
    network = build("four_block")
    assert shipped_quantisation(network) is Quantisation.HALF
    rng = np.random.default_rng(0)
    norm = [x for x in network.layers if isinstance(x, keras.layers.BatchNormalization)][-2]
    for layer in (norm, network.layers[-1]):
        layer.set_weights([w + rng.uniform(0, 0.05, w.shape) for w in layer.get_weights()])
    variance = norm.get_weights()
    variance[3][:6] = 0.0
    norm.set_weights(variance)
    faces = rng.normal(size=(8, 48, 48, 1)).astype(np.float32)
    exact = np.asarray(network(faces, training=False))
    errors = {}
    for kind in (Quantisation.WEIGHTS, Quantisation.HALF):
        runner = Interpreter(model_content=to_litert(network, kind))
        runner.resize_tensor_input(runner.get_input_details()[0]["index"], faces.shape)
        runner.allocate_tensors()
        runner.set_tensor(runner.get_input_details()[0]["index"], faces)
        runner.invoke()
        answer = runner.get_tensor(runner.get_output_details()[0]["index"])
        errors[kind] = np.abs(answer - exact).max()
    assert errors[Quantisation.HALF] < 0.1 * errors[Quantisation.WEIGHTS]
