"""Whether a close-up shows a face: MediaPipe's face landmark network, of whose answers only that one is used.

The network places 468 points on a face that a detector has found, and says how sure it is that there is one.
It sees more pixels than the detector and errs on other pictures.

Kartynnik et al. 2019, https://arxiv.org/abs/1907.06724
"""

from __future__ import annotations

import numpy as np

from emotion.faces.model_files import ModelNetwork
from emotion.preprocess import crop_face
from emotion.types import BoundingBox, Image

__all__ = ["MODEL", "FacePresence"]

MODEL = "face_landmark.tflite"
MODEL_SHA256 = "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814"

SIDE = 192
"""Side of the pictures that the network takes."""
MARGIN = 1.5
"""Side of the close-up, in sides of the detector's box, as in MediaPipe."""


class FacePresence:
    """The network. Safe for threads and in a forked child.

    Raises:
        DetectorError: If the model file is missing or damaged.
        ImportError: If LiteRT is not installed.
    """

    def __init__(self) -> None:
        self._network = ModelNetwork(MODEL, MODEL_SHA256)

    def logit(
        self, image: Image, box: BoundingBox, roll: float, *, mirrored: bool = False
    ) -> float:
        """How sure the network is that a box shows a face: above 0 more likely than not, mostly −15 to 20.

        It answers the same for a grey close-up as for one in colour.

        Args:
            image: Shape (H, W, 3), uint8, RGB.
            box: In the picture's pixels.
            roll: Degrees by which the head is turned clockwise.
            mirrored: Whether the close-up is mirrored first: a second opinion.

        Raises:
            DetectorError: If LiteRT fails.
        """
        grey = crop_face(image, box, SIDE, scale=MARGIN, roll=roll)
        if mirrored:
            grey = grey[:, ::-1]
        batch = np.repeat(grey[None, :, :, None], 3, axis=3).astype(np.float32) / np.float32(255)
        outputs = self._network.run(batch)
        return next(float(output.item()) for output in outputs if output.size == 1)
