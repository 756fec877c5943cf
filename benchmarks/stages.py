"""How long each stage of a picture takes, for each detector; part of `python -m benchmarks.bench`."""

from __future__ import annotations

import io
import time
from typing import Any

import numpy as np
from PIL import Image as Pillow

from benchmarks.measured import percentiles
from benchmarks.scenes import Grey, compose
from emotion.classifier import Classifier
from emotion.faces import DEFAULT_DETECTOR, DETECTORS, load_detector
from emotion.faces.orientation import find_faces
from emotion.images import read_image
from emotion.pipeline import EmotionPipeline
from emotion.types import Image

__all__ = ["measure_stages"]

SCENES = {
    "640×480, 1 face": ((640, 480), [200]),
    "640×480, 5 faces": ((640, 480), [110] * 5),
    "640×480, 20 faces": ((640, 480), [52] * 20),
    "12 megapixels, 5 faces": ((4000, 3000), [500] * 5),
}
"""Width and height, and the sides of the faces in pixels."""

SCENES_TRIED = 8

STAGES = ("decode", "detect", "crop", "network", "rest", "whole")


def measure_stages(
    faces: Grey, classifier: Classifier, repeats: int, seed: int
) -> dict[str, dict[str, Any]]:
    """By detector and scene: faces that were found, and median and 95th percentile of each stage.

    ``decode`` is a JPEG's, ``whole`` is the pipeline's call, and ``rest`` what it takes beyond its stages.
    """
    with EmotionPipeline(load_detector(DEFAULT_DETECTOR), classifier) as pipeline:
        scenes = {
            name: _scene(pipeline, faces, sides, size, seed)
            for name, (size, sides) in SCENES.items()
        }
    report: dict[str, dict[str, Any]] = {}
    for detector in DETECTORS:
        with EmotionPipeline(load_detector(detector), classifier) as pipeline:
            report[detector] = {
                name: _measure(pipeline, image, repeats) for name, image in scenes.items()
            }
    return report


def _scene(
    pipeline: EmotionPipeline, faces: Grey, sides: list[int], size: tuple[int, int], seed: int
) -> Image:
    """Of some scenes the one with the most faces found, as some faces of the data set are hard to find."""
    tried = [
        compose(faces, sides, size, np.random.default_rng(seed + number)).image
        for number in range(SCENES_TRIED)
    ]
    return max(tried, key=lambda image: min(len(pipeline(image)), len(sides)))


def _measure(pipeline: EmotionPipeline, image: Image, repeats: int) -> dict[str, Any]:
    encoded = io.BytesIO()
    Pillow.fromarray(image).save(encoded, "JPEG", quality=90)
    data, found = encoded.getvalue(), 0
    times: dict[str, list[float]] = {stage: [] for stage in STAGES}
    for number in range(repeats + 1):
        seconds, found = _once(pipeline, data)
        if number:  # the first one sets up buffers
            for stage in STAGES:
                times[stage].append(seconds[stage])
    return {"found": found} | {stage: percentiles(times[stage]) for stage in STAGES}


def _once(pipeline: EmotionPipeline, data: bytes) -> tuple[dict[str, float], int]:
    clock = [time.perf_counter()]

    def lap() -> float:
        clock.append(time.perf_counter())
        return clock[-1] - clock[-2]

    seconds = {}
    image = read_image(data)
    seconds["decode"] = lap()
    score = pipeline.detector.default_min_score
    found = find_faces(pipeline.detector, image, min_score=score)
    seconds["detect"] = lap()
    crops = [pipeline.crop(image, face) for face in found]
    seconds["crop"] = lap()
    pipeline.classifier.classify(crops, pipeline.prior)
    seconds["network"] = lap()
    analysis = pipeline.analyze(image)
    seconds["whole"] = lap()
    seconds["rest"] = seconds["whole"] - (analysis.detect_ms + analysis.classify_ms) / 1000
    return seconds, len(found)
