"""Small faces and turned cameras in streams, with the real pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from emotion import EmotionPipeline, read_image
from emotion.streams.frame_search import FrameSearch
from emotion.streams.tracking import FaceTracker
from emotion.types import FaceEmotion, Image

FPS = 10


@pytest.fixture(scope="module")
def pipeline() -> Iterator[EmotionPipeline]:
    with EmotionPipeline.from_pretrained() as loaded:
        yield loaded


@pytest.fixture(scope="module")
def photo(portrait: Path) -> Image:
    return read_image(portrait)


@pytest.fixture
def small_face(photo: Image) -> Image:
    """A face of about 45 pixels in a frame of 960×540."""
    image = np.full((540, 960, 3), 110, np.uint8)
    image[250:490, 600:840] = cv2.resize(photo, (240, 240), interpolation=cv2.INTER_AREA)
    return image


def test_between_searches_a_small_face_is_not_lost(
    small_face: Image, pipeline: EmotionPipeline
) -> None:
    tracker, search = FaceTracker(), FrameSearch()
    for number in range(5):
        places = tracker.places(number / FPS)
        found = search.look(pipeline, small_face, number / FPS, places)
        assert [
            face.track_id for face in (t.seen for t in tracker.update(found, number / FPS))
        ] == [1]
    assert pipeline(small_face, thorough=False) == []


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_camera_on_its_side_is_read_in_every_frame(
    photo: Image, pipeline: EmotionPipeline, turns: int
) -> None:
    frame = np.ascontiguousarray(np.rot90(photo, -turns))
    search = FrameSearch()
    [upright] = pipeline(photo)
    for number in range(4):
        [face] = search.look(pipeline, frame, number / FPS, [])
        assert face.prediction.label == upright.prediction.label
        assert abs((face.roll - upright.roll - 90 * turns + 180) % 360 - 180) < 15


def test_a_search_is_made_once_a_second() -> None:
    thorough_at = []

    def read(_: Image, *, thorough: bool, turns: int) -> list[FaceEmotion]:
        if thorough:
            thorough_at.append(number)
        return []

    search = FrameSearch()
    for number in range(31):
        search.look(read, np.zeros((90, 160, 3), np.uint8), number / FPS, [])
    assert thorough_at == [0, 10, 20, 30]


def test_where_frames_come_slowly_not_every_one_is_searched() -> None:
    thorough_at = []

    def read(_: Image, *, thorough: bool, turns: int) -> list[FaceEmotion]:
        if thorough:
            thorough_at.append(number)
        return []

    search = FrameSearch(looks_between=4)
    for number in range(12):  # one every two seconds
        search.look(read, np.zeros((90, 160, 3), np.uint8), 2.0 * number, [])
    assert thorough_at == [0, 5, 10]
