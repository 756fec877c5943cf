"""What the server answers to webcam frames, sensible and not."""

from __future__ import annotations

import asyncio
import base64
import io
import itertools
import json
import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from gradio.state_holder import StateHolder
from PIL import Image as Pillow

from emotion.errors import DetectorError, ImageError
from emotion.faces import DEFAULT_DETECTOR
from emotion.images import read_image
from emotion.pipeline import Analysis, EmotionPipeline
from emotion.tracking import Moment
from emotion.types import BoundingBox, Emotion, Face, FaceEmotion, Prediction
from emotion.web import live, webcam_tab
from emotion.web.live import LiveReader, LiveSettings, Viewer, decode_frame
from emotion.web.pipelines import Pipelines
from emotion.web.webcam_tab import build_webcam_tab, report
from tests.test_session import face

SETTINGS = LiveSettings(DEFAULT_DETECTOR, min_score=0.5, half_life_s=0.3)


def data_url(image: Any, format_name: str = "jpeg") -> str:
    file = io.BytesIO()
    Pillow.fromarray(image).save(file, format_name, quality=90)
    text = base64.b64encode(file.getvalue()).decode()
    return f"data:image/{format_name};base64,{text}"


@pytest.fixture(scope="module")
def pipeline() -> Iterator[EmotionPipeline]:
    with EmotionPipeline.load() as shared:
        yield shared


@pytest.fixture(scope="module")
def reader(pipeline: EmotionPipeline) -> LiveReader:
    return LiveReader(lambda _: pipeline)


@pytest.fixture(scope="module")
def frame(portrait: Path) -> dict[str, Any]:
    picture = Pillow.fromarray(read_image(portrait)).resize((480, 480))
    return {"run": 1, "session": 1, "n": 7, "time_s": 0.5, "image": data_url(np.asarray(picture))}


def ask(reader: LiveReader, viewer: Viewer, frame: dict[str, Any], **changes: Any) -> Any:
    return json.loads(reader.answer(viewer, {**frame, **changes}, SETTINGS))


def test_an_answer_holds_what_the_browser_draws(reader: LiveReader, frame: dict[str, Any]) -> None:
    reply = ask(reader, Viewer(), frame)
    assert (reply["run"], reply["n"], reply["width"], reply["height"]) == (1, 7, 480, 480)
    (face,) = reply["faces"]
    assert face["id"] == 1
    assert face["label"] in set(Emotion)
    assert face["confidence"] == pytest.approx(max(face["probabilities"]))
    assert reply["mood"] == face["probabilities"]
    assert 0 < reply["detect_ms"] + reply["classify_ms"] < reply["server_ms"]


def test_a_new_start_is_a_new_session(reader: LiveReader, frame: dict[str, Any]) -> None:
    viewer = Viewer()
    for number in range(3):
        ask(reader, viewer, frame, time_s=number / 10)
    assert viewer.session.summary().frames == 3
    ask(reader, viewer, frame, run=2, time_s=0.4)
    assert viewer.session.summary().frames == 4, "another camera, the same session"
    ask(reader, viewer, frame, run=3, session=2, time_s=0.0)
    assert viewer.session.summary().frames == 1
    ask(reader, viewer, frame, run=2, session=1, time_s=0.4)
    ask(reader, viewer, frame, run=3, session=2, time_s=0.1)
    assert viewer.session.summary().frames == 2, (
        "a late frame of the last session begins no new one"
    )


@pytest.mark.parametrize("time_s", [math.nan, math.inf, -5.0, "soon", None])
def test_a_clock_that_is_wrong_does_no_harm(
    reader: LiveReader, frame: dict[str, Any], time_s: Any
) -> None:
    viewer = Viewer()
    ask(reader, viewer, frame, time_s=1.0)
    ask(reader, viewer, frame, time_s=time_s)
    reply = ask(reader, viewer, frame, time_s=1.5)
    assert reply["faces"][0]["id"] == 1
    assert viewer.time_s == 1.5


def test_a_clock_far_ahead_costs_no_memory(reader: LiveReader, frame: dict[str, Any]) -> None:
    viewer = Viewer()
    ask(reader, viewer, frame, time_s=1e15)
    assert len(viewer.timeline.crowd()) == 1


@pytest.mark.parametrize(
    "image",
    [
        "",
        "data:image/jpeg;base64,",
        "data:image/jpeg;base64,!!!",
        "data:image/jpeg;base64,aGFsbG8=",
    ],
)
def test_a_damaged_frame_gets_a_sentence(
    reader: LiveReader, frame: dict[str, Any], image: str
) -> None:
    viewer = Viewer()
    assert "frame" in ask(reader, viewer, frame, image=image)["error"]
    assert ask(reader, viewer, frame)["faces"]


def test_other_formats_and_bombs_are_refused() -> None:
    with pytest.raises(ImageError, match="JPEG"):
        decode_frame(data_url(np.zeros((8, 8, 3), np.uint8), "png"))
    with pytest.raises(ImageError, match="larger than"):
        decode_frame(data_url(np.zeros((2000, 2000, 3), np.uint8)))


def test_colours_arrive_as_rgb() -> None:
    red = np.zeros((32, 48, 3), np.uint8)
    red[..., 0] = 255
    image = decode_frame(data_url(red))
    assert image.shape == (32, 48, 3)
    assert image[16, 24, 0] > 240
    assert image[16, 24, 2] < 15


def test_a_detector_that_is_missing_is_named(frame: dict[str, Any]) -> None:
    def missing(_: str) -> EmotionPipeline:
        raise DetectorError("MediaPipe is not installed.")

    assert ask(LiveReader(missing), Viewer(), frame)["error"] == "MediaPipe is not installed."


def test_an_unforeseen_error_is_logged_without_the_frame(
    frame: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: str) -> EmotionPipeline:
        raise RuntimeError("out of luck")

    reply = ask(LiveReader(broken), Viewer(), frame)
    assert "could not be read" in reply["error"]
    assert "out of luck" in caplog.text
    assert frame["image"][30:60] not in caplog.text


def test_a_busy_server_says_so(
    reader: LiveReader, frame: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "WAIT_S", 0.01)
    for _ in range(live.WORKERS):
        reader._turns.acquire()
    assert ask(reader, Viewer(), frame) == {"run": 1, "n": 7, "busy": True}
    for _ in range(live.WORKERS):
        reader._turns.release()
    assert "faces" in ask(reader, Viewer(), frame)


@pytest.mark.parametrize("what", ["csv", "json", "summary"])
def test_a_session_is_written_while_the_camera_runs(what: str) -> None:
    """Long enough for the other thread to get its turn in between; each frame shows another person."""
    viewer, done, problems = Viewer(), threading.Event(), list[BaseException]()
    for number in range(1, 1500):
        viewer.session.add(Moment(number, number / 10, (face(number),)))
    viewer.time_s = 150.0

    def film(offset: int) -> None:
        try:
            for number in itertools.count():
                place = BoundingBox(number * 1000 + offset, 0, number * 1000 + offset + 9, 9)
                seen = FaceEmotion(Face(place, 0.9), Prediction((1 / 7,) * 7))
                time_s = viewer.time_s + 0.2
                viewer.follow(Analysis((seen,), 0.0, 0.0), time_s, SETTINGS, session=0)
                if done.is_set():
                    return
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=film, args=[offset]) for offset in (0, 500)]
    for thread in threads:
        thread.start()
    try:
        assert report(viewer, what)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert problems == []


def test_a_viewers_session_is_dropped_after_the_last_frame(
    frame: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gradio drops a state that was written once its time is over, here at once; the browser gets none."""
    monkeypatch.setattr(webcam_tab, "FORGET_AFTER_S", -1)
    holder = StateHolder()

    # Gradio leaves event loops behind where none is running while a page is built.
    async def send(frames: int) -> list[Any]:
        with gr.Blocks() as page:
            build_webcam_tab(Pipelines(None, "litert"), "haar")
        [on_frame] = [call for call in page.fns.values() if call.name == "on_frame"]
        holder.set_blocks(page)
        event = {"state": holder["browser"], "event_data": gr.EventData(None, frame)}
        inputs = [None, "haar", 0.5, 0.3]
        return [(await page.process_api(on_frame, inputs, **event))["data"] for _ in range(frames)]

    answers = asyncio.run(send(2))
    assert [(json.loads(text)["n"], other) for text, other in answers] == [(7, None), (7, None)]
    kept = holder["browser"].state_data
    [viewer] = [value for value in kept.values() if isinstance(value, Viewer)]
    assert viewer.frames == 2, "the same viewer, not a copy"
    holder.delete_all_expired_state()
    assert not [value for value in kept.values() if isinstance(value, Viewer)]
