"""Boxes that overlap: how much, and which of them are one face."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Boxes", "overlaps", "suppress"]

SAME_FACE_IOU = 0.3
SAME_FACE_SHARE = 0.6
"""Two boxes are one face above that intersection over union, or that share of the smaller box."""

Boxes = npt.NDArray[np.float64]
"""Shape (N, 4): x1, y1, x2, y2 of each."""


def suppress(boxes: Boxes, scores: npt.NDArray[np.float64]) -> list[npt.NDArray[np.intp]]:
    """Group boxes that are one face (greedy non-maximum suppression).

    Args:
        boxes: Shape (N, 4).
        scores: Shape (N,).

    Returns:
        The indices of each group, the best score first; the group with the best score first.
    """
    order = np.argsort(-scores, kind="stable")
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    groups = []
    while len(order):
        best = order[0]
        ends = np.minimum(boxes[order, 2:], boxes[best, 2:])
        sides = np.maximum(ends - np.maximum(boxes[order, :2], boxes[best, :2]), 0)
        shared = sides[:, 0] * sides[:, 1]
        iou = shared / (areas[order] + areas[best] - shared)
        share = shared / np.minimum(areas[order], areas[best])
        same: npt.NDArray[np.bool_] = (iou > SAME_FACE_IOU) | (share > SAME_FACE_SHARE)
        same[0] = True
        groups.append(order[same])
        order = order[~same]
    return groups


def overlaps(boxes: Boxes, others: Boxes) -> npt.NDArray[np.float64]:
    """Intersection over union of each of N boxes with each of M others: shape (N, M), 0 to 1."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.maximum(high - low, 0).prod(axis=2)
    areas = [(some[:, 2:] - some[:, :2]).prod(axis=1) for some in (boxes, others)]
    return np.asarray(shared / (areas[0][:, None] + areas[1][None] - shared))
