"""The one path of a picture: check, detect, crop, classify. Every way into the program takes it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from emotion.classifier import DEFAULT_RUNTIME, Classifier, load_classifier
from emotion.errors import EmotionError
from emotion.faces import DEFAULT_DETECTOR, FaceDetector, load_detector
from emotion.preprocess import Framing, crop_face
from emotion.types import FaceEmotion, Image, check_image
from emotion.weights import find_weights, read_spec

__all__ = ["Analysis", "EmotionPipeline", "check_min_score"]


def check_min_score(score: object) -> float | None:
    """The minimum score that a program sent, once it has been checked; None means the detector's own.

    Args:
        score: From JSON: a number, or null, which JavaScript also sends for NaN.

    Raises:
        EmotionError: If it is neither null nor a number from 0 to 1.
    """
    if score is None:
        return None
    if isinstance(score, int | float) and not isinstance(score, bool) and 0.0 <= score <= 1.0:
        return score
    raise EmotionError(
        f"min_score must be from 0 to 1. Received: {score!r}. With null, or without it, it is the "
        "detector's own."
    )


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the pipeline found in one picture, and how long it took.

    Attributes:
        faces: Largest face first; of equal ones the leftmost first.
        detect_ms: Milliseconds spent finding faces.
        classify_ms: Milliseconds spent on cropping and reading them.
    """

    faces: tuple[FaceEmotion, ...]
    detect_ms: float
    classify_ms: float


class EmotionPipeline:
    """Finds the faces of a picture and reads their expression.

    Holds no state between pictures, so one instance may serve any number of threads and viewers.

    Example::

        from emotion import EmotionPipeline, read_image

        pipeline = EmotionPipeline.load()
        for face in pipeline(read_image("portrait.jpg")):
            print(face.prediction.label, face.prediction.confidence, face.face.box)
    """

    def __init__(self, detector: FaceDetector, classifier: Classifier) -> None:
        self.detector = detector
        self.classifier = classifier

    @classmethod
    def load(
        cls,
        *,
        detector: str = DEFAULT_DETECTOR,
        weights: str | os.PathLike[str] | None = None,
        runtime: str = DEFAULT_RUNTIME,
    ) -> EmotionPipeline:
        """Load a detector and trained weights.

        Args:
            detector: A key of ``emotion.faces.DETECTORS``.
            weights: See :func:`emotion.weights.find_weights`; the shipped ones by default.
            runtime: A key of ``emotion.classifier.RUNTIMES``.

        Raises:
            DetectorError: If the detector is unknown or cannot run here.
            WeightsError: If there are no such weights or they are damaged.
        """
        spec = read_spec(find_weights(weights, runtime=runtime))
        return cls(load_detector(detector), load_classifier(spec, runtime))

    def __call__(self, image: Image, *, min_score: float | None = None) -> list[FaceEmotion]:
        """The faces of a picture with their expression; see :meth:`analyze`."""
        return list(self.analyze(image, min_score=min_score).faces)

    def analyze(self, image: Image, *, min_score: float | None = None) -> Analysis:
        """Find and read the faces of a picture, and take the time.

        Args:
            image: Shape (H, W, 3), uint8, RGB.
            min_score: Faces that the detector is less sure of are left out (0–1); by default the
                detector's own ``default_min_score``.

        Raises:
            ImageError: If ``image`` is not such an array.
            DetectorError: If the detector fails.
        """
        image = check_image(image)
        threshold = self.detector.default_min_score if min_score is None else min_score
        begin = time.perf_counter()
        found = [face for face in self.detector.detect(image) if face.score >= threshold]
        faces = sorted(found, key=lambda face: (-face.box.area, face.box.x1, face.box.y1))
        detected = time.perf_counter()
        spec, framing = self.classifier.spec, self.detector.framing
        framing = Framing(framing.scale * spec.crop_scale, framing.shift_x, framing.shift_y)
        crops = [crop_face(image, face.box, framing, spec.input_size) for face in faces]
        predictions = self.classifier.classify(crops)
        classified = time.perf_counter()
        return Analysis(
            tuple(FaceEmotion(f, p) for f, p in zip(faces, predictions, strict=True)),
            detect_ms=(detected - begin) * 1000,
            classify_ms=(classified - detected) * 1000,
        )

    def close(self) -> None:
        """Free the detector. The pipeline cannot be used afterwards."""
        self.detector.close()

    def __enter__(self) -> EmotionPipeline:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
