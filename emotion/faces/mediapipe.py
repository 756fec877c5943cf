"""MediaPipe's face detector, run on LiteRT: fast, with landmarks, wherever LiteRT runs.

A picture is searched view by view (:mod:`emotion.faces.search`); a close-up confirms doubtful detections.

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
from emotion.faces.detector import SMALLEST_FACE
from emotion.faces.overlap import overlaps, suppress
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
"""Sides of the close-ups, straight and mirrored, in sides of the box: a false detection rarely
looks like a face at two scales. Large faces are better seen from nearer."""
LARGE_SHARE = 0.1
"""Width of a large face, as a share of the picture's longer side."""
EVEN_SMALL, EVEN_LARGE, STEEPNESS = 0.74, 0.715, 17.0
"""Mean score of the looks that speaks for a face as much as against it, and how fast the odds change around
it: a logistic regression on 2,600 faces of ``benchmarks/detection.py`` and ``benchmarks/framing.py`` and on
5,000 detections without a face."""
SIZE_BONUS = 0.06
"""What is added to that mean for a face half as wide as the picture is long: there are few places for a large
one, so few chances to err. It falls evenly with the logarithm, to nothing at :data:`NO_BONUS_SHARE`."""
NO_BONUS_SHARE = 0.05
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
        self._network: BlazeFace | None = BlazeFace()

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
        self._network = None

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
        network = self._network
        if network is None:
            raise DetectorError("The MediaPipe detector was closed; load a new one.")
        raw = network.candidates(view.pixels, LOWEST_SCORE).astype(np.float64)
        raw[:, 1:] = view.to_picture(raw[:, 1:].reshape(-1, 8, 2)).reshape(-1, 16)
        merged = [_merged(raw[group]) for group in suppress(raw[:, 1:5], raw[:, 0])]
        rows = np.array(merged).reshape(-1, raw.shape[1])
        return rows[~view.cuts(rows[:, 1:5])]

    def _look_again(self, image: Image, row: Rows) -> Rows:
        """The same face as seen from close up, straight and in a mirror; no row if it is not seen there.

        The score says what all looks together say: small and half-hidden faces score 0.6 to 0.8 in any one of
        them, as many false detections do, but those seldom do so every time.
        """
        share = float(row[3] - row[1]) / max(image.shape[:2])
        near, far = LARGE_CLOSE_UPS if share > LARGE_SHARE else CLOSE_UPS
        found = _at(self._look(close_up(image, row[1:5], near, NATIVE_SIDE)), row)
        if len(found):
            mirror = close_up(image, row[1:5], far, NATIVE_SIDE).mirrored()
            mirrored = _at(self._look(mirror), found[0])
            in_mirror = float(mirrored[0, 0]) if len(mirrored) else 0.0
            score = _score(float(row[0]), float(found[0, 0]), in_mirror, share)
            # Both close-ups place the face, the mean a little better than either.
            found = np.mean([found, mirrored], axis=0) if len(mirrored) else found
            found[:, 0] = score
        return found


def _score(first: float, straight: float, in_mirror: float, share: float) -> float:
    """What three looks say about a face of a width, which is a share of the picture's longer side."""
    if share > LARGE_SHARE:
        size = math.log(share / NO_BONUS_SHARE) / math.log(0.5 / NO_BONUS_SHARE)
        mean = (first + straight + in_mirror) / 3
        evidence = mean + SIZE_BONUS * min(size, 1.0) - EVEN_LARGE
    else:
        # The first look at a small face shows it in few pixels: it may help, but not harm.
        near = max(straight, (first + straight) / 2)
        evidence = (near + in_mirror) / 2 - EVEN_SMALL
    return 1 / (1 + math.exp(-STEEPNESS * evidence))


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
