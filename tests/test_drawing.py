"""Drawn results: legible at any size, inside the picture, and the input stays as it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.contrast import ENOUGH, contrast

from emotion.drawing import EXPRESSION_COLOURS, annotate, label_text, text_colour
from emotion.moments import TrackedFace
from emotion.types import BoundingBox, Emotion, Face, FaceEmotion, Image, Prediction


def result(box: tuple[int, int, int, int], label: Emotion = Emotion.HAPPY) -> FaceEmotion:
    probabilities = {emotion: 0.94 if emotion == label else 0.01 for emotion in Emotion}
    return FaceEmotion(Face(BoundingBox(*box), 0.9), Prediction.from_mapping(probabilities))


def grey(height: int, width: int) -> Image:
    return np.full((height, width, 3), 128, dtype=np.uint8)


def changed(before: Image, after: Image) -> np.ndarray:
    """Which pixels were drawn on; red is enough to tell on grey, and three times as quick."""
    return np.asarray(before[..., 0] != after[..., 0])


@pytest.mark.parametrize("emotion", Emotion)
def test_the_text_stands_out_from_its_colour(emotion: Emotion) -> None:
    background = EXPRESSION_COLOURS[emotion]
    assert contrast(background, text_colour(background)) >= ENOUGH


def test_each_expression_has_a_colour_of_its_own() -> None:
    assert len(set(EXPRESSION_COLOURS.values())) == len(Emotion)


def test_a_new_picture_comes_back_and_the_input_is_untouched() -> None:
    image = grey(300, 300)
    image.setflags(write=False)
    drawn = annotate(image, [result((100, 100, 200, 200))])
    assert drawn.shape == image.shape
    assert drawn.dtype == np.uint8
    assert drawn.flags.writeable
    assert np.all(image == 128)
    assert changed(image, drawn).any()


def test_nothing_is_drawn_without_faces() -> None:
    image = grey(50, 80)
    drawn = annotate(image, [])
    assert np.array_equal(drawn, image)
    assert not np.shares_memory(drawn, image)


@pytest.mark.parametrize(("side", "face"), [(200, 60), (640, 150), (6000, 1500), (6000, 400)])
def test_the_label_is_legible(side: int, face: int) -> None:
    """At least 12 pixels tall, and at least a 75th of the picture: 12 pixels when it fills a window."""
    image = grey(side, side)
    top = side // 2
    drawn = changed(
        image, annotate(image, [result((side // 3, top, side // 3 + face, top + face))])
    )
    label = drawn[:top]
    rows = np.flatnonzero(label.any(axis=1))
    assert rows[-1] == top - 1, "the label stands on the box"
    assert len(rows) >= max(12, side / 75)
    assert label.any(axis=0).sum() > 3 * len(rows), "a whole word is written"


@pytest.mark.parametrize(("side", "least"), [(200, 2), (6000, 20)])
def test_the_box_is_drawn_along_the_edge_of_the_face(side: int, least: int) -> None:
    image = grey(side, side)
    x1, x2 = side // 4, side * 3 // 4
    middle = changed(image, annotate(image, [result((x1, x1, x2, x2))]))[side // 2]
    columns = np.flatnonzero(middle)
    assert columns[0] == x1
    assert columns[-1] == x2 - 1
    assert len(columns) >= 2 * least


@pytest.mark.parametrize(
    "box",
    [
        (0, 0, 60, 60),
        (340, 0, 400, 60),
        (0, 240, 60, 300),
        (340, 240, 400, 300),
        (0, 0, 400, 300),
        (395, 100, 400, 105),
    ],
)
@pytest.mark.parametrize("label", [Emotion.SURPRISE, Emotion.SAD])
def test_the_label_never_leaves_the_picture(box: tuple[int, int, int, int], label: Emotion) -> None:
    """As many pixels are coloured as in the middle of a larger picture: none was cut off."""
    image, face = grey(300, 400), result(box, label)
    drawn = annotate(image, [face])
    colour = np.array([int(EXPRESSION_COLOURS[label][i : i + 2], 16) for i in (1, 3, 5)])
    of_label = np.all(drawn == colour, axis=2)
    # The right end of the label: its padding is a whole column of the colour.
    rows = np.flatnonzero(of_label.sum(axis=1) > 20)
    assert len(rows) >= 12
    assert rows[0] >= 0
    columns = np.flatnonzero(of_label[rows].all(axis=0))
    assert len(columns) >= 2, "its padding is there in full height"


def test_a_picture_too_narrow_for_words_keeps_the_number() -> None:
    image = grey(90, 24)
    drawn = annotate(image, [result((2, 40, 22, 60))])
    assert changed(image, drawn)[20:39].any()
    assert drawn[20:40].max() > 220, "the number is written in white"
    assert not np.all(drawn[20:40] == (240, 200, 8), axis=2).any(), "no cut word beside it"


@pytest.mark.parametrize("side", [1, 2, 5])
def test_a_face_of_a_few_pixels(side: int) -> None:
    drawn = annotate(grey(side, side), [result((0, 0, side, side))])
    assert drawn.shape == (side, side, 3)


def test_five_hundred_faces_leave_each_other_free() -> None:
    image = grey(2000, 2500)
    boxes = [
        (x + 25, y + 25, x + 75, y + 75) for y in range(0, 2000, 100) for x in range(0, 2500, 100)
    ]
    assert len(boxes) == 500
    drawn = changed(image, annotate(image, [result(box) for box in boxes]))
    inside = [drawn[y1 + 5 : y2 - 5, x1 + 5 : x2 - 5].mean() for x1, y1, x2, y2 in boxes]
    assert max(inside) == 0, "no label covers a face"
    assert all(drawn[y1 - 10, x1:x2].any() for x1, y1, x2, _ in boxes), "each has its number"


def test_streams_show_the_track_number() -> None:
    image, face = grey(300, 300), result((100, 100, 200, 200))
    seventh = FaceEmotion(face.face, face.prediction, track_id=7)
    assert not np.array_equal(annotate(image, [face]), annotate(image, [seventh]))


def test_a_face_may_be_labelled_with_another_expression_than_the_most_probable() -> None:
    image, face = grey(300, 300), result((100, 100, 200, 200))
    tracked = TrackedFace(replace(face, track_id=1), Emotion.SAD, face.prediction)
    steady = annotate(image, [tracked])
    assert not np.array_equal(steady, annotate(image, [face]))
    for label, there in ((Emotion.SAD, True), (Emotion.HAPPY, False)):
        colour = [int(EXPRESSION_COLOURS[label][i : i + 2], 16) for i in (1, 3, 5)]
        assert np.all(steady == colour, axis=2).any() == there


def test_an_unsure_label_names_two_expressions() -> None:
    doubtful = Prediction((0.05, 0.0, 0.05, 0.05, 0.45, 0.0, 0.4), sure_above=0.5)
    face = replace(result((100, 100, 200, 200)), prediction=doubtful)
    assert label_text(face) == ("sad or neutral", "45% / 40%")
    sure = replace(face, prediction=replace(doubtful, sure_above=0.4))
    assert label_text(sure) == ("sad", "45%")
    image = grey(300, 300)
    assert not np.array_equal(annotate(image, [face]), annotate(image, [sure]))


def test_words_that_another_label_would_cover_are_left_out() -> None:
    """Two faces side by side: only the number of the smaller one has room beside the larger one's label."""
    image, pink = grey(400, 600), np.array([204, 121, 167])
    large, small = result((300, 150, 420, 270)), result((250, 152, 340, 242), Emotion.SURPRISE)
    above = slice(0, 150)
    assert (annotate(image, [small])[above] == pink).all(axis=-1).any()
    assert not (annotate(image, [large, small])[above] == pink).all(axis=-1).any()
