"""What every face detector is."""

from __future__ import annotations

import math
from typing import Protocol

from emotion.types import Face, Image

__all__ = ["SMALLEST_FACE", "FaceDetector", "to_score"]

SMALLEST_FACE = 24.0
"""Width in pixels of the smallest face that is looked for: a person hardly recognises a smaller one, and it
shows a network that sees 48×48 pixels too little."""


def to_score(evidence: float) -> float:
    """The score (0–1) of what speaks for a face, as a logit: 0.5 if as much speaks against it."""
    return 1 / (1 + math.exp(-evidence))


class FaceDetector(Protocol):
    """Finds faces. One instance may be shared by several threads and used in a forked child."""

    name: str
    """What the detector is chosen by: its module's name."""
    default_min_score: float
    """Below this score, detections are more often wrong than right."""
    live_share: float
    """Width of the smallest face that is looked for in a live frame, as a share of the frame's longer side.
    It decides how long a frame takes."""

    def detect(self, image: Image, *, smallest: float = SMALLEST_FACE) -> list[Face]:
        """Find the faces of a picture.

        Args:
            image: Shape (H, W, 3), uint8, RGB; any size from 1×1.
            smallest: Width in pixels from which faces are looked for; the larger, the faster. In a very
                large picture the detector may look for larger ones only, which bounds the time.

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
