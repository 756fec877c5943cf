"""What other programs may ask the server, beside ``/analyze`` of the image tab."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr

from emotion import __version__
from emotion.errors import EmotionError, VideoError
from emotion.faces import DEFAULT_DETECTOR, DETECTORS
from emotion.film import FilmSettings, read_film
from emotion.pipeline import EmotionPipeline, check_min_score
from emotion.session import Session, film_dict
from emotion.video import FilmReader
from emotion.web.pipelines import Pipelines

__all__ = ["FILM_QUEUE", "add_analyze_video", "add_health"]

FILM_QUEUE = {"concurrency_limit": 1, "concurrency_id": "film"}
"""One film at a time: reading one keeps two cores busy, and webcams must stay fast. Others wait in line."""


def add_analyze_video(pipelines: Pipelines, detector_name: str = DEFAULT_DETECTOR) -> None:
    """Add the endpoint ``/analyze_video`` to the open ``gr.Blocks``.

    Args:
        pipelines: Of the server.
        detector_name: The detector of those who name none.
    """

    def analyze_video(
        film: str | None,
        detector: str,
        min_score: float | None = None,
        every_s: float | None = 0.0,
    ) -> dict[str, Any]:
        """Follow the faces of a film and sum up which expressions they show, and for how long.

        Args:
            film: The film: mp4, mov, webm, mkv, avi and many more.
            detector: mediapipe or haar.
            min_score: Faces that the detector is less sure of are left out, 0 to 1; null: its default.
            every_s: Seconds between two looks; 0 looks at every frame.

        Returns:
            The JSON object of ``python -m emotion video --json``.
        """
        name = Path(film).name if film else ""
        try:
            if not film:
                raise VideoError("A film is needed. Received: nothing.")
            pipeline, session = pipelines.get(detector), Session.of_film()
            settings = _settings(min_score, every_s, pipeline)
            with FilmReader(Path(film)) as reader:
                for step in read_film(reader, pipeline, settings):
                    if step.moment:
                        session.add(step.moment)
            return film_dict(name, session.summary(), damaged=reader.damaged)
        except EmotionError as error:
            return {"source": name, "error": str(error)}

    # Not to be seen: the video tab has its own fields.
    film = gr.File(visible=False, label="film")
    detector = gr.Dropdown(list(DETECTORS), value=detector_name, visible=False, label="detector")
    min_score = gr.Number(None, visible=False, label="min_score")
    every_s = gr.Number(0.0, visible=False, label="every_s")
    answer = gr.JSON(visible=False, label="summary")
    gr.Button(visible=False).click(
        analyze_video,
        [film, detector, min_score, every_s],
        answer,
        api_name="analyze_video",
        **FILM_QUEUE,
    )


def _settings(
    min_score: float | None, every_s: float | None, pipeline: EmotionPipeline
) -> FilmSettings:
    """What a program asked for, checked; JSON also knows null, and JavaScript sends it for NaN."""
    if every_s is None or not 0.0 <= every_s < float("inf"):
        raise VideoError(f"every_s must be seconds, 0 or more. Received: {json.dumps(every_s)}")
    asked = check_min_score(min_score)
    lowest = pipeline.detector.default_min_score if asked is None else asked
    return FilmSettings(lowest, every_s=every_s)


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
