"""What people wear or hold before their faces: a mask, sunglasses, a hand.

Rectangles of noise (``erase``) teach a network to do without any one place; these shapes cover the
places that are really covered, in the tones of cloth, dark glass and skin.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["hand", "mask", "occlude", "sunglasses"]

View = npt.NDArray[np.uint8]
"""One grey face, (S, S) uint8, that fills the square from brow to chin as in FER-2013."""

Shape = npt.NDArray[np.uint8]
"""(S, S) uint8: 1 where the face is covered."""

MASK_SHARE, SUNGLASSES_SHARE = 0.5, 0.25
"""How often each is chosen; a hand has the rest."""


def occlude(view: View, rng: np.random.Generator) -> View:
    """Cover a part of one face; a changed copy."""
    kind = rng.random()
    if kind < MASK_SHARE:
        shape, tone = mask(len(view), rng), rng.uniform(20, 245)
    elif kind < MASK_SHARE + SUNGLASSES_SHARE:
        shape, tone = sunglasses(len(view), rng), rng.uniform(0, 70)
    else:
        # A hand is lit as the face is.
        shape, tone = hand(len(view), rng), view.mean() * rng.uniform(0.7, 1.3)
    shading = np.linspace(-1.0, 1.0, len(view))[:, None] * rng.uniform(-20, 20)
    grain = rng.normal(0.0, 3.0, view.shape)
    covering = np.clip(tone + shading + grain, 0, 255).astype(np.uint8)
    return np.where(shape.astype(bool), covering, view)


def mask(side: int, rng: np.random.Generator) -> Shape:
    """From the bridge or tip of the nose down, rounded upwards, over most of the width."""
    shape = np.zeros((side, side), np.uint8)
    top = rng.uniform(0.45, 0.65) * side
    edge = top + rng.uniform(0.0, 0.15) * side  # the upper edge falls towards the ears
    reach = rng.uniform(0.36, 0.55) * side
    middle = side / 2 + rng.uniform(-0.05, 0.05) * side
    chin = rng.uniform(0.9, 1.1) * side
    outline = [
        (middle - reach, edge),
        (middle, top),
        (middle + reach, edge),
        (middle + 0.8 * reach, chin),
        (middle - 0.8 * reach, chin),
    ]
    cv2.fillConvexPoly(shape, np.round(outline).astype(np.int32), 1)
    return shape


def sunglasses(side: int, rng: np.random.Generator) -> Shape:
    """Two dark ellipses over the eyes and the bridge between them."""
    shape = np.zeros((side, side), np.uint8)
    height = rng.uniform(0.27, 0.42) * side
    apart = rng.uniform(0.2, 0.26) * side
    middle = side / 2 + rng.uniform(-0.05, 0.05) * side
    axes = (round(rng.uniform(0.14, 0.2) * side), round(rng.uniform(0.1, 0.15) * side))
    for eye in (middle - apart, middle + apart):
        cv2.ellipse(shape, (round(eye), round(height)), axes, 0, 0, 360, 1, cv2.FILLED)
    bridge = [(round(middle - apart), round(height)), (round(middle + apart), round(height))]
    cv2.line(shape, bridge[0], bridge[1], 1, max(side // 16, 1))
    return shape


def hand(side: int, rng: np.random.Generator) -> Shape:
    """A palm at the lower left or right edge, and fingers that reach over the cheek or mouth."""
    shape = np.zeros((side, side), np.uint8)
    palm = np.array([rng.uniform(0.0, 0.15), rng.uniform(0.6, 1.0)]) * side
    radius = round(rng.uniform(0.15, 0.25) * side)
    cv2.circle(shape, (round(palm[0]), round(palm[1])), radius, 1, cv2.FILLED)
    direction = np.deg2rad(
        rng.uniform(-80, 10)
    )  # upwards along the cheek, to level across the mouth
    length = rng.uniform(0.25, 0.5) * side
    across = np.array([-np.sin(direction), np.cos(direction)])
    along = np.array([np.cos(direction), np.sin(direction)])
    for finger in range(4):
        start = palm + across * (finger - 1.5) * 0.09 * side
        end = start + along * (radius + length * rng.uniform(0.8, 1.0))
        points = [tuple(map(int, np.round(point))) for point in (start, end)]
        cv2.line(shape, points[0], points[1], 1, max(round(0.08 * side), 1), cv2.LINE_4)
    return shape if rng.random() < 0.5 else np.ascontiguousarray(shape[:, ::-1])
