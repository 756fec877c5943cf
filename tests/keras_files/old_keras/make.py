"""Make the files of this folder again with Keras 2: ``python make.py``, see README.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tf_keras
from tf_keras import layers

FOLDER = Path(__file__).resolve().parent


def fill(model: Any, seed: int) -> Any:
    """Numbers that differ everywhere and keep the answers apart."""
    rng = np.random.default_rng(seed)
    model.set_weights(
        [
            rng.uniform(0.5, 1.5, w.shape)
            if w.ndim == 1
            else rng.normal(0, (2 / np.prod(w.shape[:-1])) ** 0.5, w.shape)
            for w in model.get_weights()
        ]
    )
    return model


def sequential() -> Any:
    regularizer = tf_keras.regularizers.l2(0.01)
    return tf_keras.Sequential(
        [
            layers.Conv2D(
                4, 3, activation="relu", input_shape=(48, 48, 1), kernel_regularizer=regularizer
            ),
            layers.BatchNormalization(),
            layers.MaxPooling2D(4),
            layers.Dropout(0.25),
            layers.Conv2D(4, 3, padding="same"),
            layers.LeakyReLU(0.1),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(8),
            layers.Activation("relu"),
            layers.Dense(7, activation="softmax"),
        ],
        name="sequential",
    )


def residual() -> Any:
    inputs = layers.Input((64, 64, 1), name="input_1")
    x = layers.Conv2D(4, 3, strides=2, use_bias=False)(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("relu")(x)
    shortcut = layers.Conv2D(8, 1, strides=2, padding="same", use_bias=False)(x)
    shortcut = layers.BatchNormalization()(shortcut)
    x = layers.SeparableConv2D(8, 3, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    x = layers.add([x, shortcut])
    x = layers.Conv2D(7, 3, padding="same")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return tf_keras.Model(inputs, layers.Activation("softmax")(x), name="residual")


def nested() -> Any:
    augmentation = tf_keras.Sequential(
        [layers.Input((48, 48, 1)), layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)]
    )
    base = tf_keras.Sequential(
        [
            layers.Input((48, 48, 1)),
            layers.Conv2D(4, 3, strides=4),
            layers.BatchNormalization(),
            layers.Conv2D(4, 3),
        ]
    )
    base.layers[0].trainable = False
    return tf_keras.Sequential(
        [
            layers.Input((48, 48, 1)),
            augmentation,
            layers.Rescaling(1 / 255),
            base,
            layers.GlobalMaxPooling2D(),
            layers.Dense(7),
        ],
        name="nested",
    )


def main() -> None:
    models = [fill(make(), seed) for seed, make in enumerate((sequential, residual, nested))]
    answers = {}
    for model in models:
        side = model.input_shape[1]
        faces = np.random.default_rng(9).uniform(0, 1, (8, side, side, 1)).astype(np.float32)
        answers[model.name] = model.predict(faces, verbose=0)
        model.compile("sgd", "categorical_crossentropy")
    np.savez(FOLDER / "answers.npz", **answers)
    plain, shortcut, inside = models
    (FOLDER / "sequential.json").write_text(plain.to_json())
    plain.save_weights(FOLDER / "sequential_weights.h5")
    shortcut.save(FOLDER / "residual.hdf5")
    shortcut.save(FOLDER / "residual.keras")
    inside.save(FOLDER / "nested.h5")


if __name__ == "__main__":
    main()
