"""Somebody's own network, from its file to answers everywhere."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.hub_client import HubClient
from support.keras_networks import OLD, SAME, filled, plain
from support.labelled_faces import write_parquet
from support.local_hub import LocalHub, Repository

import evaluate
from emotion.__main__ import main
from emotion.classifier import KerasClassifier, load_classifier
from emotion.errors import WeightsError
from emotion.images import read_image
from emotion.keras_files import load_model
from emotion.pipeline import EmotionPipeline
from emotion.preprocess import Normalisation, to_batch
from emotion.publishing import stage_weights
from emotion.training.import_keras import import_keras, read_labels
from emotion.types import Emotion
from emotion.weights.config import Activation, read_spec

keras = pytest.importorskip("keras", reason="Keras is needed for Keras files only")

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ORDER = "neutral,angry,disgust,fear,happy,sad,surprise"
"""Not FER-2013's."""


def describe(file: Path, folder: Path, **options: Any) -> list[str]:
    """Arguments of ``emotion describe``."""
    options = {"labels": ORDER, "normalisation": "unit"} | options
    words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
    return ["describe", str(file), "--out", str(folder), *words]


@pytest.fixture(scope="module")
def brought(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 64-pixel network of Keras 2, described on the command line."""
    folder = tmp_path_factory.mktemp("brought") / "mine"
    assert main(describe(OLD / "residual.hdf5", folder, normalisation="signed")) == 0
    return folder


def test_the_description_says_what_the_user_and_the_file_said(brought: Path) -> None:
    spec = read_spec(brought)
    assert ",".join(spec.labels) == ORDER
    assert (spec.name, spec.input_size, spec.normalisation) == ("mine", 64, "signed")
    assert (spec.activation, spec.outputs) == (Activation.SOFTMAX, ("shown",))
    assert spec.files["keras"].verified().read_bytes() == (OLD / "residual.hdf5").read_bytes()


def test_it_answers_through_the_whole_pipeline_without_naming_a_runtime(
    brought: Path, portrait: Path
) -> None:
    with EmotionPipeline.from_pretrained(weights=brought) as pipeline:
        assert isinstance(pipeline.classifier, KerasClassifier)
        (face,) = pipeline(read_image(portrait))
    assert sum(face.prediction.probabilities) == pytest.approx(1.0, abs=1e-5)


def test_its_answers_are_those_of_the_network_in_the_order_of_emotion(brought: Path) -> None:
    faces = np.random.default_rng(3).integers(0, 256, (3, 64, 64), dtype=np.uint8)
    classifier = load_classifier(read_spec(brought))
    model = load_model(OLD / "residual.hdf5")  # Keras 3 itself stumbles over this file
    expected = np.asarray(model.predict_on_batch(to_batch(faces, Normalisation.SIGNED)))
    for prediction, row in zip(classifier.classify(list(faces)), expected, strict=True):
        theirs = dict(zip(ORDER.split(","), row, strict=True))
        for emotion, probability in prediction.as_dict().items():
            assert probability == pytest.approx(theirs[emotion], abs=SAME)


def test_evaluate_resizes_48_pixel_faces_for_a_64_pixel_network(
    brought: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_parquet(tmp_path / "faces.parquet", 21)
    words = ["evaluate.py", "--data", data, "--weights", brought, "--json", tmp_path / "out.json"]
    monkeypatch.setattr(sys, "argv", [*map(str, words)])
    assert evaluate.main() == 0
    figures = json.loads((tmp_path / "out.json").read_text())
    assert figures["n"] == 21
    assert figures["accuracy"] == figures["shown"]["accuracy"]


def test_analyze_takes_it(
    brought: Path, portrait: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", str(portrait), "--weights", str(brought), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert len(record["faces"]) == 1


def test_json_beside_weights_are_brought_and_published_together(tmp_path: Path) -> None:
    options = {"architecture": OLD / "sequential.json", "normalisation": "unit"}
    assert main(describe(OLD / "sequential_weights.h5", tmp_path / "pair", **options)) == 0
    (tmp_path / "published").mkdir()
    stage_weights(tmp_path / "pair", tmp_path / "published")
    names = {path.name for path in (tmp_path / "published").iterdir()}
    assert names == {"config.json", "model.json", "sequential_weights.h5"}
    path = tmp_path / "pair" / "model.json"
    path.write_text(path.read_text() + " ")
    with pytest.raises(WeightsError, match=r"model\.json is damaged or was changed"):
        load_classifier(read_spec(tmp_path / "pair"))


FETCH = """
import sys
from emotion.weights.config import DEFAULT_RUNTIME
from emotion.weights.find import find_weights
print(find_weights(sys.argv[1], runtime=DEFAULT_RUNTIME))
"""


def test_from_a_hub_both_files_come_without_naming_a_runtime(tmp_path: Path) -> None:
    options = {"architecture": OLD / "sequential.json"}
    assert main(describe(OLD / "sequential_weights.h5", tmp_path / "pair", **options)) == 0
    with LocalHub() as hub:
        hub.repositories["me/old"] = Repository()
        files = {path.name: path.read_bytes() for path in (tmp_path / "pair").iterdir()}
        hub.repositories["me/old"].commit(files)
        done = HubClient(tmp_path / "home", hub.url).run("-c", FETCH, "hf://me/old")
    assert done.returncode == 0, done.stderr
    spec = read_spec(Path(done.stdout.strip()))
    faces = np.random.default_rng(3).integers(0, 256, (2, 48, 48), dtype=np.uint8)
    here = load_classifier(read_spec(tmp_path / "pair")).probabilities(faces)
    np.testing.assert_array_equal(load_classifier(spec).probabilities(faces), here)


@pytest.mark.parametrize(
    ("last", "activation"),
    [
        ({"activation": "softmax"}, Activation.SOFTMAX),
        ({"activation": "sigmoid"}, Activation.SIGMOID),
        ({"activation": "linear"}, Activation.LOGITS),
    ],
)
def test_what_the_values_are_is_found_out(
    last: dict[str, Any], activation: Activation, tmp_path: Path
) -> None:
    model = plain(**last)
    model.save(tmp_path / "old.h5")
    labels = read_labels(ORDER)
    how = Normalisation.UNIT
    spec = import_keras(tmp_path / "old.h5", tmp_path / "new", labels=labels, normalisation=how)
    assert spec.activation is activation
    faces = np.random.default_rng(3).integers(0, 256, (3, 48, 48), dtype=np.uint8)
    values = np.asarray(model.predict_on_batch(to_batch(faces, how)), np.float64)
    values = np.exp(values) if activation is Activation.LOGITS else values
    expected = values / values.sum(axis=1, keepdims=True)
    found = load_classifier(spec).probabilities(faces)
    np.testing.assert_allclose(found, expected, atol=SAME)


def save(model: Any, folder: Path) -> Path:
    path = folder / "old.h5"
    model.save(path)
    return path


def colour() -> Any:
    inputs = keras.Input((48, 48, 3))
    x = keras.layers.Dense(7)(keras.layers.Flatten()(inputs))
    return keras.Model(inputs, x)


def broken() -> Any:
    model = plain()
    model.layers[-1].bias.assign(np.full(7, np.nan))
    return model


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (colour, "colour pictures"),
        (lambda: plain(units=8), r"7 values.*other sets of expressions"),
        (
            lambda: filled(keras.Sequential([keras.Input((48, 40, 1)), keras.layers.Flatten()])),
            "×40",
        ),
        (broken, "must answer with numbers"),
    ],
)
def test_what_is_no_classifier_of_grey_faces_is_refused(
    make: Any, match: str, tmp_path: Path
) -> None:
    file = save(make(), tmp_path)
    with pytest.raises(WeightsError, match=match):
        import_keras(
            file,
            tmp_path / "new",
            labels=tuple(Emotion),
            normalisation=Normalisation.UNIT,
        )
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("options", "status", "match"),
    [
        ({"labels": "angry,disgust,fear,happy,sad,surprise"}, 1, "each of angry, disgust"),
        ({"labels": "anger,disgust,fear,happy,sad,surprise,neutral"}, 1, "Received: 'anger"),
        ({"normalisation": "imagenet"}, 2, "invalid choice: 'imagenet'"),
        ({"architecture": "none.json"}, 1, "Received: none.json, which is none"),
    ],
)
def test_what_the_user_must_say_is_checked(
    options: dict[str, str],
    status: int,
    match: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = describe(OLD / "residual.hdf5", tmp_path / "new", **options)
    if status == 2:
        with pytest.raises(SystemExit):
            main(words)
    else:
        assert main(words) == status
    assert match in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_labels_and_normalisation_are_never_guessed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["describe", str(OLD / "residual.hdf5"), "--out", str(tmp_path / "new")])
    assert "required: --labels, --normalisation" in capsys.readouterr().err


def test_weights_that_are_there_are_not_overwritten(brought: Path, tmp_path: Path) -> None:
    shutil.copytree(brought, tmp_path / "mine")
    before = (tmp_path / "mine" / "config.json").read_bytes()
    assert main(describe(OLD / "residual.keras", tmp_path / "mine")) == 1
    assert (tmp_path / "mine" / "config.json").read_bytes() == before


@pytest.mark.parametrize("name", ["sequential_weights.h5", "model.json"])
def test_other_files_of_the_same_name_are_not_overwritten(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text("mine")
    words = describe(OLD / "sequential_weights.h5", tmp_path, architecture=OLD / "sequential.json")
    assert main(words) == 1
    assert f"which has a file {name}" in capsys.readouterr().err
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "mine")]


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"input_size": 48}, "what the network takes: 64 pixels. Received: 48"),
        (
            {"outputs": ["shown", "fer2013"]},
            "one row of 7 values for each of its outputs, 2 in all",
        ),
    ],
)
def test_a_description_that_does_not_fit_is_refused(
    brought: Path, changes: dict[str, Any], match: str, tmp_path: Path
) -> None:
    shutil.copytree(brought, tmp_path / "mine")
    path = tmp_path / "mine" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(WeightsError, match=match):
        load_classifier(read_spec(tmp_path / "mine"))
