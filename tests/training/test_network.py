"""A network in training: averaged weights, the adjusted loss, a step of each kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.labelled_faces import voted_faces

pytest.importorskip("tensorflow", reason="TensorFlow is needed for training only")

import keras

from emotion.classifier import softmax
from emotion.errors import TrainingError
from emotion.training.architectures import ARCHITECTURES
from emotion.training.loop import train, validate
from emotion.training.network import AdjustedCrossentropy, compile_network, use_average
from emotion.training.recipe import Recipe
from emotion.training.targets import log_prior, make_targets

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

FACES = voted_faces(256)
RECIPE = Recipe(architecture="plain", epochs=10, decay=0.4)


def test_averaged_weights_get_statistics_of_their_own() -> None:
    """Nothing may be left of the old ones, however slowly a network's own statistics move."""
    slow = compile_network(replace(RECIPE, architecture="six_layer"), FACES)
    norms = [x for x in slow.layers if isinstance(x, keras.layers.BatchNormalization)]
    for layer in norms:
        layer.moving_mean.assign(np.full(layer.moving_mean.shape, 1e6))
    use_average(slow, FACES)
    assert all(np.abs(np.asarray(layer.moving_mean)).max() < 1e3 for layer in norms)
    assert {layer.momentum for layer in norms} == {0.99}


def test_less_than_a_batch_is_refused(tmp_path: Path) -> None:
    few = FACES.select(np.arange(100))
    with pytest.raises(TrainingError, match="Received: 100 faces for batches of 128"):
        train(RECIPE, few, make_targets(few, 0.1), FACES, tmp_path, resume=False)


def test_an_unknown_optimizer_is_refused() -> None:
    with pytest.raises(TrainingError, match="Received: 'adamw'"):
        compile_network(replace(RECIPE, optimizer="adamw"), FACES)


def test_the_adjusted_loss_is_the_papers() -> None:
    """−log of exp(f_y + tau log p_y) / sum of exp(f_k + tau log p_k), equation 10 of Menon et al."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(5, 7)).astype(np.float32)
    labels = np.array([0, 1, 2, 5, 6])
    prior = np.array([0.14, 0.01, 0.14, 0.26, 0.17, 0.1, 0.18])
    loss = AdjustedCrossentropy((0.75 * np.log(prior)).astype(np.float32))
    found = float(loss(np.eye(7, dtype=np.float32)[labels], logits))
    powers = np.exp(logits) * prior**0.75
    expected = -np.log(powers[np.arange(5), labels] / powers.sum(axis=1)).mean()
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("adjustment", [0.0, 1.0])
def test_with_an_adjusted_loss_the_logits_do_not_know_how_frequent_classes_are(
    adjustment: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faces that tell nothing: all that can be learned is how frequent each expression is."""
    count = 256
    labels = np.where(np.arange(count) % 4 == 0, 1, 3)  # a quarter disgust, the rest happy
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 48, 48), np.uint8)
    data = replace(voted_faces(count, votes=False), labels=labels, images=images)
    recipe = Recipe(
        architecture="bias_only", batch_size=32, learning_rate=0.3, epochs=8, warmup_epochs=0,
        full_size_epochs=8, ema=0.5, label_smoothing=0.0, class_balance=0.0, weight_decay=0.0,
        logit_adjustment=adjustment, mixup=0.0,
    )  # fmt: skip
    monkeypatch.setitem(ARCHITECTURES, "bias_only", bias_only)
    network, _ = train(recipe, data, make_targets(data, 0.0), data, tmp_path, resume=False)
    shares = softmax(np.asarray(network.get_layer("fer2013").get_weights()[1]))
    natural = softmax(np.log(shares) + adjustment * log_prior(labels))
    assert natural[1] / (natural[1] + natural[3]) == pytest.approx(0.25, abs=0.05)
    expected = 0.5 if adjustment else 0.25
    assert shares[1] / (shares[1] + shares[3]) == pytest.approx(expected, abs=0.07)


def bias_only(size: int | None, lib: Any) -> Any:
    """A network that can learn nothing but a bias."""
    inputs = keras.Input((size, size, 1))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(0.0)(inputs))
    outputs = [keras.layers.Dense(7, dtype="float32", name="fer2013")(x)]
    return keras.Model(inputs, outputs)


def test_accuracy_is_that_of_answers_as_frequent_as_the_labels() -> None:
    network = compile_network(RECIPE, FACES)
    bias = np.zeros(7, np.float32)
    bias[3] = 50.0  # called happy, all of them
    network.get_layer("fer2013").set_weights([np.zeros((256, 7), np.float32), bias])
    happy = float((FACES.labels == 3).mean())
    figures = validate(network, FACES)
    assert figures["accuracy"] == pytest.approx(happy)
    assert figures["mean_recall"] == pytest.approx(1 / 7)
    moved = validate(network, FACES, np.array([0, 0, 100.0, 0, 0, 0, 0]))
    assert moved["accuracy"] == pytest.approx(float((FACES.labels == 2).mean()))
    assert moved["mean_recall"] == pytest.approx(1 / 7)
