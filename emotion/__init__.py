"""Finds faces in pictures and reads their expression.

Importing this package loads no framework, reads no weights and touches no network; the names below are
imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emotion.errors import EmotionError as EmotionError
    from emotion.images import read_image as read_image
    from emotion.pipeline import EmotionPipeline as EmotionPipeline
    from emotion.types import Emotion as Emotion

__version__ = "0.1.0"

_HOMES = {
    "Emotion": "emotion.types",
    "EmotionError": "emotion.errors",
    "EmotionPipeline": "emotion.pipeline",
    "read_image": "emotion.images",
}

__all__ = ["Emotion", "EmotionError", "EmotionPipeline", "read_image"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
