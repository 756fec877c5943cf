"""Why a face got its label, as a picture and words for its card."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from emotion.types import Image
from emotion.web.data_links import jpeg_url
from emotion.web.readings import Reason

__all__ = ["heat_picture", "why_values"]

SIDE = 192
"""Pixels of the picture; shown at half of that, so that it is crisp on any screen."""

ORANGE = np.array([255, 122, 0], np.float32)

LEAST_DROP = 0.01
"""If hiding any part takes less than one point from the label, none is marked."""


def heat_picture(reason: Reason) -> Image:
    """The face as the network saw it, the more orange the more the answer rests on a part of it.

    Returns:
        (SIDE, SIDE, 3), uint8, RGB.
    """
    grey = cv2.resize(reason.crop, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    heat = reason.explanation.heat(SIDE)
    strength = cv2.GaussianBlur(heat, (0, 0), SIDE / 24) / max(float(heat.max()), LEAST_DROP)
    mixed = 0.75 * np.clip(strength, 0, 1)[..., np.newaxis]
    face = np.repeat(grey[..., np.newaxis].astype(np.float32), 3, axis=2)
    return np.asarray(np.rint(face * (1 - mixed) + ORANGE * mixed), np.uint8)


def why_values(reason: Reason, number: int, words: Mapping[str, str]) -> dict[str, object]:
    """What the template of the results names under ``why``."""
    found = reason.explanation
    drop = float(found.drops.max())
    form = words["why_explained" if drop >= LEAST_DROP else "why_nowhere"]
    others = [
        words["views_other"].format(view=view, label=label)
        for view, label in found.views.items()
        if label is not found.label
    ]
    agree = words["views_agree"].format(agreeing=found.agreeing, count=len(found.views))
    return {
        "picture": jpeg_url(heat_picture(reason)),
        "alt": words["why_picture"].format(number=number),
        "parts": form.format(label=found.label, points=round(100 * drop)),
        "agree": agree,
        "others": ", ".join(others),
    }
