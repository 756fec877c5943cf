"""OpenCV's Haar cascades of frontal faces, which run wherever OpenCV does.

They find upright, frontal faces and give no landmarks. Asked to be less strict they find a quarter more faces
in crowds, and ten times as many false ones; MediaPipe's landmark network tells them apart
(:mod:`emotion.faces.presence`). Where LiteRT cannot run that, one cascade stays strict and alone.

``alt2`` finds most faces with few false ones. ``default``, which looks at the larger ones of a picture and of
its mirror image, adds three of a hundred, and the mean of all their boxes lies better than each. Equalising
the histogram first did not find more faces.

Lienhart, Kuranov and Pisarevsky 2003, https://doi.org/10.1007/978-3-540-45243-0_39
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from emotion.errors import DetectorError
from emotion.faces.detector import SMALLEST_FACE, to_score
from emotion.faces.model_files import read_model
from emotion.faces.overlap import suppress
from emotion.faces.presence import FacePresence
from emotion.faces.search import reduced
from emotion.types import BoundingBox, Face, Image, check_image

__all__ = ["TITLE", "HaarDetector", "create"]

TITLE = "Haar cascade"

MODEL = "haarcascade_frontalface_alt2.xml"
MODEL_SHA256 = "7b0c967d9abbdfbde025eb9c786947d151b6426040d07a8f9562ed8fd90724b4"
SECOND_MODEL = "haarcascade_frontalface_default.xml"
SECOND_MODEL_SHA256 = "0f7d4527844eb514d4a4948e822da90fbb16a34a0bbbbc6adc6498747a5aafb0"

MOST_PIXELS = 400_000
"""Larger pictures are reduced to this size first: it bounds the time, and false detections grow
with the number of pixels."""
NARROWEST = 24
"""Width of the smallest face that a cascade is asked for, in the pixels it works on: their windows have 20
and 24."""
EVEN_PRESENCE, PRESENCE_SPREAD = 3.3, 2.0
"""Logit of the landmark network at which a detection scores 0.5, and how fast the score rises with it."""
SURE_PRESENCE = 8.0
"""Absolute logit from which the close-up is not checked again in its mirror image."""
EVEN_WEIGHT, WEIGHT_SPREAD = 55.0, 0.6
"""The same for the weight of the cascade's last stage, where it is alone."""
MOST_CANDIDATES = 200
"""Detections that are confirmed, the largest first: bounds the time that a picture of textures takes."""
STEP, FINE_STEP = 1.1, 1.05
"""How much larger each size is than the last one that is looked for. Fine steps take twice the time, so live
frames are searched without."""
NEIGHBOURS, NEIGHBOURS_ALONE = 1, 3
"""Overlapping detections that one needs beside it in a live frame, and without the landmark network. In a
picture it needs none."""
SIMILAR = 0.2
"""By how much of their sides the detections of one face may differ: OpenCV's own value."""

Detection = tuple[BoundingBox, float]
"""A box in the picture's pixels, and a weight that says which of two is better."""


def create() -> HaarDetector:
    """Load the detector.

    Raises:
        DetectorError: If OpenCV has no cascade classifier, or the model file is damaged.
    """
    return HaarDetector()


class HaarDetector:
    """See :class:`emotion.faces.FaceDetector`."""

    name = "haar"
    default_min_score = 0.3
    live_share = 0.1
    """Haar needs time for every pixel: so a frame is reduced to 240×180, which take it 17 ms on two cores
    that a browser shares; 360×270 took 32 to 50 (``benchmarks/webcam.py``)."""

    def __init__(self) -> None:
        self._cascade: cv2.CascadeClassifier | None = _load_cascade(MODEL, MODEL_SHA256)
        self._helpers: tuple[cv2.CascadeClassifier, FacePresence] | None = None
        with contextlib.suppress(ImportError):  # without LiteRT
            self._helpers = _load_cascade(SECOND_MODEL, SECOND_MODEL_SHA256), FacePresence()
        # A cascade keeps the picture it works on, so only one thread may use it at a time. OpenCV spreads
        # one picture over all cores: a second cascade for a second thread would gain nothing.
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return create, ()

    def detect(self, image: Image, *, smallest: float = SMALLEST_FACE) -> list[Face]:
        """See :meth:`emotion.faces.FaceDetector.detect`; gives no landmarks."""
        image = check_image(image)
        large = self.live_share * max(image.shape[:2])
        with self._lock:
            cascade = self._cascade
            if cascade is None:
                raise DetectorError("The Haar detector was closed; load a new one.")
            second, presence = self._helpers or (None, None)
            if second is None:
                found = _detect(cascade, image, smallest, STEP, NEIGHBOURS_ALONE)
            elif smallest >= large:
                found = _detect(cascade, image, smallest, STEP, NEIGHBOURS)
            else:
                single = _detect(cascade, image, smallest, FINE_STEP, 0)
                single += _detect(second, image, large, FINE_STEP, 0)
                mirror = np.ascontiguousarray(image[:, ::-1])
                single += [
                    (_mirrored(box, image.shape[1]), weight)
                    for box, weight in _detect(second, mirror, large, FINE_STEP, 0)
                ]
                found = _grouped(single)
        found.sort(key=lambda one: one[0].area, reverse=True)
        found = _apart(found[:MOST_CANDIDATES])
        return [Face(box, _score(presence, image, box, weight)) for box, weight in found]

    def close(self) -> None:
        """See :meth:`emotion.faces.FaceDetector.close`."""
        with self._lock:
            self._cascade = self._helpers = None


def _detect(
    cascade: cv2.CascadeClassifier, image: Image, smallest: float, step: float, neighbours: int
) -> list[Detection]:
    """What a cascade takes for a face of at least that width; without neighbours, most faces many times."""
    picture = (image.shape[1], image.shape[0])
    scale = min(NARROWEST / smallest, math.sqrt(MOST_PIXELS / (picture[0] * picture[1])))
    side = max(round(scale * max(picture)), 1)
    grey = cv2.cvtColor(reduced(image, side)[0], cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    try:
        boxes, _, weights = cascade.detectMultiScale3(
            grey,
            scaleFactor=step,
            minNeighbors=neighbours,
            minSize=(NARROWEST, NARROWEST),
            outputRejectLevels=True,
        )
    except cv2.error as error:
        raise DetectorError(f"OpenCV failed on this picture: {error}") from error
    ratio = (picture[0] / width, picture[1] / height)
    return [
        (_to_box(box, ratio, picture), float(weight))
        for box, weight in zip(boxes, np.ravel(weights), strict=True)
    ]


def _mirrored(box: BoundingBox, width: int) -> BoundingBox:
    """The same place of a picture of that width in its mirror image."""
    return BoundingBox(width - box.x2, box.y1, width - box.x1, box.y2)


def _grouped(found: list[Detection]) -> list[Detection]:
    """Similar detections as their mean, and their number as its weight."""
    boxes = [(box.x1, box.y1, box.width, box.height) for box, _ in found]
    # OpenCV drops what is alone; so each is given twice.
    means, counts = cv2.groupRectangles([*boxes, *boxes], 1, SIMILAR)
    return [
        (BoundingBox(int(x), int(y), int(x + width), int(y + height)), float(count))
        for (x, y, width, height), count in zip(means, counts, strict=True)
    ]


def _apart(found: list[Detection]) -> list[Detection]:
    """Of detections that are one face the one with the greatest weight."""
    boxes = np.array([(b.x1, b.y1, b.x2, b.y2) for b, _ in found], np.float64).reshape(-1, 4)
    groups = suppress(boxes, np.array([weight for _, weight in found], np.float64))
    return [found[group[0]] for group in groups]


def _load_cascade(name: str, sha256: str) -> cv2.CascadeClassifier:
    text = read_model(name, sha256).decode()
    try:
        # From memory: OpenCV cannot open every path that Python can.
        storage = cv2.FileStorage(text, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
        cascade = cv2.CascadeClassifier()
        loaded = cascade.read(storage.getFirstTopLevelNode())
    except (AttributeError, cv2.error) as error:
        raise DetectorError(
            f"OpenCV {cv2.__version__} cannot load the Haar cascade ({error}). It needs "
            "opencv-python-headless 4: pip install -r requirements.txt"
        ) from error
    if not loaded:
        raise DetectorError(f"OpenCV {cv2.__version__} cannot load the Haar cascade {name}.")
    return cascade


def _score(presence: FacePresence | None, image: Image, box: BoundingBox, weight: float) -> float:
    """How sure it is that a box shows a face, 0 to 1: by the landmark network, or by the cascade alone."""
    if presence is None:
        return to_score((weight - EVEN_WEIGHT) / WEIGHT_SPREAD)
    logit = presence.logit(image, box, roll=0.0)
    if abs(logit) < SURE_PRESENCE:
        logit = (logit + presence.logit(image, box, roll=0.0, mirrored=True)) / 2
    return to_score((logit - EVEN_PRESENCE) / PRESENCE_SPREAD)


def _to_box(box: Sequence[int], step: tuple[float, float], picture: tuple[int, int]) -> BoundingBox:
    """x, y, width, height in the working picture as a box of the picture itself, clipped to it."""
    x, y, width, height = (int(value) for value in box)
    x1, y1 = max(round(x * step[0]), 0), max(round(y * step[1]), 0)
    x2 = min(round((x + width) * step[0]), picture[0])
    y2 = min(round((y + height) * step[1]), picture[1])
    return BoundingBox(min(x1, x2 - 1), min(y1, y2 - 1), x2, y2)
