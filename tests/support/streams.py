"""Streams of moments without a camera: what a tracker would say of faces that come and go."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from emotion.moments import Moment, TrackedFace
from emotion.types import BoundingBox, Face, FaceEmotion, Prediction

__all__ = ["moments", "tracked_face"]


def tracked_face(track_id: int, probabilities: np.ndarray, *, x: int = 10) -> TrackedFace:
    """A face with these seven probabilities, which are scaled to a sum of 1."""
    prediction = Prediction(tuple(float(p) for p in probabilities / probabilities.sum()))
    face = Face(BoundingBox(x, 20, x + 80, 120), 0.875)
    return TrackedFace(FaceEmotion(face, prediction, track_id), prediction.label, prediction)


def moments(
    frames: int, *, fps: float = 10.0, most_faces: int = 3, seed: int = 7
) -> Iterator[Moment]:
    """A stream in which faces come, change their expression and go; the same for the same seed.

    Args:
        frames: How many.
        fps: Frames a second.
        most_faces: Most faces in view; now and then there is none.
        seed: Of the random numbers.
    """
    random = np.random.default_rng(seed)
    tracks: dict[int, np.ndarray] = {}
    last = 0
    for frame in range(frames):
        if frame % 20 == 0:
            tracks = {t: p for t, p in tracks.items() if random.random() < 0.7}
            for _ in range(int(random.integers(0, most_faces + 1)) - len(tracks)):
                last += 1
                tracks[last] = random.dirichlet([0.5] * 7)
        for track, shown in tracks.items():
            tracks[track] = 0.95 * shown + 0.05 * random.dirichlet([0.5] * 7)
        faces = tuple(tracked_face(t, p, x=10 + 90 * i) for i, (t, p) in enumerate(tracks.items()))
        yield Moment(frame, frame / fps, faces)
