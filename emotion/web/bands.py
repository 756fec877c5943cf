"""Seven probabilities over time as stacked bands of an SVG drawing."""

from __future__ import annotations

from collections.abc import Iterable

from emotion.drawing import EXPRESSION_COLOURS
from emotion.types import Emotion, Prediction

__all__ = ["HEIGHT", "WIDTH", "bands"]

WIDTH, HEIGHT = 1000, 100
"""Of the drawing, in its own units."""


def bands(steps: Iterable[tuple[float, float, Prediction]]) -> list[dict[str, str]]:
    """One shape for each expression, made of a rectangle for each step.

    Args:
        steps: Of each step, where it begins and how wide it is (both in units of the drawing), and the mean
            prediction.

    Returns:
        ``path`` and ``colour`` of each expression that was seen.
    """
    shapes = dict.fromkeys(Emotion, "")
    for x, wide, mean in steps:
        y = float(HEIGHT)
        for emotion, probability in mean.as_dict().items():
            tall = probability * HEIGHT
            y -= tall
            shapes[emotion] += f"M{x:.1f} {y:.1f}h{wide:.2f}v{tall:.1f}h-{wide:.2f}z"
    return [
        {"path": path, "colour": EXPRESSION_COLOURS[emotion]}
        for emotion, path in shapes.items()
        if path
    ]
