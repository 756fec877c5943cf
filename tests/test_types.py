"""The values that flow through everything refuse what they must not hold."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from emotion.errors import ImageError
from emotion.types import (
    BoundingBox,
    Emotion,
    Face,
    FaceEmotion,
    Point,
    Prediction,
    check_image,
)

BOX = BoundingBox(10, 20, 40, 60)


def test_the_vocabulary_is_that_of_fer2013_in_the_order_of_its_label_numbers() -> None:
    assert list(Emotion) == ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]


def test_a_box_knows_its_size_and_centre() -> None:
    assert (BOX.width, BOX.height, BOX.area) == (30, 40, 1200)
    assert BOX.centre == Point(25.0, 40.0)


@pytest.mark.parametrize("corners", [(0, 0, 0, 5), (0, 0, 5, 0), (5, 0, 4, 5), (0, 5, 5, 4)])
def test_a_box_must_cover_a_pixel(corners: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="x1 < x2 and y1 < y2"):
        BoundingBox(*corners)


@pytest.mark.parametrize(
    ("other", "pixels"),
    [
        (BOX, 1200),
        (BoundingBox(40, 20, 50, 60), 0),  # touches: right edges are exclusive
        (BoundingBox(100, 100, 101, 101), 0),
        (BoundingBox(39, 59, 80, 80), 1),
        (BoundingBox(0, 0, 100, 100), 1200),
    ],
)
def test_intersection_counts_the_pixels_that_both_boxes_cover(
    other: BoundingBox, pixels: int
) -> None:
    assert BOX.intersection(other) == other.intersection(BOX) == pixels


def test_iou_is_one_for_the_same_box_and_falls_with_overlap() -> None:
    half = BoundingBox(10, 20, 40, 40)
    assert BOX.iou(BOX) == 1.0
    assert BOX.iou(half) == half.iou(BOX) == 0.5
    assert BOX.iou(BoundingBox(50, 70, 60, 80)) == 0.0


@pytest.mark.parametrize("score", [-0.01, 1.01, float("nan")])
def test_a_score_lies_between_0_and_1(score: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Face(BOX, score)


def test_a_prediction_names_its_most_probable_expression() -> None:
    prediction = Prediction.from_mapping(
        dict(zip(reversed(Emotion), [0.1, 0.05, 0.05, 0.6, 0.1, 0.05, 0.05], strict=True))
    )
    assert prediction.label is Emotion.HAPPY
    assert prediction.confidence == 0.6
    assert list(prediction.as_dict()) == list(Emotion)
    assert prediction.as_dict()[Emotion.NEUTRAL] == 0.1


@pytest.mark.parametrize(
    "probabilities",
    [
        (1.0,),
        (0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        (0.2,) * 7,
        (-0.1, 1.1, 0.0, 0.0, 0.0, 0.0, 0.0),
        (float("nan"), 1.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    ],
)
def test_probabilities_are_seven_not_negative_and_sum_to_one(
    probabilities: tuple[float, ...],
) -> None:
    with pytest.raises(ValueError, match=r"Received: "):
        Prediction(probabilities)


def test_values_cannot_be_changed() -> None:
    result = FaceEmotion(Face(BOX, 0.9), Prediction((1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.track_id = 3  # type: ignore[misc]


@pytest.mark.parametrize("shape", [(1, 1, 3), (7, 3, 3), (48, 4000, 3)])
def test_check_image_returns_a_picture_as_it_is(shape: tuple[int, ...]) -> None:
    image = np.zeros(shape, np.uint8)
    assert check_image(image) is image


@pytest.mark.parametrize(
    ("value", "received"),
    [
        ("photo.jpg", "Received: str"),
        (None, "Received: NoneType"),
        ([[[0, 0, 0]]], "Received: list"),
        (np.zeros((4, 4), np.uint8), r"shape \(4, 4\), dtype uint8"),
        (np.zeros((4, 4, 1), np.uint8), r"shape \(4, 4, 1\)"),
        (np.zeros((4, 4, 4), np.uint8), r"shape \(4, 4, 4\)"),
        (np.zeros((4, 4, 3), np.float32), "dtype float32"),
        (np.zeros((4, 4, 3), np.uint16), "dtype uint16"),
        (np.zeros((0, 4, 3), np.uint8), r"shape \(0, 4, 3\)"),
        (np.zeros((2, 4, 4, 3), np.uint8), r"shape \(2, 4, 4, 3\)"),
    ],
)
def test_check_image_says_what_it_received(value: Any, received: str) -> None:
    with pytest.raises(ImageError, match=received):
        check_image(value)
