"""The network in both runtimes: same answers, any number of faces, any number of threads."""

from __future__ import annotations

import dataclasses
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from emotion.classifier import (
    MAX_BATCH,
    RUNTIMES,
    Classifier,
    KerasClassifier,
    LiteRTClassifier,
    load_classifier,
)
from emotion.errors import DetectorError, WeightsError
from emotion.faces import load_detector
from emotion.faces.model_files import MODELS_FOLDER
from emotion.types import Emotion
from emotion.weights.config import Activation, read_spec
from emotion.weights.files import ModelFile, sha256_of
from emotion.weights.find import find_weights

BATCH_TOLERANCE = 1e-5
"""Probability that the number of faces in a batch may change: the order of float sums."""

RUNTIME_TOLERANCE = 0.06
"""Probability that the quantised LiteRT file may differ by from Keras float32, on average over crops."""


@pytest.fixture(scope="module")
def litert() -> Classifier:
    return load_classifier()


@pytest.fixture(scope="module")
def keras_reference() -> Classifier:
    pytest.importorskip("keras")
    return load_classifier(None, "keras")


@pytest.fixture(scope="module")
def crops() -> npt.NDArray[np.uint8]:
    """500 smooth grey pictures (500, 48, 48), no two alike."""
    noise = np.random.default_rng(3).integers(0, 256, (500, 6, 6), dtype=np.uint8)
    enlarged = [cv2.resize(face, (48, 48), interpolation=cv2.INTER_CUBIC) for face in noise]
    return np.asarray(enlarged, dtype=np.uint8)


def test_litert_is_the_default(litert: Classifier) -> None:
    assert isinstance(litert, LiteRTClassifier)


def test_weights_with_one_file_choose_its_runtime(keras_reference: Classifier) -> None:
    spec = read_spec(find_weights())
    only = dataclasses.replace(spec, files={"keras": spec.files["keras"]})
    assert isinstance(load_classifier(only), KerasClassifier)


def test_weights_without_a_file_that_can_be_run_are_refused() -> None:
    spec = read_spec(find_weights())
    foreign = dataclasses.replace(spec, files={"onnx": spec.files["litert"]})
    with pytest.raises(WeightsError, match=r"one of litert, keras. Received: 'onnx'"):
        load_classifier(foreign)
    with pytest.raises(WeightsError, match="have files for nothing only"):
        load_classifier(dataclasses.replace(spec, files={}))


def test_values_become_probabilities(litert: Classifier, crops: npt.NDArray[np.uint8]) -> None:
    """The same network taken at its word: its softmax again, or its values divided by their sum."""
    before = litert.probabilities(crops[:4])
    for activation in (Activation.SOFTMAX, Activation.SIGMOID):
        other = load_classifier(dataclasses.replace(litert.spec, activation=activation))
        np.testing.assert_allclose(other.probabilities(crops[:4]), before, atol=BATCH_TOLERANCE)
    other = load_classifier(dataclasses.replace(litert.spec, activation=Activation.LOGITS))
    expected = np.exp(before) / np.exp(before).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(other.probabilities(crops[:4]), expected, atol=1e-4)


@pytest.mark.parametrize("count", [0, 1, 2, MAX_BATCH, MAX_BATCH + 1, 500])
def test_there_is_one_prediction_for_each_crop(
    litert: Classifier, crops: npt.NDArray[np.uint8], count: int
) -> None:
    predictions = litert.classify(list(crops[:count]))
    assert len(predictions) == count
    for prediction in predictions[:3] + predictions[-3:]:
        assert sum(prediction.probabilities) == pytest.approx(1.0, abs=1e-3)


def test_a_face_reads_the_same_alone_and_in_a_crowd(
    litert: Classifier, crops: npt.NDArray[np.uint8]
) -> None:
    crowd = litert.classify(list(crops[:70]))
    for index in (0, 1, 63, 64, 69):
        alone = litert.classify([crops[index]])[0]
        np.testing.assert_allclose(
            alone.probabilities, crowd[index].probabilities, atol=BATCH_TOLERANCE
        )


def test_keras_and_litert_agree(
    litert: Classifier, keras_reference: Classifier, crops: npt.NDArray[np.uint8]
) -> None:
    ours = litert.probabilities(crops[:100])
    reference = keras_reference.probabilities(crops[:100])
    assert ours.shape == reference.shape == (100, len(Emotion))
    assert np.abs(ours - reference).mean() < RUNTIME_TOLERANCE / 2
    assert np.abs(ours - reference).max(axis=1).mean() < RUNTIME_TOLERANCE
    sure = np.sort(reference, axis=1)[:, -1] - np.sort(reference, axis=1)[:, -2] > 0.3
    np.testing.assert_array_equal(ours.argmax(1)[sure], reference.argmax(1)[sure])


def test_threads_share_one_classifier(litert: Classifier, crops: npt.NDArray[np.uint8]) -> None:
    """Batches of different sizes at once: each gets its own answer."""
    jobs = [crops[start : start + 1 + start % 5] for start in range(0, 60)]
    expected = [litert.probabilities(job) for job in jobs]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(litert.probabilities, jobs))
    for mine, theirs in zip(expected, found, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=BATCH_TOLERANCE)


def test_outputs_are_put_into_the_order_of_emotion(crops: npt.NDArray[np.uint8]) -> None:
    """Whatever order the weights were trained in: labels travel with them."""
    spec = read_spec(find_weights())
    turned = dataclasses.replace(spec, labels=spec.labels[1:] + spec.labels[:1])
    straight = load_classifier(spec).classify(list(crops[:5]))
    renamed = load_classifier(turned).classify(list(crops[:5]))
    names = dict(zip(spec.labels, turned.labels, strict=True))
    for before, after in zip(straight, renamed, strict=True):
        assert after.label == names[before.label]
        assert list(after.as_dict()) == list(Emotion)


def test_an_unknown_runtime_is_refused() -> None:
    with pytest.raises(WeightsError, match=rf"{', '.join(RUNTIMES)}. Received: 'onnx'"):
        load_classifier(None, "onnx")


def test_a_runtime_without_a_file_is_refused() -> None:
    spec = read_spec(find_weights())
    only = dataclasses.replace(spec, files={"litert": spec.files["litert"]})
    with pytest.raises(WeightsError, match="have files for litert only"):
        load_classifier(only, "keras")


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"input_size": 96}, "what the network takes: 48 pixels. Received: 96"),
        ({"outputs": ("shown",)}, r"each of its outputs, 1 in all. Received: \[\(None, 3, 7\)\]"),
        ({"outputs": ("fer2013", "ferplus", "shown", "more")}, "each of its outputs, 4 in all"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(
    runtime: str, changes: dict[str, Any], match: str
) -> None:
    if runtime == "keras":
        pytest.importorskip("keras")
    spec = dataclasses.replace(read_spec(find_weights()), **changes)
    with pytest.raises(WeightsError, match=match):
        load_classifier(spec, runtime)


def test_another_network_is_refused() -> None:
    """A face detector: its pictures are coloured."""
    path = MODELS_FOLDER / "face_detection_short_range.tflite"
    spec = read_spec(find_weights())
    files = {"litert": ModelFile(path, sha256_of(path))}
    with pytest.raises(WeightsError, match=r"must take grey pictures.*\(1, 128, 128, 3\)"):
        load_classifier(dataclasses.replace(spec, files=files))


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_file_that_is_no_network_is_refused(runtime: str, tmp_path: Path) -> None:
    """Its hash is right, but nothing can read it."""
    spec = read_spec(find_weights())
    broken = tmp_path / spec.files[runtime].path.name
    broken.write_bytes(b"not a network" * 100)
    files = {runtime: ModelFile(broken, sha256_of(broken))}
    with pytest.raises(WeightsError, match=rf"{broken.name} (cannot be loaded|must be a Keras)"):
        load_classifier(dataclasses.replace(spec, files=files), runtime)


def test_a_damaged_file_is_never_opened(tmp_path: Path) -> None:
    spec = read_spec(find_weights())
    broken = tmp_path / "model.tflite"
    broken.write_bytes(spec.files["litert"].path.read_bytes()[:-1])
    files = {"litert": ModelFile(broken, spec.files["litert"].sha256)}
    with pytest.raises(WeightsError, match="damaged or was changed"):
        load_classifier(dataclasses.replace(spec, files=files))


@pytest.mark.parametrize(
    ("system", "machine", "way"),
    [
        ("darwin", "x86_64", "Linux container"),
        ("darwin", "arm64", "pip"),
        ("linux", "aarch64", "pip"),
    ],
)
def test_without_litert_the_message_says_what_to_do_on_this_machine(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, way: str
) -> None:
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(WeightsError, match=f"not installed; .*{way}"):
        load_classifier(read_spec(find_weights()), "litert")
    with pytest.raises(DetectorError, match=f"detector haar, or .*{way}"):
        load_detector("mediapipe")
    assert load_detector("haar").detect(np.zeros((64, 64, 3), np.uint8)) == []
