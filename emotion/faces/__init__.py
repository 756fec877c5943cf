"""Face detectors behind one protocol, chosen by name.

To add one, write ``emotion/faces/<name>.py`` with a ``TITLE`` (what people call it) and a function
``create() -> FaceDetector`` that imports what it needs; nothing else changes.
"""

from __future__ import annotations

import importlib
import pkgutil

from emotion.errors import DetectorError
from emotion.faces.detector import SMALLEST_FACE, FaceDetector

__all__ = ["DEFAULT_DETECTOR", "DETECTORS", "SMALLEST_FACE", "FaceDetector", "load_detector"]

DEFAULT_DETECTOR = "mediapipe"


def _titles() -> dict[str, str]:
    modules = [
        importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)
    ]
    titles = {m.__name__.rpartition(".")[2]: m.TITLE for m in modules if hasattr(m, "TITLE")}
    return {DEFAULT_DETECTOR: titles.pop(DEFAULT_DETECTOR)} | titles


DETECTORS: dict[str, str] = _titles()
"""Name of each detector's module, and what people call it. The first one is the default."""


def load_detector(name: str) -> FaceDetector:
    """Create a detector by name. Its library is imported only now.

    Raises:
        DetectorError: If there is no such detector, or it cannot run on this machine.
    """
    if name not in DETECTORS:
        raise DetectorError(
            f"Unknown face detector. It must be one of {', '.join(DETECTORS)}. Received: {name!r}"
        )
    detector: FaceDetector = importlib.import_module(f"{__name__}.{name}").create()
    return detector
