"""The networks: their sizes, their outputs, and that folding the heads changes no answer."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from emotion.errors import TrainingError
from emotion.metrics import FERPLUS_ORDER, softmax
from emotion.model import ARCHITECTURES, Calibration, build, deployable, output_rows
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


def test_the_rows_of_the_shipped_network_are_its_heads_and_their_mix() -> None:
    network = trained_looking("compact")
    offsets = np.linspace(0.0, 0.6, 7)
    calibration = Calibration({"shown": 0.8, "fer2013": 1.5, "ferplus": 0.7}, {"fer2013": offsets})
    model = deployable(network, vote_share=0.4, calibration=calibration)
    labels, votes = (np.asarray(head) for head in network(faces(5), training=False))
    votes = votes[:, [FERPLUS_ORDER.index(emotion) for emotion in Emotion]]
    rows = np.asarray(model(faces(5), training=False))
    assert output_rows(network) == ("shown", "fer2013", "ferplus")
    expected = [softmax((0.6 * labels + 0.4 * votes) / 0.8), softmax((labels + offsets) / 1.5)]
    expected.append(softmax(votes / 0.7))
    np.testing.assert_allclose(rows, np.stack(expected, axis=1), atol=1e-5)


def test_a_single_head_is_shown_as_it_is() -> None:
    network = trained_looking("plain")
    model = deployable(
        network, vote_share=0.4, calibration=Calibration({"shown": 2.0, "fer2013": 2.0})
    )
    rows = np.asarray(model(faces(3), training=False))
    logits = np.asarray(network(faces(3), training=False)).reshape(3, -1)
    assert output_rows(network) == ("shown", "fer2013")
    np.testing.assert_allclose(rows[:, 0], softmax(logits / 2.0), atol=1e-5)
    np.testing.assert_allclose(rows[:, 0], rows[:, 1])


def test_compact_takes_any_size() -> None:
    network = build("compact", size=None)
    for size in (32, 40, 48):
        inputs = np.zeros((1, size, size, 1), np.float32)
        assert network(inputs, training=False)[0].shape == (1, len(Emotion))
