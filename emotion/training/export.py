"""A trained network in other formats: LiteRT, ONNX, architecture JSON with weights. Not needed for serving.

Each format lands in a folder of its own with a ``config.json``, so that the order of the labels and the
normalisation travel with it; LiteRT and JSON folders work with ``--weights FOLDER`` at once.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from emotion.errors import TrainingError, WeightsError
from emotion.keras_files import load_model, write_json_h5
from emotion.preprocess import resize_faces, to_batch
from emotion.weights.config import ModelSpec, read_spec
from emotion.weights.files import FORMATS, file_entry
from emotion.weights.shapes import input_side

__all__ = [
    "Quantisation",
    "calibration_faces",
    "export_weights",
    "shipped_quantisation",
    "to_litert",
    "to_onnx",
]

CALIBRATION_FACES = 500
"""Enough to know the range of every activation; more change the answers no further."""


class Quantisation(StrEnum):
    """What a LiteRT file counts in. Input and output are float32 in any case."""

    NONE = "none"
    """Everything in float32: the answers of Keras."""
    WEIGHTS = "weights"
    """Weights in int8, each activation's range taken as it runs. On a CPU as fast as int8 throughout, and
    closer to the original."""
    HALF = "half"
    """Weights in float16, counting in float32: twice the size of int8, and the answers of Keras."""
    FULL = "full"
    """Weights and activations in int8, with ranges from calibration; for accelerators without floats."""


def to_litert(
    model: Any,
    quantisation: Quantisation = Quantisation.WEIGHTS,
    *,
    calibration: npt.NDArray[np.float32] | None = None,
) -> bytes:
    """Convert a Keras model to LiteRT.

    Args:
        model: float32 (N, S, S, 1) in; the batch size N stays open.
        quantisation: What the file counts in.
        calibration: For full quantisation, normalised faces (N, S, S, 1) as the model takes them.

    Returns:
        The contents of a ``.tflite`` file, float32 in and out.

    Raises:
        TrainingError: If Keras runs on another backend, or faces for calibration are missing.
    """
    _need_tensorflow("LiteRT")
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
    if quantisation is not Quantisation.NONE:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantisation is Quantisation.HALF:
        converter.target_spec.supported_types = [tf.float16]
    if quantisation is Quantisation.FULL:
        if calibration is None or not len(calibration):
            raise TrainingError(
                "Full int8 needs faces that show the range of each activation. Received: none. "
                "Name some labelled faces: --calibration FACES"
            )

        def examples() -> Iterator[list[npt.NDArray[np.float32]]]:
            for face in calibration:
                yield [face[np.newaxis]]

        converter.representative_dataset = examples
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    with warnings.catch_warnings():  # TensorFlow's own deprecation warnings
        warnings.simplefilter("ignore")
        return bytes(converter.convert())


def shipped_quantisation(model: Any) -> Quantisation:
    """What a LiteRT file for the app should count in: int8 weights, unless they would cost accuracy.

    Batch normalisation right behind a linear layer is folded into that layer, where each channel has its own
    int8 step. Behind an activation it is folded into the next layer instead, where one unit's large factor
    stretches the step that all units share (``four_block`` lost 3.5 points so; see docs/experiments.md).
    """
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            before = layer.input._keras_history.operation
            linear = getattr(before, "activation", None) is keras.activations.linear
            if not (isinstance(before, keras.layers.Conv2D | keras.layers.Dense) and linear):
                return Quantisation.HALF
    return Quantisation.WEIGHTS


def to_onnx(model: Any, path: Path) -> None:
    """Write a Keras model as ONNX, float32, with an open batch size.

    Raises:
        TrainingError: If Keras runs on another backend, or tf2onnx is not installed.
    """
    _need_tensorflow("ONNX")
    try:
        import onnx  # noqa: F401 - asked for here, so that the error says what to install
        import tf2onnx  # noqa: F401
    except ImportError as error:
        raise TrainingError(
            f'ONNX files need {error.name}: pip install "emotion[onnx]", or pip install '
            "-r requirements-dev.txt in a clone."
        ) from error
    size = input_side(model)
    model(np.zeros((1, size, size, 1), np.float32), training=False)  # Keras exports what has run
    signature = [keras.InputSpec(shape=(None, size, size, 1), dtype="float32", name="face")]
    with warnings.catch_warnings():  # Keras's patch of tf2onnx touches names that NumPy 2 retired
        warnings.simplefilter("ignore")
        model.export(path, format="onnx", input_signature=signature, verbose=False)


def _need_tensorflow(what: str) -> None:
    if keras.backend.backend() != "tensorflow":
        raise TrainingError(
            f"{what} files are written with the TensorFlow backend of Keras. "
            f"Received: {keras.backend.backend()}. Set KERAS_BACKEND=tensorflow."
        )


def export_weights(
    source: Path, target: str, folder: Path, *, faces: npt.NDArray[np.uint8] | None = None
) -> None:
    """Write the Keras model of some weights in another format, with a ``config.json`` for it.

    Args:
        source: Weights folder with a file for Keras.
        target: One of :data:`emotion.weights.files.FORMATS`.
        folder: Where to write; made if there is none. An earlier export of weights of this name in it is
            replaced, other weights are not.
        faces: For ``litert-int8``: (N, S, S) uint8 grey faces of any size, to calibrate with; see
            :func:`calibration_faces`.

    Raises:
        TrainingError: If the format is unknown, its library is missing, or calibration faces are.
        WeightsError: If the weights have no file for Keras or cannot be loaded, or ``folder`` is theirs or
            holds other weights.
    """
    if target not in FORMATS:
        raise TrainingError(f"The format must be one of {', '.join(FORMATS)}. Received: {target!r}")
    if folder.resolve() == source.resolve():
        raise WeightsError(
            f"An export must go to another folder than its source. Received: {folder}"
        )
    spec = read_spec(source)
    _check_free(folder, spec, FORMATS[target])
    model = _keras_model(spec)
    batch = None
    if faces is not None:
        chosen = resize_faces(calibration_faces(faces), spec.input_size)
        batch = to_batch(chosen, spec.normalisation)
    folder.mkdir(parents=True, exist_ok=True)
    files = {FORMATS[target]: _write(model, target, folder, batch)}
    config = json.loads((source / "config.json").read_text(encoding="utf-8")) | {"files": files}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def calibration_faces(faces: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Some hundreds of faces, evenly spread from the first to the last; all if there are no more.

    Args:
        faces: (N, S, S) uint8.
    """
    rows = np.linspace(0, len(faces) - 1, min(len(faces), CALIBRATION_FACES))
    return np.asarray(faces[rows.round().astype(int)])


def _check_free(folder: Path, spec: ModelSpec, runtime: str) -> None:
    """Refuse to write over other weights: their labels and normalisation would be lost."""
    if not (folder / "config.json").exists():
        return
    there = read_spec(folder)
    if (there.name, list(there.files)) != (spec.name, [runtime]):
        raise WeightsError(
            f"An export must go to a new folder, or to an earlier export of the same weights. Received: "
            f"{folder}, which holds the weights {there.name!r} for {', '.join(there.files) or 'nothing'}."
        )


def _write(
    model: Any, target: str, folder: Path, calibration: npt.NDArray[np.float32] | None
) -> dict[str, Any]:
    """Write the files of a format; their entry in ``config.json``."""
    if target == "json-h5":
        write_json_h5(model, folder)
        description = file_entry(folder / "model.json")
        return {**file_entry(folder / "model.h5"), "architecture": description}
    if target == "onnx":
        to_onnx(model, folder / "model.onnx")
        return file_entry(folder / "model.onnx")
    quantisation = Quantisation.FULL if target == "litert-int8" else Quantisation.NONE
    content = to_litert(model, quantisation, calibration=calibration)
    (folder / "model.tflite").write_bytes(content)
    return file_entry(folder / "model.tflite")


def _keras_model(spec: ModelSpec) -> Any:
    if "keras" not in spec.files:
        raise WeightsError(
            f"Weights must have a file for Keras to be exported. Received: {spec.name!r}, with files for "
            f"{', '.join(spec.files) or 'nothing'}."
        )
    path, *architecture = (part.verified() for part in spec.files["keras"].parts)
    return load_model(path, *architecture)
