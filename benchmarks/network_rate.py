"""The network beside the processor; part of `python -m benchmarks.bench`.

Multiply-adds are counted in the Keras file's layers. The processor's rate is the best that the same runtime
reaches with as many threads in single int8 convolutions, which are nothing but multiply-adds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.measured import percentiles
from emotion.classifier import Classifier
from emotion.keras_files import load_model

__all__ = ["count_multiply_adds", "measure_network"]

BATCHES = (1, 16)
THREADS = 2
"""As ``LiteRTClassifier`` has."""
CONVOLUTIONS = ((24, 128, 3), (24, 256, 1), (12, 256, 3))
"""Side, channels and kernel of what the processor is tried with."""


def measure_network(classifier: Classifier, repeats: int) -> dict[str, Any]:
    """Multiply-adds, times by size of the batch, and the ratio to the processor's rate."""
    file = classifier.spec.files["keras"]
    adds = count_multiply_adds(load_model(file.path))
    best = max(_convolution_rate(*shape, repeats) for shape in CONVOLUTIONS)
    report: dict[str, Any] = {"multiply_adds": adds, "processor_gmac_s": round(best / 1e9, 1)}
    side, rng = classifier.spec.input_size, np.random.default_rng(0)
    for batch in BATCHES:
        faces = rng.integers(0, 256, (batch, side, side)).astype(np.uint8)
        times = _timed(lambda faces=faces: classifier.probabilities(faces), repeats)
        rate = adds * batch / float(np.median(times))
        report[f"batch_{batch}"] = percentiles(times) | {
            "gmac_s": round(rate / 1e9, 1),
            "times_the_floor": round(best / rate, 2),
        }
    return report


def count_multiply_adds(model: Any) -> int:
    """Multiply-adds of one picture in convolutions and dense layers."""
    return sum(_of_layer(layer) for layer in _layers(model))


def _layers(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from _layers(layer)
        else:
            yield layer


def _of_layer(layer: Any) -> int:
    """Each weight of a kernel is used once for every place of the output."""
    kernels = [w for w in layer.weights if w.name.endswith("kernel") and len(w.shape) >= 2]
    if not kernels:
        return 0
    places = math.prod(layer.output.shape[1:-1])
    return int(sum(math.prod(kernel.shape) for kernel in kernels) * places)


def _convolution_rate(side: int, channels: int, kernel: int, repeats: int) -> float:
    """Multiply-adds a second of one int8 convolution."""
    import keras
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter

    shape = (side, side, channels)
    layer = keras.layers.Conv2D(channels, kernel, padding="same")
    model = keras.Sequential([keras.Input(shape, batch_size=1), layer])
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    rng = np.random.default_rng(0)
    converter.representative_dataset = lambda: (
        [rng.normal(size=(1, *shape)).astype(np.float32)] for _ in range(4)
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    interpreter = Interpreter(model_content=converter.convert(), num_threads=THREADS)
    interpreter.allocate_tensors()
    seconds = float(np.median(_timed(interpreter.invoke, repeats)))
    return side * side * channels * channels * kernel * kernel / seconds


def _timed(call: Any, repeats: int) -> list[float]:
    call()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return times
