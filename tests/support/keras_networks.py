"""A network as many old web apps have one, and files that old versions of Keras wrote."""

from __future__ import annotations

from typing import Any

import numpy as np
from support.places import ROOT

OLD = ROOT / "tests" / "keras_files" / "old_keras"
SAME = 1e-5
"""What the order of float sums may change between two versions of Keras."""


def filled(model: Any) -> Any:
    """Numbers that differ everywhere, so that nothing fits by chance."""
    rng = np.random.default_rng(4)
    for variable in model.weights:
        shape = tuple(variable.shape)
        scale = (2 / max(np.prod(shape[:-1]), 1)) ** 0.5
        values = rng.uniform(0.5, 1.5, shape) if len(shape) == 1 else rng.normal(0, scale, shape)
        variable.assign(values)
    return model


def plain(side: int = 48, **last: Any) -> Any:
    """The network of many an old web app."""
    import keras
    from keras import layers

    last = {"units": 7, "activation": "softmax"} | last
    return filled(
        keras.Sequential(
            [
                keras.Input((side, side, 1)),
                layers.Conv2D(6, 3, activation="relu"),
                layers.BatchNormalization(),
                layers.MaxPooling2D(4),
                layers.Dropout(0.25),
                layers.Flatten(),
                layers.Dense(8, activation="relu"),
                layers.Dense(**last),
            ]
        )
    )
