"""What a stream has shown so far: every moment with its time, the mean of everyone, a summary.

One session belongs to one viewer or one video. It holds numbers only, never a picture. What is kept moment by
moment is limited; beyond it each new face adds one or two kilobytes for as long as the session lives.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emotion.moments import Moment, TrackedFace
from emotion.results import MOMENT_COLUMNS, MomentText, csv_text, is_due
from emotion.types import Emotion, Prediction

__all__ = ["Peak", "Person", "Session", "Summary", "mean_prediction", "video_dict"]

LONGEST_STEP_S = 1.0
"""A live stream that is silent for longer than this pauses; no expression was shown in that time."""


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest probability that an expression reached, and when."""

    time_s: float
    probability: float


@dataclass(frozen=True, slots=True)
class Person:
    """What one face showed: seconds for each expression that was its label, and the peaks."""

    track_id: int
    first_s: float
    last_s: float
    seconds: Mapping[Emotion, float]
    peaks: Mapping[Emotion, Peak]

    @property
    def in_view_s(self) -> float:
        """Seconds in which the face was in view."""
        return sum(self.seconds.values())


@dataclass(frozen=True, slots=True)
class Summary:
    """A session in numbers. ``seconds`` adds up all people, so it may exceed ``duration_s``."""

    duration_s: float
    frames: int
    frames_with_faces: int
    most_faces: int
    seconds: Mapping[Emotion, float]
    people: tuple[Person, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; times in seconds."""
        return {
            "duration_s": round(self.duration_s, 3),
            "frames": self.frames,
            "frames_with_faces": self.frames_with_faces,
            "most_faces": self.most_faces,
            "seconds": {str(e): round(value, 3) for e, value in self.seconds.items()},
            "people": [
                {
                    "track": person.track_id,
                    "first_s": round(person.first_s, 3),
                    "last_s": round(person.last_s, 3),
                    "seconds": {str(e): round(value, 3) for e, value in person.seconds.items()},
                    "peaks": {
                        str(e): {
                            "time_s": round(peak.time_s, 3),
                            "probability": round(peak.probability, 4),
                        }
                        for e, peak in person.peaks.items()
                    },
                }
                for person in self.people
            ],
        }


def video_dict(source: str, summary: Summary, *, damaged: bool) -> dict[str, Any]:
    """What ``emotion video --json`` and ``/analyze_video`` say of a video, ready for JSON.

    Args:
        source: Name of the video.
        summary: What was seen in it.
        damaged: Whether it broke off; then the summary tells of the part that could be read.
    """
    return {"source": source, "error": None, "damaged": damaged, **summary.as_dict()}


def mean_prediction(faces: Sequence[TrackedFace]) -> Prediction | None:
    """The mean of everyone in view: the mean of their distributions; None where nobody is."""
    if not faces:
        return None
    rows = [face.seen.prediction.probabilities for face in faces]
    return Prediction(tuple(sum(column) / len(rows) for column in zip(*rows, strict=True)))


class Session:
    """Collects the moments of one stream.

    Args:
        keep: Sights of a face kept for :meth:`to_csv` and :meth:`to_json`; older moments are dropped. A
            moment without a face counts as one. The default is two hours of one face.
        record_every_s: Moments closer together than this are summed up but not kept one by one.
        frames_stay: Whether a moment lasts until the next one, as in a video: what it shows is shown until
            then. In a live stream, the time before a moment is its own, and silence is a pause.
    """

    def __init__(
        self,
        *,
        keep: int = 72_000,
        record_every_s: float = 0.1,
        frames_stay: bool = False,
    ) -> None:
        self._keep = keep
        self._records: deque[MomentText] = deque()
        self._kept = 0
        self._record_every_s = record_every_s
        self._frames_stay = frames_stay
        self._people: dict[int, _Diary] = {}
        self._before: tuple[TrackedFace, ...] = ()
        # A video begins at 0, also where its first picture comes later.
        self._first_s: float | None = 0.0 if frames_stay else None
        self._last_s = 0.0
        self._frames = self._frames_with_faces = self._most_faces = 0

    @classmethod
    def of_video(cls) -> Session:
        """A session that sums up a video; keeps no moments. :meth:`finish` it at the video's end."""
        return cls(keep=0, frames_stay=True)

    def add(self, moment: Moment) -> None:
        """Take in the next moment; time must not fall."""
        if self._first_s is None:
            self._first_s = self._last_s = moment.time_s
        step = self._advance(moment.time_s)
        self._before = moment.faces
        self._frames += 1
        self._frames_with_faces += bool(moment.faces)
        self._most_faces = max(self._most_faces, len(moment.faces))
        shown_s = step if step <= LONGEST_STEP_S and not self._frames_stay else 0.0
        for face in moment.faces:
            diary = self._people.setdefault(face.track_id, _Diary(face, moment.time_s))
            diary.add(face, moment.time_s, shown_s)
        if self._keep:
            self._record(moment)

    def finish(self, end_s: float) -> None:
        """The video ended: what its last moment showed has stayed until now.

        Args:
            end_s: The video's end, in seconds from its start.
        """
        self._advance(max(end_s, self._last_s))

    def _advance(self, time_s: float) -> float:
        """Go on to the next moment, or to the end; the seconds since the last one."""
        step, self._last_s = time_s - self._last_s, time_s
        if self._frames_stay:
            for face in self._before:
                self._people[face.track_id].stay(face.label, time_s, step)
        return step

    def _record(self, moment: Moment) -> None:
        """Keep a moment for saving, unless the last one was just now."""
        last_s = self._records[-1].time_s if self._records else None
        if not is_due(last_s, moment.time_s, self._record_every_s):
            return
        self._records.append(MomentText.of(moment))
        self._kept += self._records[-1].rows
        while self._kept > self._keep and len(self._records) > 1:
            self._kept -= self._records.popleft().rows

    @property
    def last_kept_s(self) -> float | None:
        """Time of the latest moment that was kept, in seconds; None if there is none."""
        return self._records[-1].time_s if self._records else None

    def summary(self) -> Summary:
        """The whole session, also the part whose moments are no longer kept."""
        people = tuple(
            Person(number, diary.first_s, diary.last_s, diary.seconds, diary.peaks)
            for number, diary in sorted(self._people.items())
        )
        total = {emotion: sum(p.seconds[emotion] for p in people) for emotion in Emotion}
        duration = self._last_s - (self._first_s or 0.0)
        return Summary(
            duration, self._frames, self._frames_with_faces, self._most_faces, total, people
        )

    def to_csv(self) -> str:
        """The kept moments as CSV text with a header line."""
        return csv_text([MOMENT_COLUMNS]) + "".join(record.csv for record in self._records)

    def to_json(self) -> str:
        """Summary and kept moments as JSON text."""
        summary = json.dumps(self.summary().as_dict())
        frames = ", ".join(record.json for record in self._records)
        return f'{{"summary": {summary}, "frames": [{frames}]}}'


class _Diary:
    """What one face has shown so far."""

    def __init__(self, face: TrackedFace, time_s: float) -> None:
        self.first_s = self.last_s = time_s
        self.seconds = dict.fromkeys(Emotion, 0.0)
        self.peaks = {
            emotion: Peak(time_s, value)
            for emotion, value in face.seen.prediction.as_dict().items()
        }

    def add(self, face: TrackedFace, time_s: float, step_s: float) -> None:
        self.last_s = time_s
        self.seconds[face.label] += step_s
        for emotion, value in face.seen.prediction.as_dict().items():
            if value > self.peaks[emotion].probability:
                self.peaks[emotion] = Peak(time_s, value)

    def stay(self, label: Emotion, until_s: float, step_s: float) -> None:
        """Go on showing the same."""
        self.last_s = until_s
        self.seconds[label] += step_s
