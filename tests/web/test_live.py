"""What the server answers to webcam frames, sensible and not."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import math
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from support.tracked_faces import face

from emotion.errors import DetectorError, EmotionError, ImageError
from emotion.faces import DEFAULT_DETECTOR
from emotion.images import read_image
from emotion.moments import Moment
from emotion.pipeline import Analysis, EmotionPipeline
from emotion.types import BoundingBox, Emotion, Face, FaceEmotion, Prediction
from emotion.web import live
from emotion.web.frames import decode_frame
from emotion.web.languages import words_for
from emotion.web.live import LiveFrame, LiveReader, LiveSettings, Viewer
from emotion.web.live_routes import session_report

SETTINGS = LiveSettings(DEFAULT_DETECTOR, min_score=0.5, half_life_s=0.3)


def encoded(image: Any, format_name: str = "jpeg") -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(image).save(file, format_name, quality=90)
    return file.getvalue()


@pytest.fixture(scope="module")
def pipeline() -> Iterator[EmotionPipeline]:
    with EmotionPipeline.from_pretrained() as shared:
        yield shared


@pytest.fixture(scope="module")
def frame(portrait: Path) -> LiveFrame:
    picture = Pillow.fromarray(read_image(portrait)).resize((480, 480))
    return LiveFrame(encoded(np.asarray(picture)), (1, 1), 0.5)


class Asker:
    """Sends a viewer's frames, each newer than the one before unless it says otherwise."""

    def __init__(self, reader: LiveReader, frame: LiveFrame) -> None:
        self.reader = reader
        self.frame = frame
        self.viewer = Viewer()

    def __call__(self, **changes: Any) -> Any:
        """The answer to one frame, as the browser gets it."""
        run, n = self.frame.number
        self.frame = replace(self.frame, number=(run, n + 1))
        sent = replace(self.frame, **changes)
        answer = asyncio.run(self.reader.answer(self.viewer, sent, SETTINGS))
        return json.loads(json.dumps(answer))


@pytest.fixture
def ask(pipeline: EmotionPipeline, frame: LiveFrame) -> Asker:
    return Asker(LiveReader(lambda _: pipeline), frame)


def test_an_answer_holds_what_the_browser_draws(ask: Asker) -> None:
    reply = ask()
    assert (reply["frame"], reply["width"], reply["height"], reply["busy"]) == (0, 480, 480, False)
    (face,) = reply["faces"]
    assert face["track"] == 1
    assert face["label"] in set(Emotion)
    assert face["confidence"] == pytest.approx(max(face["probabilities"].values()))
    assert reply["mean"] == list(face["probabilities"].values())
    assert 0 < reply["detect_ms"] + reply["classify_ms"] < reply["server_ms"]
    assert ask(time_s=0.6)["frame"] == 1


def test_what_comes_late_is_passed_over(ask: Asker) -> None:
    ask(number=(1, 5), time_s=0.2)
    assert ask(number=(1, 4), time_s=0.1) == {"passed": True, "elsewhere": False}
    assert ask(number=(1, 5), time_s=0.2) == {"passed": True, "elsewhere": False}
    assert ask(number=(2, 1), time_s=0.3)["frame"] == 1
    assert ask(number=(1, 6), time_s=0.3) == {"passed": True, "elsewhere": True}
    assert ask.viewer.session.summary().frames == 2


def test_frames_that_come_together_are_read_in_order_the_newest_last(
    pipeline: EmotionPipeline, frame: LiveFrame
) -> None:
    """Eight at once: the first is read, the last one waits, all between are overtaken."""
    seen: list[Moment] = []
    reader = LiveReader(lambda _: pipeline, lambda _, moment: seen.append(moment))

    async def send() -> list[dict[str, Any]]:
        viewer = Viewer()
        frames = [replace(frame, number=(1, n), time_s=n / 30) for n in range(1, 9)]
        return await asyncio.gather(*(reader.answer(viewer, one, SETTINGS) for one in frames))

    replies = asyncio.run(send())
    assert [reply.get("frame") for reply in replies] == [0, *[None] * 6, 1]
    assert [moment.time_s for moment in seen] == [1 / 30, 8 / 30]


def test_a_viewer_who_waits_long_is_told_that_the_server_is_busy(
    ask: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not ask()["busy"]
    monkeypatch.setattr(live, "BUSY_MS", 0.0)
    reply = ask()
    assert reply["busy"]
    assert reply["faces"], "and still gets an answer"


@pytest.mark.parametrize("time_s", [math.nan, math.inf, -5.0])
def test_a_clock_that_is_wrong_does_no_harm(ask: Asker, time_s: float) -> None:
    ask(time_s=1.0)
    ask(time_s=time_s)
    reply = ask(time_s=1.5)
    assert reply["faces"][0]["track"] == 1
    assert ask.viewer.time_s == 1.5


def test_a_clock_far_ahead_costs_no_memory(ask: Asker) -> None:
    ask(time_s=1e15)
    assert len(ask.viewer.timeline.everyone()) == 1


@pytest.mark.parametrize("jpeg", [b"", b"hallo", b"\xff\xd8\xff\xe0"])
def test_a_damaged_frame_gets_a_sentence(ask: Asker, jpeg: bytes) -> None:
    assert "frame" in ask(jpeg=jpeg)["error"]
    assert ask()["faces"]


def test_other_formats_and_bombs_are_refused() -> None:
    with pytest.raises(ImageError, match="damaged"):
        decode_frame(encoded(np.zeros((8, 8, 3), np.uint8), "png"))
    with pytest.raises(ImageError, match="larger than"):
        decode_frame(encoded(np.zeros((2000, 2000, 3), np.uint8)))


def test_colours_arrive_as_rgb() -> None:
    red = np.zeros((32, 48, 3), np.uint8)
    red[..., 0] = 255
    image = decode_frame(encoded(red))
    assert image.shape == (32, 48, 3)
    assert image[16, 24, 0] > 240
    assert image[16, 24, 2] < 15


def test_a_detector_that_is_missing_is_named(frame: LiveFrame) -> None:
    def missing(_: str) -> EmotionPipeline:
        raise DetectorError("MediaPipe is not installed.")

    assert Asker(LiveReader(missing), frame)()["error"] == "MediaPipe is not installed."


def test_an_unforeseen_error_is_logged_without_the_frame(
    frame: LiveFrame, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: str) -> EmotionPipeline:
        raise RuntimeError("out of luck")

    reply = Asker(LiveReader(broken), frame)()
    assert "could not be read" in reply["error"]
    assert "out of luck" in caplog.text
    assert repr(frame.jpeg[30:60]) not in caplog.text


def test_settings_are_checked() -> None:
    asked = {"detector": "haar", "min_score": "0.5", "half_life_s": "1e9"}
    assert LiveSettings.of(asked) == LiveSettings("haar", 0.5, live.LONGEST_HALF_LIFE_S)
    for name, value in (("detector", "x"), ("min_score", "1.5"), ("half_life_s", "nan")):
        with pytest.raises(EmotionError, match=name):
            LiveSettings.of({**asked, name: value})
        with pytest.raises(EmotionError, match=name):
            LiveSettings.of({key: text for key, text in asked.items() if key != name})


@pytest.mark.parametrize("what", ["csv", "json", "summary"])
def test_a_session_is_written_while_the_camera_runs(what: str) -> None:
    """Long enough for the other thread to get its turn in between; each frame shows another person."""
    viewer, done, problems = Viewer(), threading.Event(), list[BaseException]()
    for number in range(1, 1500):
        viewer.session.add(Moment(number, number / 10, (face(number),)))
    viewer.time_s = 150.0

    def video(offset: int) -> None:
        try:
            for number in itertools.count():
                place = BoundingBox(number * 1000 + offset, 0, number * 1000 + offset + 9, 9)
                seen = FaceEmotion(Face(place, 0.9), Prediction((1 / 7,) * 7))
                time_s = viewer.time_s + 0.2
                viewer.follow(Analysis((seen,), 0.0, 0.0), time_s, SETTINGS)
                if done.is_set():
                    return
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=video, args=[offset]) for offset in (0, 500)]
    for thread in threads:
        thread.start()
    try:
        assert session_report(viewer, what, words_for(None))
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert problems == []
