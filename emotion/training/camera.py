"""What cheap cameras, small faces and compression do to a picture, at random.

Each function takes one grey face, (S, S) uint8, and gives a changed copy of the same shape.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["add_noise", "soften", "through_webcam"]

View = npt.NDArray[np.uint8]


def soften(view: View, rng: np.random.Generator) -> View:
    """Take fine detail out of a view: blurred, as if it had been a smaller face, or compressed."""
    kind, amount = rng.integers(3), rng.random()
    if kind == 0:
        return np.asarray(cv2.GaussianBlur(view, (0, 0), 0.5 + amount), np.uint8)
    if kind == 1:
        return _enlarged(_shrunk(view, 0.5 + 0.4 * amount), len(view))
    return _compressed(view, 20 + 60 * amount)


def add_noise(view: View, rng: np.random.Generator) -> View:
    """A sensor's noise: normal, with a deviation of 2 to 15 of 255 grey levels."""
    noisy = view + rng.normal(0.0, rng.uniform(2.0, 15.0), view.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def through_webcam(view: View, rng: np.random.Generator) -> View:
    """A face of 40 to 90 % of the size, noisy, compressed, and enlarged again."""
    small = _shrunk(view, rng.uniform(0.4, 0.9))
    small = np.clip(small + rng.normal(0.0, rng.uniform(0.0, 8.0), small.shape), 0, 255)
    return _enlarged(_compressed(small.astype(np.uint8), rng.uniform(25.0, 75.0)), len(view))


def _shrunk(view: View, share: float) -> View:
    side = max(round(len(view) * share), 1)
    return np.asarray(cv2.resize(view, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def _enlarged(view: View, side: int) -> View:
    return np.asarray(cv2.resize(view, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)


def _compressed(view: View, quality: float) -> View:
    _, data = cv2.imencode(".jpg", view, [cv2.IMWRITE_JPEG_QUALITY, round(quality)])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)
