"""The networks, as plain Keras 3 models that run on any Keras backend. Needed for training only.

:func:`build` gives a network by name; :func:`deployable` turns a trained one into the model that is
shipped. The earlier designs are kept under their own names, so that the README can say what each one
scores under today's protocol.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import layers

from emotion.errors import TrainingError
from emotion.training.datasets.ferplus import FERPLUS_ORDER
from emotion.training.rows import ROWS, Row
from emotion.types import Emotion

__all__ = [
    "ARCHITECTURES",
    "build",
    "compact",
    "deployable",
    "four_block",
    "output_rows",
    "plain",
    "six_layer",
]

Layers = types.SimpleNamespace | types.ModuleType
"""Where to take layer classes from: ``keras.layers``, or faster look-alikes for training."""


def compact(size: int | None, lib: Layers) -> Any:
    """VGG-like, 2.5 M parameters, size-free thanks to global pooling; two heads of logits.

    After the plain 3×3 networks of Barsoum et al. (2016) and Pramerdorfer & Kampel (2016).
    """
    inputs = keras.Input((size, size, 1), name="face")
    x = inputs
    for channels in (32, 64, 192, 384):
        if channels > 32:
            x = lib.MaxPooling2D(2)(x)
        for _ in range(2):
            x = layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)
            x = lib.BatchNormalization(momentum=0.9)(x)
            x = lib.ReLU()(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.2)(x)
    outputs = [
        layers.Dense(len(Emotion), dtype="float32", name="fer2013")(x),
        layers.Dense(len(FERPLUS_ORDER), dtype="float32", name="ferplus")(x),
    ]
    return keras.Model(inputs, outputs, name="compact")


def four_block(size: int | None, lib: Layers) -> Any:
    """The 2,726,151-parameter network of an earlier live classifier; one head of logits."""
    inputs = keras.Input((48, 48, 1), name="face")
    x = inputs
    x = layers.Conv2D(32, 3, padding="same", activation="relu")(x)
    x = layers.Conv2D(64, 3, padding="same", activation="relu")(x)
    x = lib.BatchNormalization()(x)
    x = lib.MaxPooling2D(2)(x)
    for channels, kernel in ((128, 5), (512, 3), (256, 3)):
        x = layers.Conv2D(channels, kernel, padding="same", activation="relu")(x)
        x = lib.BatchNormalization()(x)
        x = lib.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    for units in (256, 512):
        x = layers.Dense(units, activation="relu")(x)
        x = lib.BatchNormalization()(x)
    outputs = [layers.Dense(len(Emotion), dtype="float32", name="fer2013")(x)]
    return keras.Model(inputs, outputs, name="four_block")


def six_layer(size: int | None, lib: Layers) -> Any:
    """Four convolutions that halve the size and double the channels, then two dense layers."""
    inputs = keras.Input((48, 48, 1), name="face")
    x = inputs
    for channels in (64, 128, 256, 512):
        x = layers.Conv2D(channels, 3, padding="same")(x)
        x = lib.BatchNormalization()(x)
        x = lib.ReLU()(x)
        x = lib.MaxPooling2D(2)(x)
        x = layers.Dropout(0.25)(x)
    return _dense_end(inputs, x, "six_layer")


def plain(size: int | None, lib: Layers) -> Any:
    """Convolution, pooling, dropout, dense: the textbook network of an earlier Flask app."""
    inputs = keras.Input((48, 48, 1), name="face")
    x = inputs
    for channels in (32, 64, 128):
        x = layers.Conv2D(channels, 3, padding="same", activation="relu")(x)
        x = lib.MaxPooling2D(2)(x)
        x = layers.Dropout(0.25)(x)
    return _dense_end(inputs, x, "plain")


def _dense_end(inputs: Any, x: Any, name: str) -> Any:
    """How the two end: flattened, a hidden dense layer, one head of logits."""
    x = layers.Flatten()(x)
    x = layers.Dense(256, activation="relu")(x)
    x = layers.Dropout(0.5)(x)
    outputs = [layers.Dense(len(Emotion), dtype="float32", name="fer2013")(x)]
    return keras.Model(inputs, outputs, name=name)


ARCHITECTURES: dict[str, Callable[[int | None, Layers], Any]] = {
    "compact": compact,
    "four_block": four_block,
    "six_layer": six_layer,
    "plain": plain,
}


def build(name: str, *, size: int | None = 48, lib: Layers = layers) -> Any:
    """Build an untrained network.

    Args:
        name: A key of :data:`ARCHITECTURES`.
        size: Side of the grey input in pixels, or None to leave it open (``compact`` only; the
            earlier designs are made for 48 and ignore it).
        lib: Where to take layer classes from; ``torch_layers`` speeds up training on PyTorch.

    Returns:
        A Keras model: float32 (N, size, size, 1) in; one or two heads of float32 logits out, first
        ``fer2013`` (N, 7) in the order of :class:`Emotion`, then ``ferplus`` (N, 8).

    Raises:
        TrainingError: If there is no such architecture.
    """
    if name not in ARCHITECTURES:
        raise TrainingError(
            f"Unknown architecture. It must be one of {', '.join(ARCHITECTURES)}. Received: {name!r}"
        )
    return ARCHITECTURES[name](size, lib)


def deployable(network: Any, rows: Mapping[str, Row]) -> Any:
    """The network that is shipped: rows of probabilities instead of heads of logits.

    Heads and rows are linear, so that all of them fold into one dense layer and cost nothing.

    Args:
        network: A trained network from :func:`build`, of standard layers, float32.
        rows: What it shall answer, by name, as many as :func:`output_rows` says.

    Returns:
        A Keras model: float32 (N, S, S, 1) in, float32 (N, rows, 7) out, expressions in the order of
        :class:`Emotion`, rows in the order of :func:`output_rows`.
    """
    fer2013 = network.get_layer("fer2013")
    heads = [network.get_layer(name).get_weights() for name in output_rows(network)[1:]]
    kernel, bias = (np.concatenate(parts, axis=-1) for parts in zip(*heads, strict=True))
    chosen = [rows[name] for name in output_rows(network)]
    kernels = np.concatenate([kernel @ row.matrix for row in chosen], axis=-1)
    biases = np.concatenate([row.logits(bias) for row in chosen])
    dense = layers.Dense(len(chosen) * len(Emotion), name="rows")
    x = layers.Reshape((len(chosen), len(Emotion)), name="logits")(dense(fer2013.input))
    model = keras.Model(network.inputs[0], layers.Softmax(name="expression")(x), name=network.name)
    dense.set_weights([kernels, biases])
    return model


def output_rows(network: Any) -> tuple[str, ...]:
    """Names of the rows that :func:`deployable` gives for a network, in order."""
    return ROWS[: len(network.outputs) + 1]
