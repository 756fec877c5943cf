"""The pipelines of a server: one for each detector, made when first asked for, shared by all viewers."""

from __future__ import annotations

import threading

from emotion.classifier import Classifier, load_classifier
from emotion.errors import EmotionError
from emotion.faces import load_detector
from emotion.pipeline import EmotionPipeline

__all__ = ["Pipelines"]


class Pipelines:
    """Loads the network once and each detector once.

    Args:
        weights: See :func:`emotion.weights.find.find_weights`.
        runtime: A key of ``emotion.classifier.RUNTIMES``.
    """

    def __init__(self, weights: str | None, runtime: str) -> None:
        self.weights = weights
        self.runtime = runtime
        self._classifier: Classifier | None = None
        self._pipelines: dict[str, EmotionPipeline] = {}
        self._lock = threading.Lock()

    def get(self, detector: str) -> EmotionPipeline:
        """The pipeline of a detector.

        Raises:
            EmotionError: If the weights or the detector cannot be loaded. The next call tries again, so
                that a fault that was fixed needs no restart.
        """
        with self._lock:
            if detector not in self._pipelines:
                if self._classifier is None:
                    self._classifier = load_classifier(self.weights, self.runtime)
                self._pipelines[detector] = EmotionPipeline(
                    load_detector(detector), self._classifier
                )
            return self._pipelines[detector]

    def default_score(self, detector: str) -> float:
        """The minimum score that a tab offers for a detector.

        Of one that cannot be loaded it is 0.5; what is analysed next shows why.
        """
        try:
            return self.get(detector).detector.default_min_score
        except EmotionError:
            return 0.5
