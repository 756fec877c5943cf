"""From frames to moments: find and follow the faces, draw them into a copy.

:class:`emotion.streams.video_analysis.VideoAnalysis` is what callers use: it opens and keeps everything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from emotion.drawing import annotate
from emotion.faces.search import moved_face
from emotion.moments import Moment, TrackedFace
from emotion.streams.frame_search import FrameSearch
from emotion.streams.reader import VideoFrame
from emotion.streams.tracking import WEAK_SHARE, FaceTracker
from emotion.streams.writer import VideoWriter
from emotion.types import FaceEmotion, Image

__all__ = ["FaceReader", "VideoSettings", "VideoStep", "analyze_video"]


class FaceReader(Protocol):
    """What finds and reads the faces of an RGB image: an :class:`emotion.pipeline.EmotionPipeline`."""

    def __call__(
        self, image: Image, *, min_score: float, thorough: bool, turns: int
    ) -> Sequence[FaceEmotion]: ...


KEEP_S = 1.0
"""Seconds for which a face that left keeps its number, or longer if two analysed frames are further apart.
So one person in a slideshow keeps one number; somebody else in its place on the next slide gets it, too."""

SLACK_S = 1e-3
"""A frame may come this much before its time, so that rounded time stamps do not cost a whole frame."""


@dataclass(frozen=True, slots=True)
class VideoSettings:
    """How a video is read.

    Attributes:
        min_score: Score from which a detection counts as a face (0–1).
        every_s: Seconds between two analysed frames; 0 analyses every frame.
        half_life_s: Smoothing: seconds after which a frame counts half.
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
class VideoStep:
    """One frame is done.

    Attributes:
        time_s: Its time in seconds from the start of the video.
        moment: What was seen, in pixels of the video as it is shown (see
            :class:`emotion.streams.canvas.Canvas`); None if this frame was not analysed.
    """

    time_s: float
    moment: Moment | None


def analyze_video(
    video: Iterable[VideoFrame],
    read: FaceReader,
    settings: VideoSettings,
    *,
    copy: VideoWriter | None = None,
) -> Iterator[VideoStep]:
    """Go through a video, frame by frame.

    Args:
        video: Its frames, as :class:`VideoReader` gives them.
        read: Is asked for weak detections, too: the tracker decides about them.
        settings: How the video is read.
        copy: Where to write the video with boxes and labels. They stay until the next analysed frame.

    Yields:
        A step for each frame. Of every stretch of ``every_s``, counted from the start of the video, the
        first frame is analysed.

    Raises:
        VideoError: If the video cannot be read or the copy cannot be written.
    """
    tracker = FaceTracker(half_life_s=settings.half_life_s)
    last_looks_s = deque([0.0, 0.0], maxlen=2)
    weakest = WEAK_SHARE * settings.min_score
    search, read_weak = FrameSearch(), partial(read, min_score=weakest)
    stretch: float | None = None
    shown: list[TrackedFace] = []
    for frame in video:
        moment = None
        before, stretch = stretch, _stretch(frame, settings.every_s)
        if stretch != before:
            # People may move far from one analysed frame to the next, so tracks are kept for two.
            tracker.keep_s = max(KEEP_S, frame.time_s - last_looks_s[0])
            last_looks_s.append(frame.time_s)
            places = tracker.places(frame.time_s)
            found = search.look(read_weak, frame.image, frame.time_s, places)
            shown = tracker.update(found, frame.time_s, min_score=settings.min_score)
            moment = Moment(frame.index, frame.time_s, tuple(shown))
        if copy:
            copy.write(_drawn(frame.image, shown), frame.time_s, frame.duration_s)
        if moment and frame.scale < 1:
            moment = _in_video_pixels(moment, frame)
        yield VideoStep(frame.time_s, moment)


def _stretch(frame: VideoFrame, every_s: float) -> float:
    """Number of the stretch of time that a frame lies in; without any, each frame is one."""
    return (frame.time_s + SLACK_S) // every_s if every_s > SLACK_S else frame.index


def _drawn(image: Image, shown: Sequence[TrackedFace]) -> Image:
    """The frame with what was seen last, under the steady labels that the table has, too."""
    if not shown:
        return image
    return annotate(image, shown)


def _in_video_pixels(moment: Moment, frame: VideoFrame) -> Moment:
    """Boxes and landmarks as if the frame had not been reduced."""
    faces = []
    for tracked in moment.faces:
        face = moved_face(tracked.seen.face, 1 / frame.scale, within=frame.size)
        faces.append(replace(tracked, seen=replace(tracked.seen, face=face)))
    return replace(moment, faces=tuple(faces))
