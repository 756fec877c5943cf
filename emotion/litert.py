"""One LiteRT network, shared by any number of threads and safe in a forked child.

An interpreter is one set of buffers, so a thread has one to itself while it runs; each computes in the thread
that calls it. Buffers for a new input shape take longer to set up than a small network takes to run, so the
interpreters of the last shapes are kept.
"""

from __future__ import annotations

import os
import platform
import sys
import threading
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Network", "how_to_get_litert"]

MOST_IDLE = 12
"""Interpreters kept for later; each holds the buffers of one input shape (2 to 20 MB)."""

Array = npt.NDArray[np.float32]


def how_to_get_litert() -> str:
    """What to do on this machine where LiteRT is not installed, for error messages."""
    if (sys.platform, platform.machine()) == ("darwin", "x86_64"):
        return "LiteRT is not made for Intel Macs; run the app in a Linux container, see the Dockerfile"
    return 'install it: pip install "ai-edge-litert>=2.3,<3", or pip install -r requirements.txt'


class Network:
    """A ``.tflite`` network with one input.

    Args:
        model: Content of the file.

    Raises:
        ImportError: If LiteRT is not installed.
        ValueError: If LiteRT cannot read the model.
    """

    def __init__(self, model: bytes) -> None:
        self._model = model
        self._process = os.getpid()
        self._lock = threading.Lock()
        # Without a shape: not set up yet. The first one is loaded now, so that a bad model is told now.
        self._idle: list[tuple[tuple[int, ...] | None, Any]] = [(None, self._load())]

    def run(self, batch: Array) -> list[Array]:
        """The outputs for one batch, in the order of the file.

        Args:
            batch: float32, of any shape that the network can take.
        """
        if self._process != os.getpid():
            # A forked child: a thread that the fork left behind may hold the lock or an interpreter.
            self._process, self._lock, self._idle = os.getpid(), threading.Lock(), []
        with self._lock:
            fitting = [n for n, (shape, _) in enumerate(self._idle) if shape in (batch.shape, None)]
            shape, interpreter = self._idle.pop(fitting[-1]) if fitting else (None, None)
        interpreter = interpreter or self._load()
        given = interpreter.get_input_details()[0]["index"]
        if shape is None:
            interpreter.resize_tensor_input(given, batch.shape)
            interpreter.allocate_tensors()
        interpreter.set_tensor(given, batch)
        interpreter.invoke()
        outputs = [interpreter.get_tensor(o["index"]) for o in interpreter.get_output_details()]
        with self._lock:  # not reached after a failure: what failed is not used again
            self._idle = [*self._idle, (batch.shape, interpreter)][-MOST_IDLE:]
        return outputs

    def _load(self) -> Any:
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter(model_content=self._model, num_threads=1)
