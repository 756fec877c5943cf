"""MediaPipe's face detector (BlazeFace, short range): fast, with landmarks.

The network looks at 128×128 pixels and finds faces from about a seventh of that side on. A picture up to
:data:`WHOLE_SIDE` pixels, such as a webcam frame, is looked at once. A larger one is looked at through
overlapping windows as well (:mod:`emotion.faces.pyramid`), so that the faces of a group are found: from
about 40 pixels wide in a picture of up to 3,072 pixels, and in proportion in a larger one.

MediaPipe: https://ai.google.dev/edge/mediapipe/solutions/vision/face_detector
BlazeFace: Bazarevsky et al. 2019, https://arxiv.org/abs/1907.05047
"""

from __future__ import annotations

import sys
import threading
import types
import weakref
from dataclasses import replace
from typing import Any

import numpy as np

from emotion.errors import DetectorError
from emotion.faces.model_files import read_model
from emotion.faces.pyramid import View, close_up, suppress, whole, windows
from emotion.preprocess import Framing
from emotion.types import BoundingBox, Face, Image, check_image

__all__ = ["MediaPipeDetector", "create"]

MODEL = "face_detection_short_range.tflite"
MODEL_SHA256 = "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8"

WHOLE_SIDE = 640
"""Pictures with no longer side than this are looked at once, which takes about 2 ms."""
LOWEST_SCORE = 0.3
"""Finds under this are dropped at once; a caller's minimum score works above it."""
SURE_SCORE = 0.75
"""A find in a single view is taken as it is from this score on; mistaken ones score 0.5 to 0.6."""
MOST_CANDIDATES = 1000
"""Faces looked at again from close up: bounds the time that a picture of a crowd takes."""
SAME_PLACE = 0.4
"""Intersection over union above which a box in the close-up is the face that was looked for."""


def create() -> MediaPipeDetector:
    """Load the detector. Call ``close()`` on it after use.

    Raises:
        DetectorError: If MediaPipe is not installed or cannot start, or the model file is damaged.
    """
    return MediaPipeDetector()


class MediaPipeDetector:
    """See :class:`emotion.faces.FaceDetector`."""

    name = "mediapipe"
    framing = Framing()  # no other one is better by more than chance: benchmarks/framing.py
    default_min_score = 0.5

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._task: Any = None
        self._start()

    def detect(self, image: Image) -> list[Face]:
        """See :meth:`emotion.faces.FaceDetector.detect`; gives six landmarks for each face."""
        image = check_image(image)
        faces = self._look(*whole(image, WHOLE_SIDE))
        sure = []
        if max(image.shape[:2]) > WHOLE_SIDE:
            for window in windows(image):
                faces += self._look(*window)
        else:
            sure = [face for face in faces if face.score >= SURE_SCORE]
        # Hundreds of windows are hundreds of chances to err, so every find in them has to stand a closer
        # look, which also makes its box truer. In a single view only the doubtful ones have to.
        doubtful = suppress([face for face in faces if face not in sure])[:MOST_CANDIDATES]
        return suppress(
            sure + [near for face in doubtful for near in self._look_again(image, face)]
        )

    def _look(self, pixels: Image, view: View) -> list[Face]:
        found = (_to_face(detection, view) for detection in self._run(pixels))
        return [face for face in found if face is not None]

    def _look_again(self, image: Image, face: Face) -> list[Face]:
        """The same face as seen from close up, straight and in a mirror; empty if it is not seen there.

        The score is the product of both looks: at 0.5 that told 95 of 100 small faces from every one of
        about 100 false finds in pictures without faces, where one look's score mixes them up.
        """
        pixels, view = close_up(image, face.box)
        for near in self._look(pixels, view):
            if near.box.iou(face.box) > SAME_PLACE:
                for mirrored in self._look(pixels[:, ::-1], view):
                    if view.mirrored(mirrored.box).iou(near.box) > SAME_PLACE:
                        return [replace(near, score=near.score * mirrored.score)]
        return []

    def close(self) -> None:
        """See :meth:`emotion.faces.FaceDetector.close`."""
        with self._lock:
            if self._task is not None:
                self._task = None
                self._release()

    def _start(self) -> None:
        """Make the task and see to it that it is closed.

        A task that nobody closed can deadlock when the garbage collector finds it in a cycle, together
        with the thread that its closing waits for. The finaliser's reference keeps it out of any cycle.
        """
        self._task = _make_task(read_model(MODEL, MODEL_SHA256))
        self._release = weakref.finalize(self, _close, self._task)

    def _run(self, pixels: Image) -> list[Any]:
        """MediaPipe's detections. A task is broken for good after one failure, so a new one tries again."""
        import mediapipe

        for attempt in ("first", "second"):
            task = self._task
            if task is None:
                raise DetectorError("The MediaPipe detector was closed; load a new one.")
            try:
                data = np.ascontiguousarray(pixels)
                frame = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=data)
                return list(task.detect(frame).detections)
            except Exception as error:  # whatever the foreign library raises
                self._replace(task)
                if attempt == "second":
                    raise DetectorError(f"MediaPipe failed on this picture: {error}") from error
        return []

    def _replace(self, broken: Any) -> None:
        """Start a new task, unless another thread did already or the detector was closed."""
        with self._lock:
            if self._task is broken:
                self._release()
                self._start()


def _make_task(model: bytes) -> Any:
    try:
        _spare_tensorflow()
        from mediapipe.tasks.python.core.base_options import BaseOptions
        from mediapipe.tasks.python.vision import FaceDetector, FaceDetectorOptions

        return FaceDetector.create_from_options(
            FaceDetectorOptions(
                base_options=BaseOptions(model_asset_buffer=model),
                min_detection_confidence=LOWEST_SCORE,
            )
        )
    except ImportError as error:
        raise DetectorError(
            f"The mediapipe detector needs MediaPipe, which cannot be imported ({error}). "
            "Install it: pip install -r requirements.txt, or choose the detector haar."
        ) from error
    except (RuntimeError, ValueError, OSError) as error:
        raise DetectorError(
            f"MediaPipe cannot start on this machine: {error}. Choose the detector haar."
        ) from error


def _close(task: Any) -> None:
    try:
        task.close()
    except (RuntimeError, ValueError):
        # It failed before and says so again; or the interpreter is ending and has stopped its thread.
        # Without its handle the task does not try again, and complain, when it is collected.
        task._handle = None


def _spare_tensorflow() -> None:
    """Keep MediaPipe from importing TensorFlow, which it wants for nothing but its own documentation.

    That import takes seconds and hundreds of megabytes. The stand-in is what the module of this name
    defines for itself where TensorFlow is not installed.
    """
    name = "mediapipe.tasks.python.core.optional_dependencies"
    if name not in sys.modules:
        module: Any = types.ModuleType(name)
        module.doc_controls = types.SimpleNamespace(do_not_generate_docs=lambda thing: thing)
        sys.modules[name] = module


def _to_face(detection: Any, view: View) -> Face | None:
    """A detection in a view as a face of the picture; None if it is cut off or outside."""
    box = detection.bounding_box
    first = view.to_picture(box.origin_x, box.origin_y)
    last = view.to_picture(box.origin_x + box.width, box.origin_y + box.height)
    x1, y1 = max(round(first.x), 0), max(round(first.y), 0)
    x2, y2 = min(round(last.x), view.picture[0]), min(round(last.y), view.picture[1])
    if view.cuts(first, last) or x1 >= x2 or y1 >= y2:
        return None
    width, height = view.size
    return Face(
        BoundingBox(x1, y1, x2, y2),
        min(max(float(detection.categories[0].score), 0.0), 1.0),
        tuple(view.to_picture(p.x * width, p.y * height) for p in detection.keypoints or ()),
    )
