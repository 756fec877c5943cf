"""OpenCV's Haar cascade of frontal faces, which runs wherever OpenCV does.

It finds upright, frontal faces and gives no landmarks. Asked to be less strict it finds a sixth more faces in
crowds, and five times as many false ones; MediaPipe's landmark network tells them apart
(:mod:`emotion.faces.presence`). Where LiteRT cannot run that, the cascade stays strict and alone.

Of 150 FER-2013 faces on canvases, ``alt2`` and ``default`` both found four fifths, ``default`` with 1.5 times
as many false detections and a third more time. Equalising the histogram first did not find more faces.

Lienhart, Kuranov and Pisarevsky 2003, https://doi.org/10.1007/978-3-540-45243-0_39
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import cv2
import numpy as np

from emotion.errors import DetectorError
from emotion.faces.detector import SMALLEST_FACE, to_score
from emotion.faces.model_files import read_model
from emotion.faces.presence import FacePresence
from emotion.faces.search import reduced
from emotion.types import BoundingBox, Face, Image, check_image

__all__ = ["TITLE", "HaarDetector", "create"]

TITLE = "Haar cascade"

MODEL = "haarcascade_frontalface_alt2.xml"
MODEL_SHA256 = "7b0c967d9abbdfbde025eb9c786947d151b6426040d07a8f9562ed8fd90724b4"

MOST_PIXELS = 400_000
"""Larger pictures are reduced to this size first: it bounds the time, and false detections grow
with the number of pixels."""
NARROWEST = 24
"""Width of the smallest face that the cascade is asked for, in the pixels it works on: its window has 20."""
SCALE_STEP = 1.1
NEIGHBOURS, NEIGHBOURS_ALONE = 1, 3
"""Overlapping detections, beside the first, that make a face: with the landmark network, and without it."""
EVEN_PRESENCE, PRESENCE_SPREAD = 3.7, 2.0
"""Logit of the landmark network at which a detection scores 0.5, and how fast the score rises with it."""
EVEN_WEIGHT, WEIGHT_SPREAD = 55.0, 0.6
"""The same for the weight of the cascade's last stage, where it is alone."""
MOST_CANDIDATES = 200
"""Detections that are confirmed, the largest first: bounds the time that a picture of textures takes."""


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
        self._cascade: cv2.CascadeClassifier | None = _load_cascade()
        self._presence: FacePresence | None = None
        with suppress(ImportError):
            self._presence = FacePresence()
        # A cascade keeps the picture it works on, so only one thread may use it at a time. OpenCV spreads
        # one picture over all cores: a second cascade for a second thread would gain nothing.
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return create, ()

    def detect(self, image: Image, *, smallest: float = SMALLEST_FACE) -> list[Face]:
        """See :meth:`emotion.faces.FaceDetector.detect`; gives no landmarks."""
        image = check_image(image)
        picture = (image.shape[1], image.shape[0])
        scale = min(NARROWEST / smallest, math.sqrt(MOST_PIXELS / (picture[0] * picture[1])))
        side = max(round(scale * max(picture)), 1)
        grey = cv2.cvtColor(reduced(image, side)[0], cv2.COLOR_RGB2GRAY)
        height, width = grey.shape
        with self._lock:
            presence = self._presence
            if self._cascade is None:
                raise DetectorError("The Haar detector was closed; load a new one.")
            try:
                boxes, _, weights = self._cascade.detectMultiScale3(
                    grey,
                    scaleFactor=SCALE_STEP,
                    minNeighbors=NEIGHBOURS if presence else NEIGHBOURS_ALONE,
                    minSize=(NARROWEST, NARROWEST),
                    outputRejectLevels=True,
                )
            except cv2.error as error:
                raise DetectorError(f"OpenCV failed on this picture: {error}") from error
        step = (picture[0] / width, picture[1] / height)
        found = [
            (_to_box(box, step, picture), float(weight))
            for box, weight in zip(boxes, np.ravel(weights), strict=True)
        ]
        found.sort(key=lambda one: one[0].area, reverse=True)
        return [
            Face(box, _score(presence, image, box, weight))
            for box, weight in found[:MOST_CANDIDATES]
        ]

    def close(self) -> None:
        """See :meth:`emotion.faces.FaceDetector.close`."""
        with self._lock:
            self._cascade = self._presence = None


def _load_cascade() -> cv2.CascadeClassifier:
    text = read_model(MODEL, MODEL_SHA256).decode()
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
        raise DetectorError(f"OpenCV {cv2.__version__} cannot load the Haar cascade {MODEL}.")
    return cascade


def _score(presence: FacePresence | None, image: Image, box: BoundingBox, weight: float) -> float:
    """How sure it is that a box shows a face, 0 to 1: by the landmark network, or by the cascade alone."""
    if presence is None:
        return to_score((weight - EVEN_WEIGHT) / WEIGHT_SPREAD)
    logit = presence.logit(image, box, roll=0.0)
    return to_score((logit - EVEN_PRESENCE) / PRESENCE_SPREAD)


def _to_box(box: Sequence[int], step: tuple[float, float], picture: tuple[int, int]) -> BoundingBox:
    """x, y, width, height in the working picture as a box of the picture itself, clipped to it."""
    x, y, width, height = (int(value) for value in box)
    x1, y1 = max(round(x * step[0]), 0), max(round(y * step[1]), 0)
    x2 = min(round((x + width) * step[0]), picture[0])
    y2 = min(round((y + height) * step[1]), picture[1])
    return BoundingBox(min(x1, x2 - 1), min(y1, y2 - 1), x2, y2)
