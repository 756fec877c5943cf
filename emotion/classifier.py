"""From face crops to expressions, all faces of a picture in one batch.

LiteRT is what runs by default: it starts in a tenth of a second and needs a tenth of TensorFlow's memory.
Keras runs the very model that was trained and is the reference that a test holds LiteRT to; it also runs
classifiers that others trained with older Keras.
"""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from emotion.errors import WeightsError
from emotion.keras_files import load_model
from emotion.litert import how_to_get_litert
from emotion.preprocess import GreyCrop, to_batch
from emotion.prior import DEFAULT_PRIOR, PriorChoice, with_prior
from emotion.types import Emotion, Prediction
from emotion.weights.config import DEFAULT_RUNTIME, Activation, ModelSpec, read_spec
from emotion.weights.files import ModelFile
from emotion.weights.find import find_weights
from emotion.weights.shapes import check_input, check_outputs, check_size

__all__ = [
    "DEFAULT_RUNTIME",
    "MAX_BATCH",
    "RUNTIMES",
    "Classifier",
    "KerasClassifier",
    "LiteRTClassifier",
    "load_classifier",
    "softmax",
]

MAX_BATCH = 64
"""Faces per call of the network: limits the memory for a picture of a crowd."""


class Classifier(ABC):
    """Runs a trained network. One instance may be shared by several threads and used in a forked child."""

    runtime: ClassVar[str]
    """Its key in :data:`RUNTIMES`."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled by its arguments: unpickling loads the same files and checks their hashes."""
        return load_classifier, (self.spec, self.runtime)

    def classify(
        self, crops: Sequence[GreyCrop], prior: PriorChoice = DEFAULT_PRIOR
    ) -> list[Prediction]:
        """Read the expression of each face.

        Args:
            crops: Grey crops of shape (S, S), uint8, with S = ``spec.input_size``.
            prior: How common each expression is in such pictures; from :func:`emotion.prior.check_prior`.

        Returns:
            One prediction for each crop, in the same order.
        """
        if not crops:
            return []
        order = [self.spec.labels.index(emotion) for emotion in Emotion]
        probabilities = self.probabilities(np.stack(crops))[:, order]
        answers = (
            Prediction(tuple(map(float, row)), self.spec.sure_above) for row in probabilities
        )
        return [with_prior(answer, prior, self.spec.frequencies) for answer in answers]

    def probabilities(
        self, crops: npt.NDArray[np.uint8], output: str = "shown"
    ) -> npt.NDArray[np.float32]:
        """Probabilities from one of the network's outputs.

        Args:
            crops: (N, S, S), uint8, grey.
            output: One of ``spec.outputs``.

        Returns:
            (N, 7) float32, in the order of ``spec.labels``.
        """
        return self.all_probabilities(crops)[output]

    def all_probabilities(self, crops: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        """Probabilities from each of the network's outputs, by its name, from one pass."""
        batch = to_batch(crops, self.spec.normalisation)
        chunks = [self._run(batch[i : i + MAX_BATCH]) for i in range(0, len(batch), MAX_BATCH)]
        rows = np.concatenate(chunks).reshape(len(batch), -1, len(self.spec.labels))
        rows = _to_probabilities(rows, self.spec.activation)
        return {name: rows[:, index] for index, name in enumerate(self.spec.outputs)}

    @abstractmethod
    def _run(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """All outputs, (N, rows, 7) or (N, 7) float32, for normalised inputs (N, S, S, 1) float32."""


def _to_probabilities(
    values: npt.NDArray[np.float32], activation: Activation
) -> npt.NDArray[np.float32]:
    """Probabilities along the last axis from what a network gives."""
    if activation is Activation.LOGITS:
        values = softmax(values)
    # A quantised network counts in steps of 1/256, which do not quite sum to 1; nor do sigmoids, which may
    # all be 0.
    values = np.maximum(values, np.float32(1e-12))
    return np.asarray(values / values.sum(axis=-1, keepdims=True), dtype=np.float32)


class LiteRTClassifier(Classifier):
    """Runs the ``.tflite`` file of the weights."""

    runtime = "litert"

    def __init__(self, spec: ModelSpec, file: ModelFile) -> None:
        super().__init__(spec)
        self._path = str(file.path)
        self._open()
        self._check()

    def _open(self) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._process = os.getpid()
        self._interpreter: Any = Interpreter(model_path=self._path, num_threads=2)
        self._input: int = self._interpreter.get_input_details()[0]["index"]
        self._output: int = self._interpreter.get_output_details()[0]["index"]
        self._batch_size = 0
        # An interpreter is one set of buffers; a forward pass is too short to be worth several.
        self._lock = threading.Lock()

    def _check(self) -> None:
        """Check that the file takes and gives what ``config.json`` says, with a trial of two faces."""
        side, inputs = self.spec.input_size, self._interpreter.get_input_details()
        check_input(
            [tuple(None if n < 0 else int(n) for n in i["shape_signature"]) for i in inputs], side
        )
        self._run(np.zeros((2, side, side, 1), np.float32))
        outputs = self._interpreter.get_output_details()
        given = [self._interpreter.get_tensor(output["index"]).shape for output in outputs]
        check_outputs(
            [(None, *shape[1:]) if shape[:1] == (2,) else shape for shape in given],
            rows=len(self.spec.outputs),
            classes=len(self.spec.labels),
        )

    def _run(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        if self._process != os.getpid():
            self._open()  # a fork takes neither the interpreter's threads along nor who holds the lock
        with self._lock:
            if len(batch) != self._batch_size:
                self._interpreter.resize_tensor_input(self._input, batch.shape)
                self._interpreter.allocate_tensors()
                self._batch_size = len(batch)
            self._interpreter.set_tensor(self._input, batch)
            self._interpreter.invoke()
            return np.asarray(self._interpreter.get_tensor(self._output), dtype=np.float32)


class KerasClassifier(Classifier):
    """Runs a Keras file of any age, see ``keras_files``; imports Keras and its backend."""

    runtime = "keras"

    def __init__(self, spec: ModelSpec, file: ModelFile) -> None:
        super().__init__(spec)
        architecture = None if file.architecture is None else file.architecture.path
        self._model: Any = load_model(file.path, architecture)
        check_size(
            self._model,
            side=spec.input_size,
            rows=len(spec.outputs),
            classes=len(spec.labels),
        )

    def _run(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.asarray(self._model.predict_on_batch(batch), dtype=np.float32)


RUNTIMES: dict[str, type[LiteRTClassifier] | type[KerasClassifier]] = {
    "litert": LiteRTClassifier,
    "keras": KerasClassifier,
}
"""What can run a network, by the name of its file in ``config.json``."""


def softmax(logits: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Softmax over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def load_classifier(
    which: ModelSpec | str | os.PathLike[str] | None = None, runtime: str = DEFAULT_RUNTIME
) -> Classifier:
    """Find trained weights, read their description, check their hashes and load the network.

    Args:
        which: What :func:`emotion.weights.find.find_weights` takes, or a description that was read already.
        runtime: A key of :data:`RUNTIMES`; by default LiteRT if the weights have a file for it, else what
            they have one for.

    Raises:
        WeightsError: If there are no such weights, the runtime is unknown, the weights have no file for it,
            or the file is damaged.
    """
    spec = (
        which if isinstance(which, ModelSpec) else read_spec(find_weights(which, runtime=runtime))
    )
    name = spec.runtime(runtime)
    if name not in RUNTIMES:
        raise WeightsError(f"The runtime must be one of {', '.join(RUNTIMES)}. Received: {name!r}")
    if name not in spec.files:
        raise WeightsError(
            f"The weights {spec.name!r} have files for {', '.join(spec.files) or 'nothing'} only. "
            f"Received: runtime {name!r}."
        )
    file = spec.files[name]
    for part in file.parts:
        part.verified()
    try:
        return RUNTIMES[name](spec, file)
    except ModuleNotFoundError as error:
        keras = 'install it: pip install "emotion[train]", or pip install -r requirements.txt in a clone'
        raise WeightsError(
            f"The runtime {name!r} needs {error.name}, which is not installed; "
            f"{how_to_get_litert() if name == 'litert' else keras}."
        ) from error
    except (ValueError, RuntimeError, OSError) as error:
        raise WeightsError(f"The weights file {file.path} cannot be loaded: {error}") from error
