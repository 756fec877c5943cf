"""Face detectors behind one protocol, chosen by name.

To add one, write ``emotion/faces/<name>.py`` with a function ``create() -> FaceDetector`` and add the
name to :data:`DETECTORS`; nothing else changes.
"""

from __future__ import annotations

import importlib
from typing import Protocol

from emotion.errors import DetectorError
from emotion.preprocess import Framing
from emotion.types import Face, Image

__all__ = ["DEFAULT_DETECTOR", "DETECTORS", "FaceDetector", "load_detector"]


class FaceDetector(Protocol):
    """Finds faces. One instance may be shared by several threads."""

    name: str
    """What the detector is chosen by: its module's name."""
    framing: Framing
    """Calibration of its boxes, measured by ``benchmarks/framing.py``."""
    default_min_score: float
    """The score under which its finds are more often wrong than right."""

    def detect(self, image: Image) -> list[Face]:
        """Find the faces of a picture.

        Args:
            image: Shape (H, W, 3), uint8, RGB; any size from 1×1.

        Returns:
            Faces in no particular order, boxes clipped to the picture; an empty list if there are none.

        Raises:
            ImageError: If ``image`` is not such an array.
            DetectorError: If the detector itself fails.
        """
        ...

    def close(self) -> None:
        """Free what the detector holds; it cannot be used afterwards."""
        ...


DETECTORS: dict[str, str] = {
    "mediapipe": "MediaPipe",
    "haar": "Haar cascade",
}
"""Name of each detector's module, and what people call it. The first one is the default."""

DEFAULT_DETECTOR = next(iter(DETECTORS))


def load_detector(name: str) -> FaceDetector:
    """Create a detector by name. Its library is imported only now.

    Raises:
        DetectorError: If there is no such detector, or it cannot run on this machine.
    """
    if name not in DETECTORS:
        raise DetectorError(
            f"Unknown face detector. It must be one of {', '.join(DETECTORS)}. Received: {name!r}"
        )
    detector: FaceDetector = importlib.import_module(f"emotion.faces.{name}").create()
    return detector
