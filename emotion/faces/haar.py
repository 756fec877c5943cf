"""OpenCV's Haar cascade of frontal faces: no network at all, runs wherever OpenCV does.

It finds upright, frontal faces from about a twentieth of the picture's longer side on. Of 150 FER-2013 faces
on canvases, ``alt2`` and ``default`` both found four fifths, ``default`` with half as many false finds again
and a third more time. Evening out the histogram first found no more.

Lienhart, Kuranov and Pisarevsky 2003, https://doi.org/10.1007/978-3-540-45243-0_39
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence

import cv2
import numpy as np

from emotion.errors import DetectorError
from emotion.faces.model_files import read_model
from emotion.preprocess import Framing
from emotion.regions import reduced
from emotion.types import BoundingBox, Face, Image, check_image

__all__ = ["HaarDetector", "create"]

MODEL = "haarcascade_frontalface_alt2.xml"
MODEL_SHA256 = "7b0c967d9abbdfbde025eb9c786947d151b6426040d07a8f9562ed8fd90724b4"

WORKING_SIDE = 1280
"""Pictures with a longer side are reduced to it first: bounds the time."""
SMALLEST_SHARE = 20
"""Faces narrower than the picture's longer side divided by this are not looked for."""
SMALLEST_FACE = 24
"""Nor are faces narrower than this, in pixels: the cascade's own window has 20."""
SCALE_STEP = 1.1
NEIGHBOURS = 3
"""So many overlapping finds, beside the first, make a face."""
EVEN_WEIGHT = 55.0
"""Weight of the last stage at which a find scores 0.5."""
WEIGHT_SPREAD = 0.6
"""How fast the score rises with the weight around it."""


def create() -> HaarDetector:
    """Load the detector.

    Raises:
        DetectorError: If OpenCV has no cascade classifier, or the model file is damaged.
    """
    return HaarDetector()


class HaarDetector:
    """See :class:`emotion.faces.FaceDetector`."""

    name = "haar"
    framing = Framing()  # no other one is better by more than chance: benchmarks/framing.py
    default_min_score = 0.3

    def __init__(self) -> None:
        self._cascade: cv2.CascadeClassifier | None = _load_cascade()
        # A cascade keeps the picture it works on, so only one thread may use it at a time. OpenCV spreads
        # one picture over all cores by itself: a second cascade for a second thread would gain nothing.
        self._lock = threading.Lock()

    def detect(self, image: Image) -> list[Face]:
        """See :meth:`emotion.faces.FaceDetector.detect`; gives no landmarks."""
        image = check_image(image)
        picture = (image.shape[1], image.shape[0])
        grey = cv2.cvtColor(reduced(image, WORKING_SIDE)[0], cv2.COLOR_RGB2GRAY)
        height, width = grey.shape
        smallest = max(max(height, width) // SMALLEST_SHARE, SMALLEST_FACE)
        with self._lock:
            if self._cascade is None:
                raise DetectorError("The Haar detector was closed; load a new one.")
            try:
                boxes, _, weights = self._cascade.detectMultiScale3(
                    grey,
                    scaleFactor=SCALE_STEP,
                    minNeighbors=NEIGHBOURS,
                    minSize=(smallest, smallest),
                    outputRejectLevels=True,
                )
            except cv2.error as error:
                raise DetectorError(f"OpenCV failed on this picture: {error}") from error
        step = (picture[0] / width, picture[1] / height)
        return [
            Face(_to_box(box, step, picture), _score(float(weight)))
            for box, weight in zip(boxes, np.ravel(weights), strict=True)
        ]

    def close(self) -> None:
        """See :meth:`emotion.faces.FaceDetector.close`."""
        with self._lock:
            self._cascade = None


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


def _score(weight: float) -> float:
    """A cascade's weight, which has no unit, as a score between 0 and 1 that rises with it.

    A logistic curve; where it starts and how steep it is comes from the weights of FER-2013's faces.
    """
    return 1 / (1 + math.exp(-(weight - EVEN_WEIGHT) / WEIGHT_SPREAD))


def _to_box(box: Sequence[int], step: tuple[float, float], picture: tuple[int, int]) -> BoundingBox:
    """x, y, width, height in the working picture as a box of the picture itself, clipped to it."""
    x, y, width, height = (int(value) for value in box)
    x1, y1 = max(round(x * step[0]), 0), max(round(y * step[1]), 0)
    x2 = min(round((x + width) * step[0]), picture[0])
    y2 = min(round((y + height) * step[1]), picture[1])
    return BoundingBox(min(x1, x2 - 1), min(y1, y2 - 1), x2, y2)
