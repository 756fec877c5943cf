"""What other programs may ask the server, beside ``/analyze`` of the image tab."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from emotion import __version__
from emotion.errors import EmotionError, VideoError
from emotion.faces import DEFAULT_DETECTOR, DETECTORS
from emotion.images import ACCEPTED
from emotion.pipeline import EmotionPipeline, check_min_score
from emotion.prior import DEFAULT_PRIOR, check_prior
from emotion.results import PictureRecord
from emotion.streams.analyze_video import VideoSettings
from emotion.streams.video_analysis import VideoAnalysis
from emotion.web.callers import caller_is_there
from emotion.web.pipelines import Pipelines
from emotion.web.readings import read_picture
from emotion.web.video_jobs import VideoLine
from emotion.web.widgets import picture_input

__all__ = ["add_analyze", "add_analyze_video", "add_health"]


def add_analyze(pipelines: Pipelines, detector_name: str = DEFAULT_DETECTOR) -> None:
    """Add the endpoint ``/analyze`` to the open ``gr.Blocks``; people see the same through the image tab.

    Args:
        pipelines: Of the server.
        detector_name: The detector of those who name none.
    """

    def analyze(
        picture: str | None,
        detector: str,
        min_score: float | None = None,
        explain: bool = False,
        prior: str | None = None,
    ) -> dict[str, Any]:
        """Find the faces of a picture and read their expression.

        Args:
            picture: The picture.
            detector: mediapipe or haar.
            min_score: Faces that the detector is less sure of are left out, 0 to 1; null: its default.
            explain: Whether to say why, for the twelve largest faces: under `why`, how much hiding each
                part of the face takes from the label's probability, and what eight slightly changed
                views of it are read as.
            prior: How common each expression is in such pictures: natural (everyday ones, the default),
                balanced (posed ones), or a number for each expression: angry=1,disgust=0.5,…

        Returns:
            The JSON object of ``python -m emotion analyze --json``.
        """
        if picture is None:
            return PictureRecord.failed("", f"A picture is needed: {ACCEPTED}.").as_dict()
        try:
            reading, _ = read_picture(
                *(pipelines, picture, detector, check_min_score(min_score)),
                prior=check_prior(prior or None),
                why=explain,
            )
            return reading.as_dict()
        except EmotionError as error:
            return PictureRecord.failed(Path(picture).name, str(error)).as_dict()

    # A picture of its own, as the tab's is emptied; and a number, as a slider has no null.
    picture = picture_input(visible=False, label="picture")
    detector = gr.Dropdown(list(DETECTORS), value=detector_name, visible=False, label="detector")
    min_score = gr.Number(None, visible=False, label="min_score")
    explain = gr.Checkbox(False, visible=False, label="explain")
    prior = gr.Textbox(DEFAULT_PRIOR, visible=False, label="prior")
    answer = gr.JSON(visible=False)
    gr.Button(visible=False).click(
        analyze, [picture, detector, min_score, explain, prior], answer, api_name="analyze"
    )


def add_analyze_video(
    pipelines: Pipelines, line: VideoLine, detector_name: str = DEFAULT_DETECTOR
) -> None:
    """Add the endpoint ``/analyze_video`` to the open ``gr.Blocks``.

    Args:
        pipelines: Of the server.
        line: In which its videos wait for those of the video tab, and the other way round.
        detector_name: The detector of those who name none.
    """

    def analyze_video(
        video: str | None,
        detector: str,
        min_score: float | None = None,
        every_s: float | None = 0.0,
        prior: str | None = None,
    ) -> dict[str, Any]:
        """Follow the faces of a video and sum up which expressions they show, and for how long.

        Args:
            video: The video: mp4, mov, webm, mkv, avi and many more.
            detector: mediapipe or haar.
            min_score: Faces that the detector is less sure of are left out, 0 to 1; null: its default.
            every_s: Seconds between two frames that are read; 0 reads every frame.
            prior: How common each expression is in the video, as for a picture.

        Returns:
            The JSON object of ``python -m emotion video --json``.
        """
        name = Path(video).name if video else ""
        try:
            if not video:
                raise VideoError("A video is needed. Received: nothing.")
            pipeline = pipelines.get(detector).with_prior(check_prior(prior or None))
            path = Path(video)
            settings, is_there = _settings(min_score, every_s, pipeline), caller_is_there()
            return line.wait_for(lambda: _sum_up(path, pipeline, settings, is_there))
        except EmotionError as error:
            return {"source": name, "error": str(error)}

    # Not to be seen: the video tab has its own fields.
    video = gr.File(visible=False, label="video")
    detector = gr.Dropdown(list(DETECTORS), value=detector_name, visible=False, label="detector")
    min_score = gr.Number(None, visible=False, label="min_score")
    every_s = gr.Number(0.0, visible=False, label="every_s")
    prior = gr.Textbox(DEFAULT_PRIOR, visible=False, label="prior")
    answer = gr.JSON(visible=False, label="summary")
    gr.Button(visible=False).click(
        analyze_video,
        [video, detector, min_score, every_s, prior],
        answer,
        api_name="analyze_video",
        concurrency_limit=1,  # the others wait in Gradio's queue, not in a thread each
    )


def _sum_up(
    path: Path, pipeline: EmotionPipeline, settings: VideoSettings, is_there: Callable[[], bool]
) -> dict[str, Any]:
    """Read a video for as long as somebody waits for it."""
    with VideoAnalysis(path, pipeline, settings) as analysis:
        for _ in analysis:
            if not is_there():
                raise VideoError("Nobody waits for this video any more.")
    return analysis.as_dict()


def _settings(
    min_score: float | None, every_s: float | None, pipeline: EmotionPipeline
) -> VideoSettings:
    """What a program asked for, checked; JSON also knows null, and JavaScript sends it for NaN."""
    if every_s is None or not 0.0 <= every_s < float("inf"):
        raise VideoError(f"every_s must be seconds, 0 or more. Received: {json.dumps(every_s)}")
    asked = check_min_score(min_score)
    lowest = pipeline.detector.default_min_score if asked is None else asked
    return VideoSettings(lowest, every_s=every_s)


def add_health(pipelines: Pipelines) -> None:
    """Add the endpoint ``/health`` to the open ``gr.Blocks``."""

    def health() -> dict[str, Any]:
        """Whether the server can read expressions, and with what.

        Returns:
            ``ok``: whether every detector works; ``version``; ``weights``: their name, or null;
            ``detectors``: for each, null if it works, else why it does not.
        """
        faults: dict[str, str | None] = dict.fromkeys(DETECTORS)
        weights: str | None = None
        for name in DETECTORS:
            try:
                weights = pipelines.get(name).classifier.spec.name
            except EmotionError as error:
                faults[name] = str(error)
        return {
            "ok": not any(faults.values()),
            "version": __version__,
            "weights": weights,
            "detectors": faults,
        }

    gr.api(health, api_name="health")
