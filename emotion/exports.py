"""A trained network as a LiteRT file. Needed for training only, with Keras's TensorFlow backend."""

from __future__ import annotations

from typing import Any

import keras

from emotion.errors import TrainingError

__all__ = ["to_litert"]


def to_litert(model: Any) -> bytes:
    """Convert a Keras model to LiteRT with int8 weights.

    Each activation's range is taken as it runs ("dynamic range"). On a CPU that is as fast as computing
    in int8 throughout, and closer to the original, because the last layer stays in float32.

    Args:
        model: float32 (N, S, S, 1) in; the batch size N stays open.

    Returns:
        The contents of a ``.tflite`` file, float32 in and out.

    Raises:
        TrainingError: If Keras runs on another backend.
    """
    if keras.backend.backend() != "tensorflow":
        raise TrainingError(
            "LiteRT files are written with the TensorFlow backend of Keras. "
            f"Received: {keras.backend.backend()}. Set KERAS_BACKEND=tensorflow."
        )
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    size = model.inputs[0].shape[1]
    signature = [tf.TensorSpec((None, size, size, 1), tf.float32, name="face")]
    function = tf.function(lambda face: model(face, training=False), input_signature=signature)
    # Weights as constants: only then can the converter fold batch normalisation and quantise them.
    frozen = convert_variables_to_constants_v2(function.get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return bytes(converter.convert())
