"""What the server does with a viewer's webcam frames: read, follow, answer in numbers, forget.

A frame is a JPEG in the body of a request, is decoded in memory and dropped with the request: it never
becomes a file. The answer is JSON of a few hundred bytes, which the browser draws.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from emotion.errors import EmotionError
from emotion.faces import DETECTORS
from emotion.moments import Moment
from emotion.pipeline import Analysis, EmotionPipeline, check_min_score
from emotion.prior import DEFAULT_PRIOR, PriorChoice, check_prior
from emotion.results import face_dict
from emotion.streams.frame_search import FrameSearch
from emotion.streams.session import Session, mean_prediction
from emotion.streams.timeline import Timeline
from emotion.streams.tracking import WEAK_SHARE, FaceTracker
from emotion.types import FaceEmotion, Image
from emotion.web.frames import decode_frame
from emotion.web.turns import Seat, Turns

__all__ = ["LiveFrame", "LiveReader", "LiveSettings", "Viewer"]


BUSY_MS = 250.0
"""A frame that waits for longer is answered with "busy": its viewer gets less
than four frames a second."""

LOOKS_BETWEEN = 9
"""Frames between two searches for small and turned faces, at least: a search costs as much as several
plain passes, and at one frame a second, which thirty viewers get, every frame would be searched."""

LONGEST_HALF_LIFE_S = 10.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """What a viewer may change while the camera runs.

    Attributes:
        detector: A key of ``emotion.faces.DETECTORS``.
        min_score: Score from which a detection counts as a face (0–1).
        half_life_s: Smoothing: seconds after which a frame counts half.
        prior: How common each expression is; from :func:`emotion.prior.check_prior`.
    """

    detector: str
    min_score: float
    half_life_s: float
    prior: PriorChoice = DEFAULT_PRIOR

    @classmethod
    def of(cls, query: Mapping[str, str]) -> LiveSettings:
        """The settings in the address of a request.

        Raises:
            EmotionError: If one is missing or is not what it must be.
        """
        detector = query.get("detector", "")
        if detector not in DETECTORS:
            raise EmotionError(
                f"detector must be one of {', '.join(DETECTORS)}. Received: {detector!r}."
            )
        score = check_min_score(_number(query, "min_score"))
        half_life_s = _number(query, "half_life_s")
        assert score is not None
        half_life_s = min(max(half_life_s, 0.0), LONGEST_HALF_LIFE_S)
        return cls(detector, score, half_life_s, check_prior(query.get("prior")))


@dataclass(frozen=True, slots=True)
class LiveFrame:
    """A frame on its way through the server.

    Attributes:
        jpeg: The picture.
        number: The browser's count of its starts and, within one, of its frames. Higher is newer.
        time_s: Seconds of the session, by the browser's clock.
    """

    jpeg: bytes
    number: tuple[int, int]
    time_s: float


class Viewer:
    """The state of one viewer, from one press of Start to the next. Holds no pictures.

    Attributes:
        seat: The viewer's place among all viewers.
        lock: Held while the session changes, and to be held while it is read: a download may be asked for
            while the camera runs.
    """

    def __init__(self) -> None:
        self.seat = Seat()
        self.lock = threading.Lock()
        self.newest = (0, 0)
        self.frames = 0
        self.time_s = 0.0
        self.tracker = FaceTracker()
        self.search = FrameSearch(looks_between=LOOKS_BETWEEN)
        self.session = Session()
        self.timeline = Timeline()

    def later(self, time_s: float) -> float:
        """The time of the next frame: the clock is the browser's, so it may be nonsense or run backwards."""
        return max(self.time_s, time_s if math.isfinite(time_s) else 0.0)

    def follow(self, analysis: Analysis, time_s: float, settings: LiveSettings) -> Moment:
        """Take over what the pipeline found in the next frame."""
        with self.lock:
            self.time_s = self.later(time_s)
            self.tracker.half_life_s = settings.half_life_s
            faces = self.tracker.update(analysis.faces, self.time_s, min_score=settings.min_score)
            moment = Moment(self.frames, self.time_s, tuple(faces))
            self.frames += 1
            self.session.add(moment)
            self.timeline.add(self.time_s, faces)
            return moment


class LiveReader:
    """Answers webcam frames of all viewers. Never raises: an error in one frame must not end a stream.

    Args:
        pipeline_of: Gives the shared pipeline of a detector.
        on_moment: Is told of every moment of every viewer, once and in order. Runs in a worker's thread
            and adds to the time of the frame, so it must be quick.
    """

    def __init__(
        self,
        pipeline_of: Callable[[str], EmotionPipeline],
        on_moment: Callable[[Viewer, Moment], None] = lambda viewer, moment: None,
    ) -> None:
        self._pipeline_of = pipeline_of
        self._on_moment = on_moment
        self._turns = Turns()

    async def answer(
        self, viewer: Viewer, frame: LiveFrame, settings: LiveSettings
    ) -> dict[str, Any]:
        """Read one frame when the viewer's turn comes.

        Args:
            viewer: Whose frame it is; changed by this call.
            frame: The frame.
            settings: What the viewer has chosen.

        Returns:
            Ready for JSON: the faces with the times taken; or ``error``; or ``passed``: true for a frame
            that a newer one overtook, with ``elsewhere``: true if that one came from a later start.
        """
        arrived = time.perf_counter()

        def work() -> dict[str, Any]:
            wait_ms = (time.perf_counter() - arrived) * 1000
            try:
                return self._read(viewer, frame, settings, wait_ms)
            except EmotionError as error:
                return {"error": str(error)}
            except Exception:
                log.exception("A webcam frame could not be read")
                return {"error": "This frame could not be read. Going on."}

        return await self._turns.take(viewer.seat, work) or {"passed": True}

    def _read(
        self, viewer: Viewer, frame: LiveFrame, settings: LiveSettings, wait_ms: float
    ) -> dict[str, Any]:
        """Read a frame; of one viewer, one at a time."""
        if frame.number <= viewer.newest:
            return {"passed": True, "elsewhere": frame.number[0] < viewer.newest[0]}
        viewer.newest = frame.number
        begin = time.perf_counter()
        image = decode_frame(frame.jpeg)
        time_s = viewer.later(frame.time_s)
        analysis = self._analyze(viewer, image, time_s, settings)
        moment = viewer.follow(analysis, time_s, settings)
        self._on_moment(viewer, moment)
        mean = mean_prediction(moment.faces)
        return {
            "frame": moment.frame,
            "width": image.shape[1],
            "height": image.shape[0],
            "faces": [face_dict(face) for face in moment.faces],
            "mean": [round(p, 4) for p in mean.probabilities] if mean else None,
            "busy": wait_ms > BUSY_MS,
            "wait_ms": round(wait_ms, 2),
            "detect_ms": round(analysis.detect_ms, 2),
            "classify_ms": round(analysis.classify_ms, 2),
            "server_ms": round((time.perf_counter() - begin) * 1000, 2),
        }

    def _analyze(
        self, viewer: Viewer, image: Image, time_s: float, settings: LiveSettings
    ) -> Analysis:
        """Find and read the faces of a frame; the times are the sums over all passes of the detector."""
        pipeline, passes = self._pipeline_of(settings.detector), list[Analysis]()
        weakest = WEAK_SHARE * settings.min_score

        def read(part: Image, *, thorough: bool, turns: int) -> tuple[FaceEmotion, ...]:
            passes.append(
                pipeline.analyze(
                    *(part,),
                    min_score=weakest,
                    thorough=thorough,
                    turns=turns,
                    prior=settings.prior,
                )
            )
            return passes[-1].faces

        places = viewer.tracker.places(time_s)
        faces = viewer.search.look(read, image, time_s, places)
        return Analysis(
            tuple(faces),
            detect_ms=sum(one.detect_ms for one in passes),
            classify_ms=sum(one.classify_ms for one in passes),
        )


def _number(query: Mapping[str, str], name: str) -> float:
    try:
        value = float(query.get(name, ""))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise EmotionError(f"{name} must be a number. Received: {query.get(name)!r}.")
    return value
