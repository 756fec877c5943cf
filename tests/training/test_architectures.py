"""The networks: their sizes, their outputs, and that folding the heads changes no answer."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from emotion.classifier import softmax
from emotion.errors import TrainingError
from emotion.training.architectures import (
    ARCHITECTURES,
    build,
    deployable,
    output_rows,
)
from emotion.training.rows import Row, label_row, vote_row
from emotion.types import Emotion


def trained_looking(name: str) -> Any:
    """A network whose every weight differs from zero, so that nothing cancels out by chance."""
    network = build(name)
    rng = np.random.default_rng(0)
    scale = {1: 1.0}  # vectors: biases and batch normalisation; the rest would saturate at that
    weights = [rng.uniform(0.01, scale.get(w.ndim, 0.03), w.shape) for w in network.get_weights()]
    network.set_weights(weights)
    return network


def faces(count: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(count, 48, 48, 1)).astype(np.float32)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_gives_seven_logits_first(name: str) -> None:
    outputs = build(name)(faces(2), training=False)
    first = outputs[0] if isinstance(outputs, list) else outputs
    assert first.shape == (2, len(Emotion))


def test_four_block_is_the_network_it_succeeds() -> None:
    network = build("four_block")
    assert network.count_params() == 2_726_151
    assert sum(int(np.prod(w.shape)) for w in network.non_trainable_weights) == 3_456
    kinds = [type(layer).__name__ for layer in network.layers]
    shown = [kind for kind in kinds if kind not in ("Dropout", "InputLayer")]
    block = ["Conv2D", "BatchNormalization", "MaxPooling2D"]
    dense = ["Dense", "BatchNormalization"]
    assert shown == ["Conv2D", *block * 4, "Flatten", *dense * 2, "Dense"]
    flat = next(layer for layer in network.layers if isinstance(layer, keras.layers.Flatten))
    assert flat.output.shape == (None, 2304)


def test_six_layer_halves_the_size_and_doubles_the_channels() -> None:
    network = build("six_layer")
    pooled = [layer.output.shape[1:] for layer in network.layers if "pool" in layer.name]
    assert pooled == [(24, 24, 64), (12, 12, 128), (6, 6, 256), (3, 3, 512)]


def test_an_unknown_architecture_is_refused() -> None:
    with pytest.raises(TrainingError, match=r"one of compact.*Received: 'resnet'"):
        build("resnet")


def test_the_rows_of_the_shipped_network_are_linear_in_its_heads() -> None:
    network = trained_looking("compact")
    rng = np.random.default_rng(2)
    rows = {
        "shown": Row(rng.normal(size=(15, 7)), rng.normal(size=7)),
        "fer2013": label_row(15).plus(np.linspace(0.0, 0.6, 7)).at(1.5),
        "ferplus": vote_row().at(0.7),
    }
    model = deployable(network, rows)
    heads = np.concatenate([np.asarray(h) for h in network(faces(5), training=False)], axis=1)
    answers = np.asarray(model(faces(5), training=False))
    assert output_rows(network) == tuple(rows)
    expected = [softmax(row.logits(heads)) for row in rows.values()]
    np.testing.assert_allclose(answers, np.stack(expected, axis=1), atol=1e-5)


def test_a_network_without_votes_has_two_rows() -> None:
    network = trained_looking("plain")
    model = deployable(network, {"shown": label_row(7).at(2.0), "fer2013": label_row(7)})
    answers = np.asarray(model(faces(3), training=False))
    logits = np.asarray(network(faces(3), training=False)).reshape(3, -1)
    assert output_rows(network) == ("shown", "fer2013")
    np.testing.assert_allclose(answers[:, 0], softmax(logits / 2.0), atol=1e-5)
    np.testing.assert_allclose(answers[:, 1], softmax(logits), atol=1e-5)


def test_compact_takes_any_size() -> None:
    network = build("compact", size=None)
    for size in (32, 40, 48):
        inputs = np.zeros((1, size, size, 1), np.float32)
        assert network(inputs, training=False)[0].shape == (1, len(Emotion))
