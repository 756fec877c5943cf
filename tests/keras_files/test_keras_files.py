"""Networks of any Keras are read as they were saved, and nothing that comes with them is run."""

from __future__ import annotations

import copy
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="Keras is needed for Keras files only")

import h5py  # noqa: E402 - comes with Keras
from support.keras_networks import OLD, SAME, filled, plain  # noqa: E402

from emotion.errors import WeightsError  # noqa: E402
from emotion.keras_files import load_model, write_json_h5  # noqa: E402
from emotion.keras_files.files import MAX_ARCHITECTURE  # noqa: E402
from emotion.training.architectures import ARCHITECTURES, build, deployable, output_rows  # noqa: E402
from emotion.training.rows import label_row  # noqa: E402
from emotion.weights.shapes import check_size, input_side  # noqa: E402

# Keras's own savers, with TensorFlow's variables under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

layers = keras.layers


def faces(model: Any, count: int = 8) -> np.ndarray:
    side = model.inputs[0].shape[1]
    rng = np.random.default_rng(9)
    return rng.uniform(0, 1, (count, side, side, 1)).astype(np.float32)


def answers(model: Any) -> np.ndarray:
    return np.asarray(model.predict_on_batch(faces(model)))


def residual() -> Any:
    """Two branches with layers of the same kinds and shapes: a mix-up would show."""
    inputs = keras.Input((64, 64, 1))
    x = layers.SeparableConv2D(6, 3, strides=4)(inputs)
    left = layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(6, 3, padding="same")(x))
    right = layers.LeakyReLU(0.2)(layers.Conv2D(6, 3, padding="same")(x))
    x = layers.Concatenate()([layers.Add()([left, right]), right])
    shared = layers.Dense(12, activation="tanh")
    x = layers.GlobalAveragePooling2D()(shared(shared(x)))
    return filled(keras.Model(inputs, layers.Softmax()(layers.Dense(7)(x))))


def inside() -> Any:
    """Networks in a network; the first layer inside is frozen."""
    base = keras.Sequential(
        [keras.Input((48, 48, 1)), layers.Conv2D(4, 5, strides=4), layers.BatchNormalization()]
    )
    base.layers[0].trainable = False
    steps = [layers.RandomFlip("horizontal"), layers.Rescaling(2.0, offset=-1.0)]
    top = [keras.Sequential(steps), base, layers.GlobalMaxPooling2D(), layers.Dense(7)]
    return filled(keras.Sequential([keras.Input((48, 48, 1)), *top]))


MODELS: dict[str, Callable[[], Any]] = {"plain": plain, "residual": residual, "inside": inside}


def test_files_of_keras_2_answer_as_keras_2_did() -> None:
    with np.load(OLD / "answers.npz") as stored:
        expected = dict(stored)
    weights, architecture = OLD / "sequential_weights.h5", OLD / "sequential.json"
    for name, model in {
        "sequential": load_model(weights, architecture),
        "residual": load_model(OLD / "residual.hdf5"),
        "nested": load_model(OLD / "nested.h5"),
    }.items():
        np.testing.assert_allclose(answers(model), expected[name], atol=SAME)
    later = load_model(OLD / "residual.keras")
    np.testing.assert_allclose(answers(later), expected["residual"], atol=SAME)


@pytest.mark.parametrize("kind", ["whole.h5", "whole.hdf5", "whole.keras", "pair.weights.h5"])
@pytest.mark.parametrize("name", MODELS)
def test_a_network_comes_back_from_any_file(name: str, kind: str, tmp_path: Path) -> None:
    model = MODELS[name]()
    path, architecture = tmp_path / kind, None
    if kind.startswith("pair"):
        architecture = tmp_path / "model.json"
        architecture.write_text(model.to_json())
        model.save_weights(path)
    else:
        model.save(path)
    back = load_model(path, architecture)
    assert input_side(back) == model.inputs[0].shape[1]
    np.testing.assert_allclose(answers(back), answers(model), atol=SAME)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_our_own_networks_use_known_layers_only(name: str, tmp_path: Path) -> None:
    network = filled(build(name))
    width = sum(output.shape[1] for output in network.outputs)
    rows = dict.fromkeys(output_rows(network), label_row(width).at(1.5))
    model = deployable(network, rows)
    model.save(tmp_path / "model.keras")
    back = load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(answers(back), answers(model), atol=SAME)


@pytest.mark.parametrize("name", ["plain", "residual"])
def test_json_and_h5_are_read_by_keras_and_by_us(name: str, tmp_path: Path) -> None:
    model = MODELS[name]()
    write_json_h5(model, tmp_path)
    path, architecture = tmp_path / "model.h5", tmp_path / "model.json"
    theirs = keras.models.model_from_json(architecture.read_text())
    theirs.load_weights(path)
    for back in (theirs, load_model(path, architecture)):
        np.testing.assert_allclose(answers(back), answers(model), atol=SAME)


def test_an_activation_that_keras_versions_compute_differently_is_neither_read_nor_written(
    tmp_path: Path,
) -> None:
    model = plain(activation="hard_sigmoid")
    model.save(tmp_path / "model.keras")
    with pytest.raises(WeightsError, match="every Keras computes alike"):
        load_model(tmp_path / "model.keras")
    with pytest.raises(WeightsError, match="every Keras computes alike"):
        write_json_h5(model, tmp_path)


def keras_1(model: Any) -> dict[str, Any]:
    """The network :func:`plain` in the words of Keras 1."""
    told = {
        "trainable": True,
        "W_regularizer": None,
        "b_constraint": None,
        "init": "glorot_uniform",
    }
    steps = [
        ("Convolution2D", {"nb_filter": 6, "nb_row": 3, "nb_col": 3, "border_mode": "valid"}),
        ("BatchNormalization", {"mode": 0, "axis": -1, "epsilon": 1e-3, "momentum": 0.99}),
        ("MaxPooling2D", {"pool_size": [4, 4], "strides": [4, 4], "border_mode": "valid"}),
        ("Dropout", {"p": 0.25}),
        ("Flatten", {}),
        ("Dense", {"output_dim": 8, "bias": True, "activation": "relu", "input_dim": None}),
        ("Dense", {"output_dim": 7, "bias": True, "activation": "softmax"}),
    ]
    steps[0][1].update(subsample=[1, 1], dim_ordering="tf", bias=True, activation="relu")
    steps[0][1].update(batch_input_shape=[None, 48, 48, 1], input_dtype="float32")
    steps[2][1].update(dim_ordering="tf")
    names = [layer.name for layer in model.layers]
    config = [
        {"class_name": kind, "config": {"name": name, **told, **options}}
        for name, (kind, options) in zip(names, steps, strict=True)
    ]
    return {"class_name": "Sequential", "config": config, "keras_version": "1.2.2"}


def write_pair(folder: Path, description: Any, model: Any) -> tuple[Path, Path]:
    write_json_h5(model, folder)
    (folder / "old.json").write_text(json.dumps(description))
    return folder / "model.h5", folder / "old.json"


def test_the_words_of_keras_1_are_understood(tmp_path: Path) -> None:
    model = plain()
    back = load_model(*write_pair(tmp_path, keras_1(model), model))
    np.testing.assert_allclose(answers(back), answers(model), atol=SAME)


def test_other_names_of_layers_are_matched_by_their_order(tmp_path: Path) -> None:
    """A network and its weights from two sessions: dense_1 here, dense_3 there."""
    model = plain()
    description = keras_1(model)
    for index, entry in enumerate(description["config"]):
        entry["config"]["name"] = f"other_{index}"
    back = load_model(*write_pair(tmp_path, description, model))
    np.testing.assert_allclose(answers(back), answers(model), atol=SAME)


LAMBDA = {"name": "scale", "function": ["4wEAAAAAAAAA", None, None], "function_type": "lambda"}


def lambda_network() -> Any:
    """Its code would write a file; see the test."""
    inputs = keras.Input((48, 48, 1))
    x = layers.Lambda(lambda x: x / 255.0)(inputs)
    return keras.Model(inputs, layers.Dense(7)(layers.Flatten()(x)))


@pytest.mark.parametrize("kind", ["whole.h5", "whole.keras"])
def test_a_lambda_layer_is_refused_in_whole_files(kind: str, tmp_path: Path) -> None:
    lambda_network().save(tmp_path / kind)
    with pytest.raises(WeightsError, match=r"the Lambda layer .*never run"):
        load_model(tmp_path / kind)


def test_a_lambda_layer_is_refused_in_json(tmp_path: Path) -> None:
    model = plain()
    description = keras_1(model)
    description["config"].insert(1, {"class_name": "Lambda", "config": LAMBDA})
    with pytest.raises(WeightsError, match=r"the Lambda layer 'scale'.*never run"):
        load_model(*write_pair(tmp_path, description, model))


def test_a_registered_class_is_refused_even_where_it_is_known(tmp_path: Path) -> None:
    """Keras would run it: the file decides only whether, not what."""

    @keras.saving.register_keras_serializable(package="test_keras_files")
    class Dense(layers.Dense):
        pass

    model = keras.Sequential([keras.Input((48, 48, 1)), layers.Flatten(), Dense(7)])
    for kind in ("whole.keras", "whole.h5"):
        model.save(tmp_path / kind)
        with pytest.raises(WeightsError, match="test_keras_files>Dense"):
            load_model(tmp_path / kind)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"class_name": "AttentionBlock"}, "'AttentionBlock', which would need code"),
        ({"class_name": "os.system"}, "would need code"),
        (
            {"config": {"filters": 6, "kernel_size": 3, "activation": "my_swish"}},
            "must be one of elu",
        ),
        (
            {"config": {"filters": 6, "kernel_size": 3, "activation": "hard_sigmoid"}},
            "'hard_sigmoid', which is clip",
        ),
        (
            {
                "config": {
                    "filters": 6,
                    "kernel_size": 3,
                    "activation": {"class_name": "__lambda__"},
                }
            },
            "must be one of elu",
        ),
        (
            {"config": {"filters": {"class_name": "__lambda__", "config": {}}, "kernel_size": 3}},
            "Functions from a file are never run",
        ),
        ({"config": {"filters": 6, "kernel_size": 3, "dim_ordering": "th"}}, "channels last"),
        ({"config": {"filters": 6, "kernel_size": 3, "rotated": 4}}, "rotated.*is not known"),
        ({"config": {"filters": -6, "kernel_size": 3}}, "cannot be built"),
        ({"config": {"filters": 6, "kernel_size": 5}}, "numbers of the layer"),
        ({"config": 5}, "cannot be built"),
    ],
)
def test_what_a_layer_must_not_be_is_refused(
    change: dict[str, Any], match: str, tmp_path: Path
) -> None:
    model = plain()
    description = keras_1(model)
    entry = description["config"][0]
    shape = {"batch_input_shape": [None, 48, 48, 1], "name": entry["config"]["name"]}
    if isinstance(change.get("config"), dict):
        change = {**change, "config": shape | change["config"]}
    entry.update(copy.deepcopy(change))
    with pytest.raises(WeightsError, match=match):
        load_model(*write_pair(tmp_path, description, model))


@pytest.mark.parametrize(
    "description",
    [
        *({}, [], 7, "x"),
        *({"class_name": kind, "config": {}} for kind in ("MyModel", "Model", "Sequential")),
        *({"class_name": "Sequential", "config": config} for config in ([], None, "x")),
    ],
)
def test_what_is_no_network_is_refused(description: Any, tmp_path: Path) -> None:
    with pytest.raises(WeightsError):
        load_model(*write_pair(tmp_path, description, plain()))


def test_layers_that_wait_for_each_other_are_refused(tmp_path: Path) -> None:
    model = residual()
    write_json_h5(model, tmp_path)
    description = json.loads((tmp_path / "model.json").read_text())
    second, third = description["config"]["layers"][1:3]
    second["inbound_nodes"] = [[[third["name"], 0, 0, {}]]]
    with pytest.raises(WeightsError, match="must be connected"):
        load_model(*write_pair(tmp_path, description, model))


class Touch:
    """Unpickling this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["model.pkl", "model.h5", "model.keras"])
def test_a_pickle_is_never_opened(name: str, tmp_path: Path) -> None:
    made = tmp_path / "made"
    (tmp_path / name).write_bytes(pickle.dumps(Touch(made)))
    with pytest.raises(WeightsError, match=r"Pickles .* are never opened"):
        load_model(tmp_path / name)
    assert not made.exists()


def test_weights_alone_ask_for_their_architecture() -> None:
    with pytest.raises(WeightsError, match=r"holds weights only\. Give the architecture"):
        load_model(OLD / "sequential_weights.h5")


def test_links_to_other_files_are_not_followed(tmp_path: Path) -> None:
    model = plain()
    write_json_h5(model, tmp_path)
    (tmp_path / "model.h5").rename(tmp_path / "other.h5")
    with h5py.File(tmp_path / "other.h5") as other, h5py.File(tmp_path / "model.h5", "w") as file:
        file.attrs["layer_names"] = other.attrs["layer_names"]
        for name in other:
            file[name] = h5py.ExternalLink("other.h5", name)
    with pytest.raises(WeightsError, match="a link of the kind ExternalLink"):
        load_model(tmp_path / "model.h5", tmp_path / "model.json")


def test_missing_numbers_are_counted(tmp_path: Path) -> None:
    write_json_h5(plain(), tmp_path)
    with h5py.File(tmp_path / "model.h5", "a") as file:
        file.attrs["layer_names"] = file.attrs["layer_names"][:-1]
    with pytest.raises(
        WeightsError, match=r"for the 4 layers that need some\. Received: numbers for 3"
    ):
        load_model(tmp_path / "model.h5", tmp_path / "model.json")


@pytest.mark.parametrize("kind", ["whole.h5", "whole.keras"])
def test_a_file_cut_short_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / kind
    plain().save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(WeightsError):
        load_model(path)


def test_an_archive_without_a_network_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr("metadata.json", "{}")
    with pytest.raises(WeightsError, match="damaged or no network"):
        load_model(tmp_path / "model.keras")


def archive_of(
    path: Path, content: bytes, method: int = zipfile.ZIP_DEFLATED, *, member: str = "config.json"
) -> None:
    """A ``.keras`` file as far as this member goes."""
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr(member, content)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"\xff\xfe{}", "damaged or no network"),
        (b"[" * 100_000, "is not JSON"),
        (b" " * (MAX_ARCHITECTURE + 1), r"at most 16,777,216 bytes"),
    ],
    ids=["no text", "deep", "large"],
)
def test_an_architecture_that_cannot_be_one_is_refused(
    content: bytes, match: str, tmp_path: Path
) -> None:
    archive_of(tmp_path / "model.keras", content)
    with pytest.raises(WeightsError, match=match):
        load_model(tmp_path / "model.keras")


def test_an_architecture_packed_in_another_way_is_refused(tmp_path: Path) -> None:
    """Kilobytes of it may stand for gigabytes, and it can only be unpacked as a whole."""
    archive_of(tmp_path / "model.keras", b"{}", zipfile.ZIP_BZIP2)
    with pytest.raises(WeightsError, match="must be stored or deflated"):
        load_model(tmp_path / "model.keras")


def test_a_damaged_or_encrypted_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    archive_of(path, bytes(1000))
    sound = path.read_bytes()
    begin = sound.index(b"config.json") + len("config.json")
    path.write_bytes(sound[:begin] + b"\xff" * 4 + sound[begin + 4 :])
    with pytest.raises(WeightsError, match="damaged or no network"):
        load_model(path)
    locked = bytearray(sound)  # the flag of encryption, in both headers
    locked[6] |= 1
    locked[sound.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(locked)
    with pytest.raises(WeightsError, match="encrypted"):
        load_model(path)


@pytest.mark.parametrize(
    ("shape", "match"),
    [
        ((48, 48, 3), "colour pictures"),
        ((48, 40, 1), "48×40"),
        ((2304,), "one grey square"),
        ((None, None, 1), "fixed size"),
    ],
)
def test_only_one_grey_square_is_taken(shape: tuple[int | None, ...], match: str) -> None:
    inputs = keras.Input(shape)
    with pytest.raises(WeightsError, match=match):
        input_side(keras.Model(inputs, layers.Activation("relu")(inputs)))


def test_size_and_number_of_outputs_are_checked() -> None:
    with pytest.raises(WeightsError, match=r"48 pixels. Received: 64"):
        check_size(plain(), side=64, rows=1, classes=7)
    with pytest.raises(WeightsError, match=r"one row of 7 values.*\(None, 8\)"):
        check_size(plain(units=8), side=48, rows=1, classes=7)
    check_size(plain(64), side=64, rows=1, classes=7)
