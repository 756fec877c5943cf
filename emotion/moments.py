"""What a stream shows at one moment: its frame, and the faces in view as they are followed."""

from __future__ import annotations

from dataclasses import dataclass

from emotion.types import Emotion, FaceEmotion, Prediction

__all__ = ["Moment", "TrackedFace"]


@dataclass(frozen=True, slots=True)
class TrackedFace:
    """A face of a stream at one moment.

    Attributes:
        seen: The face as the detector found it, with its ``track_id`` and the smoothed probabilities.
        label: The steady label: the most probable expression, unless its lead is still too small.
        measured: The probabilities of this frame alone.
        sure: Whether the label can be relied on; as steady as the label.
    """

    seen: FaceEmotion
    label: Emotion
    measured: Prediction
    sure: bool = True

    @property
    def track_id(self) -> int:
        """Number of the face: 1 for the first one of the stream, never used again."""
        assert self.seen.track_id is not None
        return self.seen.track_id

    @property
    def confidence(self) -> float:
        """The smoothed probability of :attr:`label`."""
        return self.seen.prediction.as_dict()[self.label]

    @property
    def second(self) -> Emotion:
        """The most probable expression beside :attr:`label`."""
        return self.seen.prediction.best_beside(self.label)


@dataclass(frozen=True, slots=True)
class Moment:
    """One frame of a stream: its number, its time in seconds and the faces in view (often none)."""

    frame: int
    time_s: float
    faces: tuple[TrackedFace, ...]
