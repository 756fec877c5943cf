"""Tracks of faces from frame to frame, with smoothed expressions.

Faces are matched as in ByteTrack (Zhang et al., ECCV 2022): certain detections first, weak ones only to
continue a known track, each time with the assignment of the highest total overlap (the Hungarian problem,
solved by ``lap``). Tracks that were in view in the frame before are preferred to hidden ones, so that a face
does not pass its number on to the face behind it. Positions are predicted with an alpha-beta filter, so that
people who cross or are hidden for a moment keep their number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import lap  # type: ignore[import-untyped]
import numpy as np
import numpy.typing as npt

from emotion.moments import TrackedFace
from emotion.types import BoundingBox, FaceEmotion, Prediction

__all__ = ["WEAK_SHARE", "FaceTracker"]

WEAK_SHARE = 0.5
"""Detections with at least this share of the minimum score are weak: they may only continue a track that had
a certain detection within ``keep_s``."""

LABEL_MARGIN = 0.1
"""How much more probable another expression must be before a face's label changes."""

SURE_MARGIN = 0.05
"""How far below the threshold a label that was sure may fall before it is called unsure."""

POSITION_GAIN, VELOCITY_GAIN = 0.8, 0.4
"""Alpha and beta of the filter: how far a new box moves position and velocity towards itself."""

IN_VIEW_BONUS = 0.3
"""Added to the similarity of tracks that were in view in the frame before. Values from 0.2 to 0.5 work
equally well: with less, a hidden face takes over the track of the face in front of it; with more, neighbours
that the detector misses alternately swap their tracks."""

COAST_S = 0.4
"""Time constant with which the predicted speed of an unseen face decays."""

Vector = npt.NDArray[np.float64]


class FaceTracker:
    """Follows the faces of one stream. Each viewer and each video needs its own.

    Args:
        half_life_s: Seconds after which a frame's probabilities count half; 0 switches smoothing off.
        keep_s: Seconds for which a face that left keeps its number.
    """

    def __init__(self, *, half_life_s: float = 0.3, keep_s: float = 1.0) -> None:
        self.half_life_s = half_life_s
        self.keep_s = keep_s
        self._tracks: list[_Track] = []
        self._last_id = 0
        self._time_s = -math.inf

    def update(
        self, faces: Sequence[FaceEmotion], time_s: float, *, min_score: float = 0.0
    ) -> list[TrackedFace]:
        """Recognise the faces of the next frame.

        Args:
            faces: What the pipeline found, weak detections included (see :data:`WEAK_SHARE`).
            time_s: Time of the frame in seconds, from any start; must not fall.
            min_score: Score from which a detection may start a new track.

        Returns:
            The faces in view, in the order of their numbers. Weak detections that continue no track are
            left out.

        Raises:
            ValueError: If time runs backwards.
        """
        if time_s < self._time_s:
            raise ValueError(
                f"Time must not run backwards: the last frame was at {self._time_s:.3f} s. "
                f"Received: {time_s:.3f} s. Use one tracker for each stream."
            )
        before, self._time_s = self._time_s, time_s
        self._tracks = [t for t in self._tracks if time_s - t.time_s <= self.keep_s + 1e-9]
        free = list(self._tracks)
        tracked: list[TrackedFace] = []
        sure = [face for face in faces if face.face.score >= min_score]
        weak = [face for face in faces if WEAK_SHARE * min_score <= face.face.score < min_score]
        for candidates in (sure, weak):
            if candidates is weak:
                # Else one mistaken find would live on for as long as anything weak is seen there.
                free = [t for t in free if time_s - t.sure_s <= self.keep_s + 1e-9]
            for track, face in _match(free, candidates, time_s, before):
                free.remove(track)
                candidates.remove(face)
                tracked.append(track.follow(face, time_s, self.half_life_s))
                if candidates is sure:
                    track.sure_s = time_s
        for face in sure:
            self._last_id += 1
            self._tracks.append(_Track(self._last_id, face, time_s))
            tracked.append(self._tracks[-1].current(face))
        return sorted(tracked, key=lambda face: face.track_id)

    def places(self, time_s: float) -> list[BoundingBox]:
        """Where the known faces are expected, those that left within ``keep_s`` included."""
        boxes = []
        for track in self._tracks:
            x, y, width, height = map(float, track.place_at(max(time_s, track.time_s)))
            left, top = round(x - width / 2), round(y - height / 2)
            boxes.append(BoundingBox(left, top, left + round(width), top + round(height)))
        return boxes


class _Track:
    """One known face: where it is, how it moves, what it shows."""

    def __init__(self, track_id: int, face: FaceEmotion, time_s: float) -> None:
        self.track_id = track_id
        self.time_s = time_s
        self.sure_s = time_s
        self._place = _place(face)
        self._velocity = np.zeros(4)
        self._probabilities = np.array(face.prediction.probabilities)
        self._label = face.prediction.label
        self._sure = face.prediction.sure

    def place_at(self, time_s: float) -> Vector:
        """Predicted centre and size; a face that is not seen slows down and comes to rest."""
        elapsed = time_s - self.time_s
        place: Vector = self._place + self._velocity * (COAST_S * -math.expm1(-elapsed / COAST_S))
        place[2:] = np.maximum(place[2:], 1.0)
        return place

    def follow(self, face: FaceEmotion, time_s: float, half_life_s: float) -> TrackedFace:
        """Take over a new sight of this face."""
        elapsed = time_s - self.time_s
        predicted = self.place_at(time_s)
        error = _place(face) - predicted
        self._place = predicted + POSITION_GAIN * error
        if elapsed > 0:
            self._velocity = self._velocity * math.exp(-elapsed / COAST_S)
            self._velocity += VELOCITY_GAIN * error / max(elapsed, 1 / 60)
        keep = 0.5 ** (elapsed / half_life_s) if half_life_s > 0 else 0.0
        new = np.array(face.prediction.probabilities)
        self._probabilities = keep * self._probabilities + (1.0 - keep) * new
        self.time_s = time_s
        return self.current(face)

    def current(self, face: FaceEmotion) -> TrackedFace:
        """This face now, as it was found in ``face``."""
        smooth = Prediction(tuple(map(float, self._probabilities)), face.prediction.sure_above)
        values = smooth.as_dict()
        if values[smooth.label] - values[self._label] > LABEL_MARGIN:
            self._label = smooth.label
        margin = SURE_MARGIN if self._sure else 0.0
        self._sure = values[self._label] >= smooth.sure_above - margin
        seen = replace(face, prediction=smooth, track_id=self.track_id)
        return TrackedFace(seen, self._label, face.prediction, self._sure)


def _match(
    tracks: Sequence[_Track], faces: Sequence[FaceEmotion], time_s: float, before_s: float
) -> list[tuple[_Track, FaceEmotion]]:
    """Pair tracks with new detections so that the total similarity is highest.

    Args:
        tracks: Known tracks.
        faces: New detections.
        time_s: When they were found.
        before_s: When the frame before was.
    """
    if not tracks or not faces:
        return []
    predicted = np.stack([track.place_at(time_s) for track in tracks])
    unseen = np.array([[time_s - track.time_s] for track in tracks])
    similarity = _similarity(predicted, np.stack([_place(face) for face in faces]))
    # The longer a face was out of sight, the further from its predicted place it may be.
    possible = similarity + 0.5 * np.minimum(unseen, 1.0) > 0
    similarity += np.array([[IN_VIEW_BONUS * (track.time_s == before_s)] for track in tracks])
    # Any possible pair (from -0.5 on) is better than none; an impossible one is worse.
    cost = np.where(possible, -similarity, 9.0)
    _, columns, _ = lap.lapjv(cost, extend_cost=True, cost_limit=1.0)
    return [(track, faces[col]) for track, col in zip(tracks, columns, strict=True) if col >= 0]


def _place(face: FaceEmotion) -> Vector:
    """Centre x, centre y, width and height of a face, in pixels."""
    box = face.face.box
    return np.array([box.centre.x, box.centre.y, box.width, box.height], dtype=np.float64)


def _similarity(first: Vector, second: Vector) -> Vector:
    """Distance-IoU (Zheng et al., AAAI 2020) of all pairs of places: (N, 4), (M, 4) -> (N, M), −1 to 1.

    Beyond plain IoU it still tells near from far where boxes do not touch.
    """
    low_1, high_1 = (first[:, None, :2] + sign * first[:, None, 2:] / 2 for sign in (-1, 1))
    low_2, high_2 = (second[None, :, :2] + sign * second[None, :, 2:] / 2 for sign in (-1, 1))
    overlap = np.clip(np.minimum(high_1, high_2) - np.maximum(low_1, low_2), 0, None).prod(axis=2)
    union = first[:, None, 2:].prod(axis=2) + second[None, :, 2:].prod(axis=2) - overlap
    apart = np.square(first[:, None, :2] - second[None, :, :2]).sum(axis=2)
    around = np.square(np.maximum(high_1, high_2) - np.minimum(low_1, low_2)).sum(axis=2)
    return np.asarray(overlap / union - apart / around, dtype=np.float64)
