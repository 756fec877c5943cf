"""A trained network in the formats that others read. Needed for training only.

``litert`` and ``litert-int8`` need TensorFlow (set ``KERAS_BACKEND=tensorflow``), ``onnx`` needs the
package ``onnx`` and ``tf2onnx``; ``json-h5`` needs nothing more. None of the files holds code.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from emotion.errors import TrainingError

__all__ = ["EXPORTS", "export_json_h5", "export_litert", "export_litert_int8", "export_onnx"]

Calibration = npt.NDArray[np.float32]
"""Typical network inputs (N, S, S, 1) float32: what activations are measured on to quantise them."""


def export_litert(model: Any, path: Path, calibration: Calibration) -> list[Path]:
    """Write a float32 LiteRT file; the batch size stays open. ``calibration`` is not used."""
    path.write_bytes(_litert_converter(model).convert())
    return [path]


def export_litert_int8(model: Any, path: Path, calibration: Calibration) -> list[Path]:
    """Write a LiteRT file that computes in int8, with float32 inputs and outputs.

    Activations are quantised over the range that they have on ``calibration`` (Jacob et al., 2018).
    """
    import tensorflow as tf

    converter = _litert_converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([face[np.newaxis]] for face in calibration)
    path.write_bytes(converter.convert())
    return [path]


def export_onnx(model: Any, path: Path, calibration: Calibration) -> list[Path]:
    """Write a float32 ONNX file; the batch size stays open. ``calibration`` is not used."""
    model.export(path, format="onnx", verbose=False)
    return [path]


def export_json_h5(model: Any, path: Path, calibration: Calibration) -> list[Path]:
    """Write the architecture as JSON and the weights as HDF5, as older Keras programs keep them."""
    weights = path.with_suffix(".weights.h5")
    path.write_text(model.to_json(), encoding="utf-8")
    model.save_weights(weights)
    return [path, weights]


EXPORTS: dict[str, tuple[str, Callable[[Any, Path, Calibration], list[Path]]]] = {
    "litert": ("model-float32.tflite", export_litert),
    "litert-int8": ("model.tflite", export_litert_int8),
    "onnx": ("model.onnx", export_onnx),
    "json-h5": ("model.json", export_json_h5),
}
"""File name and function of each format."""


def _litert_converter(model: Any) -> Any:
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
    return tf.lite.TFLiteConverter.from_concrete_functions([frozen])
