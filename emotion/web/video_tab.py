"""The video tab: a video goes in; an annotated copy, a table, a timeline and a summary come out."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from emotion.faces import DEFAULT_DETECTOR, DETECTORS
from emotion.prior import check_prior
from emotion.storage.recorder import Origin
from emotion.streams.analyze_video import VideoSettings
from emotion.web.access import guarded, is_token, token_of
from emotion.web.languages import TEXT, words_for
from emotion.web.pipelines import Pipelines
from emotion.web.record_owners import ServerRecords
from emotion.web.scripts import mount_script
from emotion.web.session_report import progress_html
from emotion.web.video_jobs import VideoJob, VideoJobs
from emotion.web.widgets import prior_input, slider

__all__ = ["build_video_tab", "video_routes"]

EVERY_S = {
    "every_frame": 0.0,
    "every_fifth_of_a_second": 0.2,
    "every_second": 1.0,
    "every_five_seconds": 5.0,
}
"""Name of the words for each choice, and its seconds from frame to frame."""

EVENTS = ["begin", "results"]
"""Events that the panel's script triggers in Gradio, which reads their names from the script."""

Results = tuple[Any, Any, Any]


def _kept_in(records: ServerRecords) -> str:
    return f"{TEXT('video_record_info')} {records.recorder.database.place}."


def build_video_tab(
    pipelines: Pipelines,
    jobs: VideoJobs,
    detector_name: str = DEFAULT_DETECTOR,
    records: ServerRecords | None = None,
) -> None:
    """Add the contents of the tab to the open ``gr.Tab``. Its panel asks :func:`video_routes`.

    Args:
        pipelines: Of the server.
        jobs: Of the server.
        detector_name: The detector that is chosen at first.
        records: Where videos are recorded if their viewers ask for it.
    """

    # The file is handed over by Gradio, which knows what this viewer uploaded; all else goes by the token.
    def on_begin(
        path: str | None,
        detector: str,
        min_score: float,
        every_s: float,
        prior: str,
        record: bool,
        event: gr.EventData,
        request: gr.Request,
    ) -> tuple[Any, ...]:
        token = event._data.get("token")
        if is_token(token):
            settings = VideoSettings(min_score, every_s=every_s)
            video = Path(path) if path else None
            job = VideoJob(
                *(video, settings),
                lambda: pipelines.get(detector).with_prior(check_prior(prior)),
                words_for(request),
            )
            if record and records and video:
                owner = records.owner(request.username, event._data.get("browser"))
                job.record = lambda pipeline: records.recorder.start(
                    Origin.of(pipeline, owner, "video", video.name)
                )
            jobs.begin((request.username, token), job)
        return token, *_no_results()

    def on_results(event: gr.EventData, request: gr.Request) -> Results:
        job = jobs.get((request.username, event._data.get("token")))
        if job is None or job.copy is None:
            return _no_results()
        table = gr.DownloadButton(value=str(job.table), interactive=True)
        return str(job.copy), table, job.report

    with gr.Row():
        with gr.Column(min_width=320):
            video = gr.File(label=TEXT("video_file"), elem_id="video", height=180)
            with gr.Row(elem_id="video-settings"):
                detector = gr.Dropdown(
                    [(title, name) for name, title in DETECTORS.items()],
                    value=detector_name,
                    label=TEXT("detector"),
                )
                min_score = slider(
                    0.05,
                    1,
                    pipelines.default_score(detector_name),
                    step=0.05,
                    label=TEXT("min_score"),
                )
                every = gr.Dropdown(
                    [(TEXT(name), seconds) for name, seconds in EVERY_S.items()],
                    value=0.0,
                    label=TEXT("video_every"),
                    info=TEXT("video_every_info"),
                )
                prior = prior_input()
            record = gr.Checkbox(
                False,
                label=TEXT("video_record"),
                info=_kept_in(records) if records else None,
                visible=records is not None,
                elem_id="video-record",
            )
            panel = gr.HTML(
                elem_id="video-progress",
                html_template="<div></div>",
                apply_default_css=False,
                js_on_load=mount_script("video.js", "mountVideo", events=EVENTS),
            )
        with gr.Column(min_width=320):
            copy = gr.Video(
                label=TEXT("video_copy"), interactive=False, height=360, elem_id="video-copy"
            )
            table = gr.DownloadButton(TEXT("download_csv"), interactive=False, elem_id="video-csv")
    report = gr.HTML(elem_id="video-report", apply_default_css=False)

    direct = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    results = [copy, table, report]
    panel.begin(
        on_begin,
        [video, detector, min_score, every, prior, record],
        [panel, *results],
        trigger_mode="multiple",
        **direct,
    )
    panel.results(on_results, None, results, trigger_mode="multiple", **direct)
    detector.input(
        pipelines.default_score, detector, min_score, trigger_mode="always_last", **direct
    )


def video_routes(jobs: VideoJobs) -> list[BaseRoute]:
    """What the video tab asks while a video is read: ``GET /video/job``, and ``DELETE`` to cancel it."""

    async def state(request: Request) -> Response:
        key = token_of(request)
        job = jobs.get(key) if key else None
        if job is None:
            return JSONResponse({"known": False})
        now = job.progress
        html = progress_html(
            now.text, now.share, words=job.words, problem=now.problem, aloud=now.aloud
        )
        answer = {"known": True, "html": html, "ended": now.ended, "done": job.copy is not None}
        return JSONResponse(answer)

    async def cancel(request: Request) -> Response:
        key = token_of(request)
        job = jobs.get(key) if key else None
        if job:
            job.stop()
        return JSONResponse({"known": job is not None}, HTTPStatus.ACCEPTED)

    return [
        Route("/video/job", guarded(state)),
        Route("/video/job", guarded(cancel), methods=["DELETE"]),
    ]


def _no_results() -> Results:
    return None, gr.DownloadButton(value=None, interactive=False), ""
