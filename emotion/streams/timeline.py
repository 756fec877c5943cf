"""Expressions over time, in a limited number of steps however long the stream runs.

Each step also holds a sum for every face that was in view during it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from emotion.moments import TrackedFace
from emotion.types import Emotion, Prediction

__all__ = ["Timeline", "TimelinePoint"]

STEP_S = 0.25
"""Length of a step at the start of a stream, in seconds."""


@dataclass(frozen=True, slots=True)
class TimelinePoint:
    """The mean distribution over one step; None where no face was in view.

    Attributes:
        time_s: Start of the step, in seconds.
        faces: Mean number of faces in view.
        mean: What they showed on average.
    """

    time_s: float
    faces: float
    mean: Prediction | None


@dataclass(slots=True)
class _Sum:
    """Added-up distributions and how many."""

    total: list[float] = field(default_factory=lambda: [0.0] * len(Emotion))
    count: int = 0

    def add(self, values: Sequence[float], count: int = 1) -> None:
        self.total = [a + b for a, b in zip(self.total, values, strict=True)]
        self.count += count

    def mean(self) -> Prediction | None:
        return Prediction(tuple(v / self.count for v in self.total)) if self.count else None


@dataclass(slots=True)
class _Step:
    frames: int = 0
    everyone: _Sum = field(default_factory=_Sum)
    people: dict[int, _Sum] = field(default_factory=dict)

    def take_in(self, other: _Step) -> None:
        self.frames += other.frames
        self.everyone.add(other.everyone.total, other.everyone.count)
        for number, values in other.people.items():
            self.people.setdefault(number, _Sum()).add(values.total, values.count)


class Timeline:
    """Averages a stream over equal steps. When there are too many, two become one.

    Args:
        step_s: Length of a step at the start, in seconds.
        max_steps: Bound on the number of steps, at least 2.
    """

    def __init__(self, *, step_s: float = STEP_S, max_steps: int = 480) -> None:
        self.step_s = step_s
        self._max_steps = max_steps
        self._steps: list[_Step] = []

    @classmethod
    def of_video(cls, every_s: float) -> Timeline:
        """A timeline for a video with an analysed frame every ``every_s`` seconds: one for each step."""
        return cls(step_s=max(STEP_S, every_s))

    def add(self, time_s: float, faces: Sequence[TrackedFace]) -> None:
        """Take in a frame. ``time_s`` counts from the start of the stream, so it is at least 0."""
        while int(time_s / self.step_s) >= self._max_steps:
            self._halve()
        index = int(time_s / self.step_s)
        self._steps.extend(_Step() for _ in range(index + 1 - len(self._steps)))
        step = self._steps[index]
        step.frames += 1
        for face in faces:
            values = face.seen.prediction.probabilities
            step.everyone.add(values)
            step.people.setdefault(face.track_id, _Sum()).add(values)

    def everyone(self) -> list[TimelinePoint]:
        """Everyone in view, step by step. Steps that hold no frame are left out."""
        return [
            TimelinePoint(i * self.step_s, s.everyone.count / s.frames, s.everyone.mean())
            for i, s in enumerate(self._steps)
            if s.frames
        ]

    def person(self, track_id: int) -> list[TimelinePoint]:
        """One face, step by step."""
        nobody = _Sum()
        return [
            TimelinePoint(i * self.step_s, person.count / s.frames, person.mean())
            for i, s in enumerate(self._steps)
            if s.frames
            for person in [s.people.get(track_id, nobody)]
        ]

    def people(self) -> list[int]:
        """Numbers of the faces, those longest in view first."""
        frames: dict[int, int] = {}
        for step in self._steps:
            for number, values in step.people.items():
                frames[number] = frames.get(number, 0) + values.count
        return sorted(frames, key=lambda number: (-frames[number], number))

    def _halve(self) -> None:
        """Join the steps two by two."""
        for even, odd in zip(self._steps[::2], self._steps[1::2], strict=False):
            even.take_in(odd)
        self._steps = self._steps[::2]
        self.step_s *= 2
