"""From film to moments: look at frames, follow the faces, draw them into a copy.

Who reads the result (command line, web tab) opens the film, passes the pipeline in and decides what to keep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from emotion.drawing import annotate
from emotion.tracking import FaceTracker, Moment
from emotion.types import BoundingBox, Face, FaceEmotion, Image, Point
from emotion.video import FilmReader, FilmWriter

__all__ = ["FilmSettings", "FilmStep", "read_film"]


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
        moment: What was seen, in pixels of the film; None if this frame was not looked at.
    """

    time_s: float
    moment: Moment | None


def read_film(
    film: FilmReader,
    find: Callable[[Image], Sequence[FaceEmotion]],
    settings: FilmSettings,
    *,
    copy: FilmWriter | None = None,
) -> Iterator[FilmStep]:
    """Go through a film, frame by frame.

    Args:
        film: The open film.
        find: Finds and reads the faces of an RGB image, down to ``WEAK_SHARE`` of the minimum score.
        settings: How to look.
        copy: Where to write the film with boxes and labels. Between two looks the last ones stay.

    Yields:
        A step for each frame. Steps that were looked at come at least ``every_s`` apart.

    Raises:
        VideoError: If the film cannot be read or the copy cannot be written.
    """
    # People may move far between two looks, so those who left are remembered for two of them.
    tracker = FaceTracker(half_life_s=settings.half_life_s, keep_s=max(1.0, 2 * settings.every_s))
    next_look_s = 0.0
    shown: list[FaceEmotion] = []
    for frame in film:
        moment = None
        # A millisecond of slack, so that rounded time stamps do not cost a whole frame.
        if frame.time_s >= next_look_s - 1e-3:
            next_look_s = max(next_look_s + settings.every_s, frame.time_s)
            tracked = tracker.update(find(frame.image), frame.time_s, min_score=settings.min_score)
            shown = [face.seen for face in tracked]
            moment = Moment(frame.index, frame.time_s, tuple(tracked))
        if copy:
            copy.write(annotate(frame.image, shown) if shown else frame.image, frame.time_s)
        if moment and frame.scale < 1:
            moment = _in_film_pixels(moment, frame.scale)
        yield FilmStep(frame.time_s, moment)


def _in_film_pixels(moment: Moment, scale: float) -> Moment:
    """Boxes and landmarks as if the frame had not been reduced."""
    faces = tuple(
        replace(tracked, seen=replace(tracked.seen, face=_enlarged(tracked.seen.face, scale)))
        for tracked in moment.faces
    )
    return replace(moment, faces=faces)


def _enlarged(face: Face, scale: float) -> Face:
    box = face.box
    corners = (round(value / scale) for value in (box.x1, box.y1, box.x2, box.y2))
    landmarks = tuple(Point(point.x / scale, point.y / scale) for point in face.landmarks)
    return Face(BoundingBox(*corners), face.score, landmarks)
