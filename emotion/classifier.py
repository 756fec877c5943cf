"""From face crops to expressions, all faces of a picture in one batch.

LiteRT is what runs by default: it starts in a tenth of a second and needs a tenth of TensorFlow's memory.
Keras runs the very model that was trained and is the reference that a test holds LiteRT to.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from emotion.errors import WeightsError
from emotion.preprocess import GreyCrop, to_batch
from emotion.types import Emotion, Prediction
from emotion.weights import ModelSpec

__all__ = [
    "DEFAULT_RUNTIME",
    "MAX_BATCH",
    "RUNTIMES",
    "Classifier",
    "KerasClassifier",
    "LiteRTClassifier",
    "load_classifier",
]

MAX_BATCH = 64
"""Faces per call of the network: bounds memory on a picture of a crowd."""


class Classifier(ABC):
    """Runs a trained network. One instance may be shared by several threads."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec

    def classify(self, crops: Sequence[GreyCrop]) -> list[Prediction]:
        """Read the expression of each face.

        Args:
            crops: Grey crops of shape (S, S), uint8, with S = ``spec.input_size``.

        Returns:
            One prediction for each crop, in the same order.
        """
        if not crops:
            return []
        order = [self.spec.labels.index(emotion) for emotion in Emotion]
        probabilities = self.probabilities(np.stack(crops))[:, order]
        return [Prediction(tuple(map(float, row))) for row in probabilities]

    def probabilities(
        self, crops: npt.NDArray[np.uint8], output: str = "shown"
    ) -> npt.NDArray[np.float32]:
        """Probabilities of one of the network's outputs.

        Args:
            crops: (N, S, S), uint8, grey.
            output: One of ``spec.outputs``.

        Returns:
            (N, 7) float32, in the order of ``spec.labels``.
        """
        return self.all_probabilities(crops)[output]

    def all_probabilities(self, crops: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        """Probabilities of each of the network's outputs, by its name, from one pass."""
        batch = to_batch(crops, self.spec.normalisation)
        chunks = [self._run(batch[i : i + MAX_BATCH]) for i in range(0, len(batch), MAX_BATCH)]
        rows = np.concatenate(chunks).reshape(len(batch), -1, len(self.spec.labels))
        # A quantised network counts in steps of 1/256, which do not quite sum to 1.
        rows = np.asarray(rows / rows.sum(axis=-1, keepdims=True), dtype=np.float32)
        return {name: rows[:, index] for index, name in enumerate(self.spec.outputs)}

    @abstractmethod
    def _run(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """All outputs, (N, rows, 7) or (N, 7) float32, for normalised inputs (N, S, S, 1) float32."""


class LiteRTClassifier(Classifier):
    """Runs the ``.tflite`` file of the weights."""

    def __init__(self, spec: ModelSpec, path: Path) -> None:
        super().__init__(spec)
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter: Any = Interpreter(model_path=str(path), num_threads=2)
        self._input: int = self._interpreter.get_input_details()[0]["index"]
        self._output: int = self._interpreter.get_output_details()[0]["index"]
        self._batch_size = 0
        # An interpreter is one set of buffers; a forward pass is too short to be worth several.
        self._lock = threading.Lock()

    def _run(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        with self._lock:
            if len(batch) != self._batch_size:
                self._interpreter.resize_tensor_input(self._input, batch.shape)
                self._interpreter.allocate_tensors()
                self._batch_size = len(batch)
            self._interpreter.set_tensor(self._input, batch)
            self._interpreter.invoke()
            return np.asarray(self._interpreter.get_tensor(self._output), dtype=np.float32)


class KerasClassifier(Classifier):
    """Runs the ``.keras`` file of the weights; imports Keras and its backend."""

    def __init__(self, spec: ModelSpec, path: Path) -> None:
        super().__init__(spec)
        import keras

        self._model: Any = keras.saving.load_model(path, compile=False, safe_mode=True)

    def _run(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.asarray(self._model.predict_on_batch(batch), dtype=np.float32)


RUNTIMES: dict[str, type[LiteRTClassifier] | type[KerasClassifier]] = {
    "litert": LiteRTClassifier,
    "keras": KerasClassifier,
}
"""What can run a network, by the name of its file in ``config.json``. The first one is the default."""

DEFAULT_RUNTIME = next(iter(RUNTIMES))


def load_classifier(spec: ModelSpec, runtime: str = DEFAULT_RUNTIME) -> Classifier:
    """Load a network after checking its hash.

    Args:
        spec: From :func:`emotion.weights.read_spec`.
        runtime: A key of :data:`RUNTIMES`.

    Raises:
        WeightsError: If the runtime is unknown, the weights have no file for it, or the file is damaged.
    """
    if runtime not in RUNTIMES:
        raise WeightsError(
            f"The runtime must be one of {', '.join(RUNTIMES)}. Received: {runtime!r}"
        )
    if runtime not in spec.files:
        raise WeightsError(
            f"The weights {spec.name!r} have files for {', '.join(spec.files)} only. "
            f"Received: runtime {runtime!r}."
        )
    path = spec.files[runtime].verified()
    try:
        return RUNTIMES[runtime](spec, path)
    except (ValueError, RuntimeError, OSError) as error:
        raise WeightsError(f"The weights file {path} cannot be loaded: {error}") from error
