"""Every exception this package raises on purpose.

::

    EmotionError
    ├── ImageError        the picture cannot be read or is not what it must be
    ├── DetectorError     a face detector is unknown, missing or broken
    ├── WeightsError      weights are missing, damaged or not described
    ├── VideoError        a video cannot be read or written
    ├── DatasetError      training or evaluation data is not what it must be
    ├── TrainingError     a training setting or checkpoint cannot be used
    └── StorageError      the database of records cannot be reached, read or written

Each message says what must hold, what was received and how to fix it, so that a user interface
can show ``str(error)`` as it is.
"""

__all__ = [
    "DatasetError",
    "DetectorError",
    "EmotionError",
    "ImageError",
    "StorageError",
    "TrainingError",
    "VideoError",
    "WeightsError",
]


class EmotionError(Exception):
    """Base of all errors that a caller of this package may want to catch."""


class ImageError(EmotionError):
    """A picture cannot be read, or is not an (H, W, 3) uint8 RGB array."""


class DetectorError(EmotionError):
    """A face detector is unknown, its model file is missing, or it cannot run here."""


class WeightsError(EmotionError):
    """Weights are missing, do not match their hash, or their ``config.json`` is not valid."""


class VideoError(EmotionError):
    """A video cannot be opened, holds no picture, or its annotated copy cannot be written."""


class DatasetError(EmotionError):
    """A data set cannot be found, or one of its rows is not what it must be."""


class TrainingError(EmotionError):
    """A training setting is not valid, or a checkpoint does not belong to this recipe."""


class StorageError(EmotionError):
    """The database of records cannot be opened, is of another version, or refuses what it is given."""
