"""What the image tab has read in a picture, and the pictures that show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emotion import images
from emotion.drawing import annotate
from emotion.explain import Explanation, explain
from emotion.faces import DETECTORS
from emotion.faces.search import reduced
from emotion.preprocess import GreyCrop
from emotion.prior import DEFAULT_PRIOR, PriorChoice
from emotion.results import PictureRecord
from emotion.types import FaceEmotion, Image
from emotion.web.pipelines import Pipelines

__all__ = [
    "MOST_EXPLAINED",
    "Reading",
    "Reason",
    "compare",
    "matches",
    "read_picture",
    "with_boxes",
]

LARGEST_SHOWN = 2560
"""Longer sides of the annotated picture are reduced to this: crisp on any screen, quick to send."""

MOST_EXPLAINED = 12
"""Faces of one picture that are explained: each takes as long as reading thirty faces does."""

SAME_FACE = 0.3
"""Boxes of two detectors that overlap by this much (intersection over union) are one face: they frame
faces differently, so it is little."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a face got its label, with the face as the network saw it: (S, S), uint8, grey."""

    crop: GreyCrop
    explanation: Explanation


@dataclass(frozen=True, slots=True)
class Reading:
    """One picture that was read.

    Attributes:
        path: Of the picture.
        record: What was read, in pixels of the file.
        faces: The same faces in pixels of the picture as it was read, which may be reduced.
        reasons: For the first faces, why; empty if nobody asked.
    """

    path: str
    record: PictureRecord
    faces: tuple[FaceEmotion, ...]
    reasons: tuple[Reason, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The record as plain values; with ``why`` in the faces that were explained."""
        values = self.record.as_dict()
        for face, reason in zip(values["faces"], self.reasons, strict=False):
            face["why"] = reason.explanation.as_dict()
        return values


def read_picture(
    pipelines: Pipelines,
    path: str,
    detector: str,
    min_score: float | None,
    *,
    prior: PriorChoice = DEFAULT_PRIOR,
    why: bool = False,
) -> tuple[Reading, Image]:
    """Read a picture.

    Args:
        pipelines: Of the server.
        path: Of the picture.
        detector: A key of ``DETECTORS``.
        min_score: See :meth:`EmotionPipeline.analyze`.
        prior: See :mod:`emotion.prior`.
        why: Whether to explain the first :data:`MOST_EXPLAINED` faces.

    Returns:
        What was read, and the picture: (H, W, 3), uint8, RGB.

    Raises:
        EmotionError: If the picture, the detector or the weights cannot be used.
    """
    picture, pipeline = images.read_picture(path), pipelines.get(detector)
    image = picture.image
    faces = pipeline(image, min_score=min_score, prior=prior)
    reasons = []
    for face in faces[: MOST_EXPLAINED if why else 0]:
        crop = pipeline.crop(image, face)
        reasons.append(Reason(crop, explain(pipeline.classifier, crop, face.prediction)))
    record = PictureRecord.of(Path(path).name, picture, faces)
    return Reading(path, record, tuple(faces), tuple(reasons)), image


def with_boxes(image: Image, faces: Sequence[FaceEmotion], side: int = LARGEST_SHOWN) -> Image:
    """The annotated picture, no longer than ``side`` pixels."""
    return reduced(annotate(image, faces), side)[0]


def compare(pipelines: Pipelines, path: str) -> tuple[Image, dict[str, list[FaceEmotion]]]:
    """A picture and its faces as each detector finds them at its own minimum score.

    Raises:
        EmotionError: As :func:`read_picture`.
    """
    image = images.read_image(path)
    return image, {name: pipelines.get(name)(image) for name in DETECTORS}


def matches(
    first: Sequence[FaceEmotion], second: Sequence[FaceEmotion]
) -> list[tuple[int | None, int | None, float]]:
    """Which faces of two detectors are one and the same.

    Returns:
        Places in ``first`` and ``second`` and the overlap of their boxes (0–1); None where the other
        detector has no such face. Those of ``first`` come in their order, then the rest of ``second``.
    """
    overlaps = sorted(
        (
            (one.face.box.iou(other.face.box), i, j)
            for i, one in enumerate(first)
            for j, other in enumerate(second)
        ),
        reverse=True,
    )
    partner: dict[int, tuple[int, float]] = {}
    taken: set[int] = set()
    for overlap, i, j in overlaps:
        if overlap >= SAME_FACE and i not in partner and j not in taken:
            partner[i] = (j, overlap)
            taken.add(j)
    found = [(i, *partner.get(i, (None, 0.0))) for i in range(len(first))]
    return [*found, *((None, j, 0.0) for j in range(len(second)) if j not in taken)]
