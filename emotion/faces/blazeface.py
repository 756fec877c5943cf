"""BlazeFace on LiteRT: from pixels to candidate faces.

The network (MediaPipe's short-range model) was trained on 128×128 pixels, and it is fully convolutional: a
picture of any sides that 32 divides gives a grid of anchors of its own, as if the network had been slid
over it. So a large picture needs no overlapping views of 128 pixels.

BlazeFace: Bazarevsky et al. 2019, https://arxiv.org/abs/1907.05047
Anchors and decoding: MediaPipe's ``ssd_anchors_calculator.cc`` and ``tensors_to_detections_calculator.cc``,
https://github.com/google-ai-edge/mediapipe
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from emotion.errors import DetectorError
from emotion.faces.model_files import ModelNetwork
from emotion.litert import how_to_get_litert
from emotion.types import Image

__all__ = ["MODEL", "NATIVE_SIDE", "BlazeFace"]

MODEL = "face_detection_short_range.tflite"
MODEL_SHA256 = "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8"

NATIVE_SIDE = 128
"""Side of the pictures that the network was trained on."""
GRIDS = ((8, 2), (16, 6))
"""Pixels between two anchors, and anchors in each place, of the network's two grids."""
VALUES = 16
"""Values of a candidate: centre, width, height, and six landmarks, in pixels from the anchor."""

Array = npt.NDArray[np.float32]


class BlazeFace:
    """The network. Safe for threads and in a forked child."""

    def __init__(self) -> None:
        try:
            self._network = ModelNetwork(MODEL, MODEL_SHA256)
        except (ImportError, ValueError, RuntimeError) as error:
            raise DetectorError(
                f"The mediapipe detector runs on LiteRT, which cannot be used here ({error}). "
                f"Choose the detector haar, or {how_to_get_litert()}."
            ) from error

    def candidates(self, pixels: Image, lowest: float) -> Array:
        """Everything that the network takes for a face, most faces many times: nothing is suppressed yet.

        Args:
            pixels: Shape (H, W, 3), RGB; 32 divides H and W.
            lowest: Score (0–1) below which a candidate is dropped.

        Returns:
            Shape (N, 17): the score, the box as x1, y1, x2, y2, and x, y of six landmarks, in pixels.

        Raises:
            DetectorError: If LiteRT fails.
        """
        batch = pixels[None].astype(np.float32)
        batch *= np.float32(1 / 127.5)
        batch -= np.float32(1)
        values, logits = self._network.run(batch)
        # Scores are logistic; comparing their inverse spares the exponential of all that are dropped.
        chosen = np.flatnonzero(logits.reshape(-1) >= math.log(lowest / (1 - lowest)))
        scores = 1 / (1 + np.exp(-logits.reshape(-1)[chosen]))
        found = values.reshape(-1, VALUES)[chosen]
        points = found.reshape(-1, VALUES // 2, 2) + _anchors(*pixels.shape[:2])[chosen, None]
        half, centre = np.maximum(found[:, 2:4], 1) / 2, points[:, 0]
        parts = [scores[:, None], centre - half, centre + half, points[:, 2:].reshape(-1, 12)]
        return np.concatenate(parts, axis=1)


@lru_cache(maxsize=16)
def _anchors(height: int, width: int) -> Array:
    """x and y of each anchor, (N, 2), in the network's order: one grid after the other, row by row."""
    grids = []
    for stride, each in GRIDS:
        y, x = np.mgrid[0 : height // stride, 0 : width // stride]
        places = (np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5) * stride
        grids.append(np.repeat(places, each, axis=0))
    return np.concatenate(grids).astype(np.float32)
