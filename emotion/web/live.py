"""What the server does with a viewer's webcam frames: read, follow, answer in numbers, forget.

A frame comes as text inside the request, is decoded in memory and dropped with the request: it never
becomes a file. The answer is JSON of a few hundred bytes, which the browser draws.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from PIL import Image as PillowImage

from emotion.errors import EmotionError, ImageError
from emotion.pipeline import Analysis, EmotionPipeline
from emotion.regions import moved_face, reduced
from emotion.session import Session, crowd
from emotion.timeline import Timeline
from emotion.tracking import WEAK_SHARE, FaceTracker, Moment, TrackedFace
from emotion.types import Image

__all__ = ["LiveReader", "LiveSettings", "Viewer", "decode_frame"]

MAX_SIDE = 1280
"""Longest side of a frame that is accepted; our own page sends at most 512. Decoding a frame costs as much
as finding a face in it, and a face of a tenth of that width still fills the 48 pixels of the network."""

WORKING_SIDE = {"haar": 240}
"""Longest side of what a detector is given live. Haar needs time for every pixel: 240×180 take it 17 ms a
frame on two cores that a browser shares, 360×270 took 32 to 50 (``benchmarks/webcam.py``). It finds faces
from a tenth of the picture's width on."""

WORKERS = max(os.cpu_count() or 1, 2)
"""Frames read at the same time. More than there are cores would make every one of them late."""

WAIT_S = 1.0
"""How long a frame may wait for its turn before the viewer is told that the server is busy."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """What a viewer may change while the camera runs.

    Attributes:
        detector: A key of ``emotion.faces.DETECTORS``.
        min_score: Score from which a find counts as a face (0–1).
        half_life_s: Smoothing: seconds after which a frame counts half.
    """

    detector: str
    min_score: float
    half_life_s: float


class Viewer:
    """The state of one viewer, from one press of Start to the next. Holds no pictures.

    Attributes:
        lock: Held while the session changes, and to be held while it is read: requests of one viewer may
            run at the same time, for instance a download while the camera runs.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._restart(number=0)

    def __deepcopy__(self, _: object) -> Viewer:
        """Gradio gives each browser a copy of the one that the page was built with; it begins anew."""
        return Viewer()

    def _restart(self, number: int) -> None:
        """Begin a new session, under the browser's number for it."""
        self.number = number
        self.frames = 0
        self.time_s = 0.0
        self.tracker = FaceTracker()
        self.session = Session()
        self.timeline = Timeline()

    def follow(
        self, analysis: Analysis, time_s: float, settings: LiveSettings, *, session: int
    ) -> Moment:
        """Take over what the pipeline found in the next frame; a higher session number begins anew."""
        with self.lock:
            if session < self.number:  # late: its answer is no longer awaited
                return Moment(self.frames, self.time_s, ())
            if session > self.number:
                self._restart(session)
            # The clock is the viewer's: it must be a number and may not run backwards.
            self.time_s = max(self.time_s, time_s if math.isfinite(time_s) else 0.0)
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
    """

    def __init__(self, pipeline_of: Callable[[str], EmotionPipeline]) -> None:
        self._pipeline_of = pipeline_of
        self._turns = threading.BoundedSemaphore(WORKERS)

    def answer(self, viewer: Viewer, frame: Mapping[str, Any], settings: LiveSettings) -> str:
        """Read one frame.

        Args:
            viewer: Whose frame it is; changed by this call.
            frame: From the browser: ``run`` and ``n`` (numbers that are sent back), ``session`` (a higher
                number starts a new one), ``time_s`` (seconds since Start) and ``image`` (a JPEG as data URL).
            settings: What the viewer has chosen.

        Returns:
            JSON: ``run``, ``n`` and either the faces with the times taken, or ``error``, or ``busy``.
        """
        ticket = {"run": frame.get("run"), "n": frame.get("n")}
        try:
            return json.dumps({**ticket, **self._read(viewer, frame, settings)})
        except EmotionError as error:
            return json.dumps({**ticket, "error": str(error)})
        except Exception:
            log.exception("A webcam frame could not be read")
            return json.dumps({**ticket, "error": "This frame could not be read. Going on."})

    def _read(
        self, viewer: Viewer, frame: Mapping[str, Any], settings: LiveSettings
    ) -> dict[str, Any]:
        if not self._turns.acquire(timeout=WAIT_S):
            return {"busy": True}
        begin = time.perf_counter()
        try:
            image = decode_frame(str(frame.get("image", "")))
            analysis = self._analyze(image, settings)
        finally:
            self._turns.release()
        # After the turn: who has to wait for this viewer's lock must not keep the others waiting.
        session, time_s = int(frame.get("session", 0)), float(frame.get("time_s", 0.0))
        moment = viewer.follow(analysis, time_s, settings, session=session)
        mood = crowd(moment.faces)
        return {
            "width": image.shape[1],
            "height": image.shape[0],
            "faces": [_face(face) for face in moment.faces],
            "mood": [round(p, 4) for p in mood.probabilities] if mood else None,
            "detect_ms": round(analysis.detect_ms, 2),
            "classify_ms": round(analysis.classify_ms, 2),
            "server_ms": round((time.perf_counter() - begin) * 1000, 2),
        }

    def _analyze(self, image: Image, settings: LiveSettings) -> Analysis:
        side = WORKING_SIDE.get(settings.detector, MAX_SIDE)
        small, scale = reduced(image, side)
        analysis = self._pipeline_of(settings.detector).analyze(
            small, min_score=WEAK_SHARE * settings.min_score
        )
        if scale == 1:
            return analysis
        whole = (image.shape[1], image.shape[0])
        faces = tuple(
            replace(face, face=moved_face(face.face, 1 / scale, within=whole))
            for face in analysis.faces
        )
        return replace(analysis, faces=faces)


def decode_frame(data_url: str) -> Image:
    """A webcam frame as an array.

    Args:
        data_url: ``data:image/jpeg;base64,…``

    Returns:
        Shape (H, W, 3), uint8, RGB.

    Raises:
        ImageError: If it is not a JPEG of a sensible size.
    """
    prefix, _, text = data_url.partition(",")
    if prefix != "data:image/jpeg;base64":
        raise ImageError(f"A webcam frame must be a JPEG data URL. Received: {prefix[:40]!r}…")
    try:
        data = base64.b64decode(text, validate=True)
        # Pillow reads the size from the header, so a bomb is refused before anything is unpacked.
        with PillowImage.open(io.BytesIO(data), formats=("JPEG",)) as header:
            width, height = header.size
    except (binascii.Error, OSError, ValueError) as error:
        raise ImageError("A webcam frame arrived damaged. Going on with the next one.") from error
    if max(width, height) > MAX_SIDE:
        raise ImageError(
            f"A webcam frame must not be larger than {MAX_SIDE} pixels. Received: {width}×{height}."
        )
    pixels = np.frombuffer(data, np.uint8)
    image = cv2.imdecode(pixels, cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise ImageError("A webcam frame arrived damaged. Going on with the next one.")
    return np.asarray(image, dtype=np.uint8)


def _face(face: TrackedFace) -> dict[str, Any]:
    box = face.seen.face.box
    return {
        "id": face.track_id,
        "box": [box.x1, box.y1, box.x2, box.y2],
        "score": round(face.seen.face.score, 3),
        "label": face.label,
        "confidence": round(face.confidence, 4),
        "probabilities": [round(p, 4) for p in face.seen.prediction.probabilities],
    }
