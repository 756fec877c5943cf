"""The one path of a picture: check, detect, crop, classify. Every way into the program takes it."""

from __future__ import annotations

import os
import time
import warnings
from dataclasses import dataclass

from emotion.classifier import DEFAULT_RUNTIME, Classifier, load_classifier
from emotion.errors import EmotionError
from emotion.faces import DEFAULT_DETECTOR, FaceDetector, load_detector
from emotion.faces.orientation import TurnedFace, find_faces
from emotion.preprocess import GreyCrop, crop_face
from emotion.prior import DEFAULT_PRIOR, PriorChoice, check_prior
from emotion.types import FaceEmotion, Image, check_image
from emotion.weights.find import name_pretrained

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

        pipeline = EmotionPipeline.from_pretrained()
        for face in pipeline(read_image("portrait.jpg")):
            print(face.prediction.label, face.prediction.confidence, face.face.box)
    """

    def __init__(
        self,
        detector: FaceDetector,
        classifier: Classifier,
        *,
        prior: PriorChoice = DEFAULT_PRIOR,
    ) -> None:
        self.detector = detector
        self.classifier = classifier
        self.prior = check_prior(prior)

    @classmethod
    def from_pretrained(
        cls,
        weights: str | os.PathLike[str] | None = None,
        *,
        revision: str | None = None,
        detector: str = DEFAULT_DETECTOR,
        runtime: str = DEFAULT_RUNTIME,
        prior: PriorChoice = DEFAULT_PRIOR,
    ) -> EmotionPipeline:
        """Load trained weights and a detector.

        Args:
            weights: A folder, a name in ``weights/``, or a repository ``owner/name`` (or ``hf://owner/name``)
                of a Hugging Face Hub; by default ``EMOTION_WEIGHTS`` or the shipped ones. A folder that is
                called ``owner/name`` wins over the repository; write ``hf://`` to mean the repository.
            revision: A commit, tag or branch of the repository.
            detector: A key of ``emotion.faces.DETECTORS``.
            runtime: A key of ``emotion.classifier.RUNTIMES``.
            prior: How common each expression is in the pictures: ``natural`` for everyday ones, ``balanced``
                for posed ones, or a number for each expression (:mod:`emotion.prior`).

        Raises:
            DetectorError: If the detector is unknown or cannot run here.
            WeightsError: If there are no such weights or they are damaged.
        """
        classifier = load_classifier(name_pretrained(weights, revision), runtime)
        return cls(load_detector(detector), classifier, prior=prior)

    @classmethod
    def load(
        cls,
        *,
        detector: str = DEFAULT_DETECTOR,
        weights: str | os.PathLike[str] | None = None,
        runtime: str = DEFAULT_RUNTIME,
        prior: PriorChoice = DEFAULT_PRIOR,
    ) -> EmotionPipeline:
        """The old name of :meth:`from_pretrained`, kept for one release."""
        warnings.warn(
            "EmotionPipeline.load is now called EmotionPipeline.from_pretrained, with the same arguments. "
            "The next release has the new name only.",
            DeprecationWarning,
            stacklevel=2,
        )
        return cls.from_pretrained(weights, detector=detector, runtime=runtime, prior=prior)

    def with_prior(self, prior: PriorChoice) -> EmotionPipeline:
        """A pipeline for other pictures: the same detector and network, another prior."""
        return EmotionPipeline(self.detector, self.classifier, prior=prior)

    def __call__(
        self,
        image: Image,
        *,
        min_score: float | None = None,
        thorough: bool = True,
        turns: int = 0,
        prior: PriorChoice | None = None,
    ) -> list[FaceEmotion]:
        """The faces of a picture with their expression; see :meth:`analyze`."""
        analysis = self.analyze(
            image, min_score=min_score, thorough=thorough, turns=turns, prior=prior
        )
        return list(analysis.faces)

    def analyze(
        self,
        image: Image,
        *,
        min_score: float | None = None,
        thorough: bool = True,
        turns: int = 0,
        prior: PriorChoice | None = None,
    ) -> Analysis:
        """Find and read the faces of a picture, and take the time.

        Args:
            image: Shape (H, W, 3), uint8, RGB.
            min_score: Faces that the detector is less sure of are left out (0–1); by default the
                detector's own ``default_min_score``.
            thorough: Whether to look for small faces and at turned pictures, too; frames of a stream, which
                have only milliseconds, are looked at so now and then (``emotion.streams.frame_search``).
            turns: Quarter turns counter-clockwise that bring the picture upright; of use where it is not
                looked at thoroughly.
            prior: For this picture, instead of the pipeline's own.

        Raises:
            ImageError: If ``image`` is not such an array.
            DetectorError: If the detector fails.
        """
        image = check_image(image)
        threshold = self.detector.default_min_score if min_score is None else min_score
        begin = time.perf_counter()
        faces = sorted(
            find_faces(self.detector, image, min_score=threshold, thorough=thorough, turns=turns),
            key=lambda found: (-found.face.box.area, found.face.box.x1, found.face.box.y1),
        )
        detected = time.perf_counter()
        crops = [self.crop(image, face) for face in faces]
        predictions = self.classifier.classify(crops, self.prior if prior is None else prior)
        classified = time.perf_counter()
        return Analysis(
            tuple(
                FaceEmotion(found.face, prediction, roll=found.roll)
                for found, prediction in zip(faces, predictions, strict=True)
            ),
            detect_ms=(detected - begin) * 1000,
            classify_ms=(classified - detected) * 1000,
        )

    def crop(self, image: Image, found: TurnedFace | FaceEmotion) -> GreyCrop:
        """What the network gets to see of a face: (S, S), uint8, grey, with S = ``spec.input_size``."""
        spec = self.classifier.spec
        return crop_face(
            image, found.face.box, spec.input_size, scale=spec.crop_scale, roll=found.roll
        )

    def close(self) -> None:
        """Free the detector. The pipeline cannot be used afterwards."""
        self.detector.close()

    def __enter__(self) -> EmotionPipeline:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
