"""From film to moments: look at frames, follow the faces, draw them into a copy.

Who reads the result (command line, web tab) opens the film, passes the pipeline in and decides what to keep.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

import numpy as np

from emotion.drawing import annotate
from emotion.moments import LONGEST_FRAME_S
from emotion.regions import moved_face, reduced
from emotion.tracking import WEAK_SHARE, FaceTracker, Moment, TrackedFace
from emotion.types import BoundingBox, FaceEmotion, Image
from emotion.video import FilmFrame, FilmReader, FilmWriter

__all__ = ["FaceReader", "FilmSettings", "FilmStep", "read_film"]

Find: TypeAlias = Callable[[Image], Sequence[FaceEmotion]]


class FaceReader(Protocol):
    """What finds and reads the faces of an RGB image: an :class:`emotion.pipeline.EmotionPipeline`."""

    def __call__(self, image: Image, *, min_score: float) -> Sequence[FaceEmotion]: ...


KEEP_S = 1.0
"""Seconds for which a face that left keeps its number, or longer where two looks lie further apart. So one
person of a slideshow stays one; somebody else in the same place of the next slide is taken for them, too."""

SEARCH_EVERY_S = 1.0
"""Seconds between two searches for small faces in large frames."""

SMALL_SIDE = 640
"""Pictures up to this side are looked at as a whole."""

CLOSE_UP = 3.0
"""Side of the part that is looked at around a known face, in sides of the face."""

SLACK_S = 1e-3
"""A frame may come this much before its time, so that rounded time stamps do not cost a whole frame."""

SAME_FACE = 0.4
"""Intersection over union from which two finds are one face."""


@dataclass(frozen=True, slots=True)
class FilmSettings:
    """How a film is read.

    Attributes:
        min_score: Score from which a find counts as a face (0–1).
        every_s: Seconds between two looks; 0 looks at every frame.
        half_life_s: Smoothing: seconds after which a look counts half.
    """

    min_score: float
    every_s: float = 0.0
    half_life_s: float = 0.3

    def __post_init__(self) -> None:
        if self.every_s < 0 or self.half_life_s < 0:
            raise ValueError(
                "Times must not be negative. Received: "
                f"every {self.every_s} s, half-life {self.half_life_s} s."
            )


@dataclass(frozen=True, slots=True)
class FilmStep:
    """One frame is done.

    Attributes:
        time_s: Its time in seconds from the start of the film.
        moment: What was seen, in pixels of the film as it is shown (see :class:`emotion.video.FilmFrame`);
            None if this frame was not looked at.
    """

    time_s: float
    moment: Moment | None


def read_film(
    film: FilmReader,
    read: FaceReader,
    settings: FilmSettings,
    *,
    copy: FilmWriter | None = None,
) -> Iterator[FilmStep]:
    """Go through a film, frame by frame.

    Args:
        film: The open film.
        read: Is asked for weak finds, too: the tracker decides about them.
        settings: How to look.
        copy: Where to write the film with boxes and labels. Between two looks the last ones stay.

    Yields:
        A step for each frame. Of every stretch of ``every_s``, counted from the start of the film, the
        first frame is looked at.

    Raises:
        VideoError: If the film cannot be read or the copy cannot be written.
    """
    tracker = FaceTracker(half_life_s=settings.half_life_s)
    last_looks_s = deque([0.0, 0.0], maxlen=2)
    weakest = WEAK_SHARE * settings.min_score
    looks = _Looks(lambda image: read(image, min_score=weakest), tracker)
    stretch: float | None = None
    shown: list[TrackedFace] = []
    for frame in film:
        moment = None
        before, stretch = stretch, _stretch(frame, settings.every_s)
        if stretch != before:
            # People may move far between two looks, so those who left are remembered for two of them.
            tracker.keep_s = max(KEEP_S, min(frame.time_s - last_looks_s[0], LONGEST_FRAME_S))
            last_looks_s.append(frame.time_s)
            found = looks.at(frame.image, frame.time_s)
            shown = tracker.update(found, frame.time_s, min_score=settings.min_score)
            moment = Moment(frame.index, frame.time_s, tuple(shown))
        if copy:
            copy.write(_drawn(frame.image, shown), frame.time_s, frame.duration_s)
        if moment and frame.scale < 1:
            moment = _in_film_pixels(moment, frame)
        yield FilmStep(frame.time_s, moment)


def _stretch(frame: FilmFrame, every_s: float) -> float:
    """Number of the stretch of time that a frame lies in; without any, each frame is one."""
    return (frame.time_s + SLACK_S) // every_s if every_s > SLACK_S else frame.index


def _drawn(image: Image, shown: Sequence[TrackedFace]) -> Image:
    """The frame with what was seen last, under the steady labels that the table has, too."""
    if not shown:
        return image
    return annotate(image, [face.seen for face in shown], labels=[face.label for face in shown])


class _Looks:
    """Where to look in each frame.

    A detector needs a tenth of a second to search a large frame for small faces. So that is done once a
    second; in between it looks at a small version of the frame, and closely at where the known faces are.
    """

    def __init__(self, find: Find, tracker: FaceTracker) -> None:
        self._find = find
        self._tracker = tracker
        self._next_search_s = 0.0

    def at(self, image: Image, time_s: float) -> list[FaceEmotion]:
        height, width = image.shape[:2]
        if max(height, width) <= SMALL_SIDE or time_s >= self._next_search_s:
            self._next_search_s = time_s + SEARCH_EVERY_S
            return list(self._find(image))
        found = self._in(image, BoundingBox(0, 0, width, height))
        for box in self._tracker.places(time_s):
            reach = round(CLOSE_UP * max(box.width, box.height) / 2)
            x, y = round(box.centre.x), round(box.centre.y)
            left, right = max(x - reach, 0), min(x + reach, width)
            top, bottom = max(y - reach, 0), min(y + reach, height)
            if left < right and top < bottom:
                found += self._in(image, BoundingBox(left, top, right, bottom))
        return _without_doubles(found)

    def _in(self, image: Image, region: BoundingBox) -> list[FaceEmotion]:
        """Look at a part of the picture, reduced to a size that the detector takes in at once."""
        part = np.ascontiguousarray(image[region.y1 : region.y2, region.x1 : region.x2])
        part, scale = reduced(part, SMALL_SIDE)
        place, whole = (region.x1, region.y1), (image.shape[1], image.shape[0])
        return [
            replace(face, face=moved_face(face.face, 1 / scale, place, within=whole))
            for face in self._find(part)
        ]


def _without_doubles(found: list[FaceEmotion]) -> list[FaceEmotion]:
    """Of finds in the same place only the surest."""
    kept: list[FaceEmotion] = []
    for face in sorted(found, key=lambda face: -face.face.score):
        if all(face.face.box.iou(other.face.box) < SAME_FACE for other in kept):
            kept.append(face)
    return kept


def _in_film_pixels(moment: Moment, frame: FilmFrame) -> Moment:
    """Boxes and landmarks as if the frame had not been reduced."""
    faces = []
    for tracked in moment.faces:
        face = moved_face(tracked.seen.face, 1 / frame.scale, within=frame.size)
        faces.append(replace(tracked, seen=replace(tracked.seen, face=face)))
    return replace(moment, faces=tuple(faces))
