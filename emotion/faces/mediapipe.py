"""MediaPipe's face detector, run on LiteRT: fast, with landmarks, wherever LiteRT runs.

A picture is searched view by view (:mod:`emotion.faces.search`); doubtful detections are looked at again from
close up, by a second network as well (:mod:`emotion.faces.presence`).

MediaPipe: https://ai.google.dev/edge/mediapipe/solutions/vision/face_detector
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from emotion.errors import DetectorError
from emotion.faces.blazeface import MODEL, NATIVE_SIDE, BlazeFace
from emotion.faces.detector import SMALLEST_FACE, to_score
from emotion.faces.orientation import roll_by_eyes
from emotion.faces.overlap import overlaps, suppress
from emotion.faces.presence import FacePresence
from emotion.faces.search import Grid, View, close_up, views
from emotion.types import BoundingBox, Face, Image, Point, check_image

__all__ = ["MODEL", "TITLE", "MediaPipeDetector", "create"]

TITLE = "MediaPipe"

GRID = Grid(smallest=24, whole=128, window=640, multiple=32, area=3_200_000, edge=12)
"""How the network sees a picture; the values come from ``benchmarks/detection.py``."""
LOWEST_SCORE = 0.3
"""Detections under this are dropped at once; a caller's minimum score works above it."""
SURE_SCORE = 0.75
"""In a view of the whole picture a detection is accepted from this score on; false ones score 0.5 to 0.6.
Hundreds of windows are hundreds of chances to err, so there every detection is checked again."""
CLOSE_UPS, LARGE_CLOSE_UPS = (2.0, 2.6), (1.6, 2.0)
"""Sides of the close-ups of a doubtful detection, straight and mirrored, in sides of its box. Large faces are
better seen from nearer."""
CLOSE_UPS_OF_LARGE = 0.1
"""Width of a face, as a share of the picture's longer side, from which it is looked at from nearer."""
FIRST_WEIGHT, STRAIGHT_WEIGHT, MIRROR_WEIGHT, PRESENCE_WEIGHT = 1.41, 1.56, 2.51, 3.36
"""What speaks for a face: the detector's scores in the first view and in both close-ups (0 to 1), and what
:class:`FacePresence` says (−1 to 1). A logistic regression on candidates in scenes of training faces and in
pictures without people (``benchmarks/framing.py``, ``benchmarks/detection.py``)."""
NEEDED = 4.5
"""How much must speak for a face for a score of 0.5: so much that fewer than one picture without people in a
hundred gets a box."""
PRESENCE_SPREAD = 6.0
"""Beyond so many of its logits, more of them say little more."""
LARGE_SHARE, LARGE_BONUS = 0.2, 1.1
"""Width of a large face, as a share of the picture's longer side, and what that adds: there are few places
for one, so few chances to err."""
MOST_CANDIDATES = 1000
"""Faces that are checked again: bounds the time that a picture of a crowd takes."""
SAME_PLACE = 0.4
"""Intersection over union above which a box in the close-up is the same face."""
FEW = 3
"""Up to this many views are searched faster in the calling thread than in threads of their own."""
THREADS = os.cpu_count() or 1

Rows = npt.NDArray[np.float64]
"""Shape (N, 17): score, x1, y1, x2, y2 and x, y of six landmarks, in the picture's pixels."""

Thing = TypeVar("Thing")


def create() -> MediaPipeDetector:
    """Load the detector.

    Raises:
        DetectorError: If LiteRT is not installed, or the model file is damaged.
    """
    return MediaPipeDetector()


class MediaPipeDetector:
    """See :class:`emotion.faces.FaceDetector`."""

    name = "mediapipe"
    default_min_score = 0.5
    live_share = GRID.smallest / GRID.whole
    """A live frame is searched once, as a whole."""

    def __init__(self) -> None:
        self._networks: tuple[BlazeFace, FacePresence] | None = BlazeFace(), FacePresence()

    def __reduce__(self) -> tuple[Any, ...]:
        return create, ()

    def detect(self, image: Image, *, smallest: float = SMALLEST_FACE) -> list[Face]:
        """See :meth:`emotion.faces.FaceDetector.detect`; gives six landmarks for each face."""
        image = check_image(image)
        sure, doubtful = self._first_look(image, smallest)
        doubtful = doubtful[:MOST_CANDIDATES]
        known = overlaps(doubtful[:, 1:5], sure[:, 1:5]) > SAME_PLACE
        doubtful = doubtful[~known.any(axis=1)]
        again = _each(lambda row: self._look_again(image, row), doubtful)
        rows = _best(np.concatenate([sure, *again]))
        size = (image.shape[1], image.shape[0])
        return [face for row in rows if (face := _to_face(row, size)) is not None]

    def close(self) -> None:
        """See :meth:`emotion.faces.FaceDetector.close`."""
        self._networks = None

    def _open(self) -> tuple[BlazeFace, FacePresence]:
        if self._networks is None:
            raise DetectorError("The MediaPipe detector was closed; load a new one.")
        return self._networks

    def _first_look(self, image: Image, smallest: float) -> tuple[Rows, Rows]:
        """Detections that are sure, and those that have to be checked again, the best first."""
        # In a live frame the milliseconds for a face that fills it are saved: people sit further away.
        border = smallest < self.live_share * max(image.shape[:2])
        looks = _each(
            lambda view: (max(view.pixels.shape) <= GRID.whole, self._look(view)),
            views(image, smallest, GRID, border=border),
        )
        rows = np.concatenate([found for _, found in looks])
        whole = np.concatenate([np.full(len(found), is_whole) for is_whole, found in looks])
        sure = whole & (rows[:, 0] >= SURE_SCORE)
        return _best(rows[sure]), _best(rows[~sure])

    def _look(self, view: View) -> Rows:
        """What the network finds in a view, each face once and whole."""
        network, _ = self._open()
        raw = network.candidates(view.pixels, LOWEST_SCORE).astype(np.float64)
        raw[:, 1:] = view.to_picture(raw[:, 1:].reshape(-1, 8, 2)).reshape(-1, 16)
        merged = [_merged(raw[group]) for group in suppress(raw[:, 1:5], raw[:, 0])]
        rows = np.array(merged).reshape(-1, raw.shape[1])
        return rows[~view.cuts(rows[:, 1:5])]

    def _look_again(self, image: Image, row: Rows) -> Rows:
        """The same face as seen from close up; no row if too little speaks for it.

        The score says what all looks together say. A small or half-hidden face scores 0.5 to 0.8 in each of
        them, as many false detections do, but those rarely look like a face every time and to both networks.
        """
        share = float(row[3] - row[1]) / max(image.shape[:2])
        near, far = LARGE_CLOSE_UPS if share > CLOSE_UPS_OF_LARGE else CLOSE_UPS
        evidence = FIRST_WEIGHT * float(row[0]) - NEEDED
        evidence += LARGE_BONUS if share > LARGE_SHARE else 0.0
        straight = _at(self._look(close_up(image, row[1:5], near, NATIVE_SIDE)), row)
        evidence += STRAIGHT_WEIGHT * _best_score(straight)
        if evidence + MIRROR_WEIGHT + PRESENCE_WEIGHT < 0:  # nothing that follows could change that
            return straight[:0]
        known = straight[0] if len(straight) else row
        mirror = close_up(image, known[1:5], far, NATIVE_SIDE).mirrored()
        mirrored = _at(self._look(mirror), known)
        evidence += MIRROR_WEIGHT * _best_score(mirrored)
        if evidence + PRESENCE_WEIGHT < 0:
            return straight[:0]
        seen = np.concatenate([straight, mirrored])
        # Both close-ups place the face, the mean a little better than either.
        found = seen.mean(axis=0) if len(seen) else row.copy()
        evidence += PRESENCE_WEIGHT * self._present(image, found)
        found[0] = to_score(evidence)
        return np.asarray(found[None])

    def _present(self, image: Image, row: Rows) -> float:
        """Whether the landmark network sees a face, too: −1 (no) to 1 (yes)."""
        face = _to_face(row, (image.shape[1], image.shape[0]))
        if face is None:
            return -1.0
        _, presence = self._open()
        return math.tanh(presence.logit(image, face.box, roll_by_eyes(face)) / PRESENCE_SPREAD)


def _best_score(rows: Rows) -> float:
    """Of the first row, which is the best; 0 without rows."""
    return float(rows[0, 0]) if len(rows) else 0.0


def _each(look: Callable[[Thing], Any], things: Iterable[Thing]) -> list[Any]:
    """Look at several things, on all cores if there are many."""
    listed = list(things)
    if len(listed) <= FEW or THREADS == 1:
        return [look(thing) for thing in listed]
    with ThreadPoolExecutor(min(THREADS, len(listed))) as pool:
        return list(pool.map(look, listed))


def _best(rows: Rows) -> Rows:
    """Of rows that are one face the best one; best first."""
    groups = suppress(rows[:, 1:5], rows[:, 0])
    return rows[[int(group[0]) for group in groups]]


def _at(rows: Rows, row: Rows) -> Rows:
    """The best of the rows in the place of another one, shape (1, 17), or none."""
    near = rows[overlaps(rows[:, 1:5], row[None, 1:5])[:, 0] > SAME_PLACE]
    return near[:1]


def _merged(rows: Rows) -> Rows:
    """Candidates of one face as their mean, weighted by score, as MediaPipe does; the best one's score."""
    merged = np.average(rows, axis=0, weights=rows[:, 0])
    merged[0] = rows[0, 0]
    return np.asarray(merged)


def _to_face(row: Rows, size: tuple[int, int]) -> Face | None:
    """A row as a face clipped to the picture, whose width and height are ``size``; None if outside."""
    x1, y1 = max(round(float(row[1])), 0), max(round(float(row[2])), 0)
    x2, y2 = min(round(float(row[3])), size[0]), min(round(float(row[4])), size[1])
    if x1 >= x2 or y1 >= y2:
        return None
    points = tuple(Point(float(x), float(y)) for x, y in row[5:].reshape(-1, 2))
    return Face(BoundingBox(x1, y1, x2, y2), min(float(row[0]), 1.0), points)
