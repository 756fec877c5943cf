"""The whole path of a picture, with the real detectors and the shipped network."""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.places import ROOT

from emotion import EmotionPipeline, read_image
from emotion.errors import DetectorError, ImageError, WeightsError
from emotion.faces import DETECTORS
from emotion.pipeline import Analysis
from emotion.types import BoundingBox, FaceEmotion, Image

MIRROR_TOLERANCE = 0.35
"""Largest change of a probability under mirroring: the network and the detectors are not quite symmetric."""

PROBABILITY_TOLERANCE = 1e-4
"""Largest change of a probability between two runs of the same picture."""


@pytest.fixture(scope="module", params=DETECTORS)
def pipeline(request: pytest.FixtureRequest) -> Iterator[EmotionPipeline]:
    with EmotionPipeline.from_pretrained(detector=request.param) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def photo(portrait: Path) -> Image:
    return read_image(portrait)


@pytest.fixture(scope="module")
def crowd(photo: Image) -> Image:
    """The portrait at three sizes side by side, the largest in the middle."""
    canvas = np.full((512, 1500, 3), 127, np.uint8)
    for side, left in ((448, 0), (512, 460), (384, 1000)):
        canvas[:side, left : left + side] = cv2.resize(
            photo, (side, side), interpolation=cv2.INTER_AREA
        )
    return canvas


def assert_same(found: list[FaceEmotion], expected: list[FaceEmotion]) -> None:
    """Same faces in the same order; probabilities but for the order of float sums."""
    assert [f.face for f in found] == [f.face for f in expected]
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(
            mine.prediction.probabilities,
            theirs.prediction.probabilities,
            atol=PROBABILITY_TOLERANCE,
        )


def test_a_portrait_has_one_face_with_seven_probabilities(
    pipeline: EmotionPipeline, photo: Image
) -> None:
    [result] = pipeline(photo)
    height, width = photo.shape[:2]
    box = result.face.box
    assert 0 <= box.x1 < box.x2 <= width
    assert 0 <= box.y1 < box.y2 <= height
    assert box.width > width / 8
    assert result.face.score >= pipeline.detector.default_min_score
    assert sum(result.prediction.probabilities) == pytest.approx(1.0, abs=1e-3)
    assert result.track_id is None


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 400, 3), (64, 64, 3), (480, 640, 3)])
def test_a_picture_without_a_face_has_no_result(
    pipeline: EmotionPipeline, shape: tuple[int, ...]
) -> None:
    assert pipeline(np.full(shape, 127, np.uint8)) == []


def test_the_picture_is_left_as_it_was(pipeline: EmotionPipeline, photo: Image) -> None:
    frozen = photo.copy()
    frozen.setflags(write=False)
    pipeline(frozen)
    np.testing.assert_array_equal(frozen, photo)


def test_faces_come_largest_first_each_time(pipeline: EmotionPipeline, crowd: Image) -> None:
    faces = pipeline(crowd)
    areas = [result.face.box.area for result in faces]
    assert len(faces) == 3
    assert areas == sorted(areas, reverse=True)
    assert 460 <= faces[0].face.box.centre.x < 972
    assert_same(pipeline(crowd), faces)


def test_a_crowd_reads_like_its_faces_one_by_one(pipeline: EmotionPipeline, crowd: Image) -> None:
    """One batch for all faces changes nothing in any of them."""
    largest = pipeline(crowd)[0]
    alone = crowd.copy()
    alone[:, :460] = 127
    alone[:, 972:] = 127
    [single] = pipeline(alone)
    assert single.prediction.label == largest.prediction.label


def test_mirroring_keeps_the_expression(pipeline: EmotionPipeline, photo: Image) -> None:
    [straight] = pipeline(photo)
    [mirrored] = pipeline(np.ascontiguousarray(photo[:, ::-1]))
    expected = photo.shape[1] - straight.face.box.centre.x
    assert mirrored.face.box.centre.x == pytest.approx(expected, abs=straight.face.box.width / 8)
    np.testing.assert_allclose(
        mirrored.prediction.probabilities, straight.prediction.probabilities, atol=MIRROR_TOLERANCE
    )


def test_min_score_leaves_faces_out(pipeline: EmotionPipeline, photo: Image) -> None:
    [result] = pipeline(photo)
    assert len(pipeline(photo, min_score=result.face.score)) == 1
    above = np.nextafter(result.face.score, 2.0)
    assert pipeline(photo, min_score=float(above)) == []
    assert len(pipeline(photo, min_score=0.0)) >= 1


def test_analyze_also_tells_the_time(pipeline: EmotionPipeline, photo: Image) -> None:
    analysis = pipeline.analyze(photo)
    assert isinstance(analysis, Analysis)
    assert_same(list(analysis.faces), pipeline(photo))
    assert analysis.detect_ms > 0
    assert analysis.classify_ms > 0


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_picture_is_read_as_the_upright_one(
    pipeline: EmotionPipeline, photo: Image, turns: int
) -> None:
    [upright] = pipeline(photo)
    turned = np.ascontiguousarray(np.rot90(photo, -turns))
    [face] = pipeline(turned)
    canvas = np.zeros(photo.shape[:2], np.uint8)
    box = upright.face.box
    canvas[box.y1 : box.y2, box.x1 : box.x2] = 1
    where = np.argwhere(np.rot90(canvas, -turns))
    assert face.face.box.iou(BoundingBox(*where.min(0)[::-1], *(where.max(0)[::-1] + 1))) > 0.9
    assert abs((face.roll - upright.roll - 90 * turns + 180) % 360 - 180) < 1
    np.testing.assert_allclose(
        face.prediction.probabilities, upright.prediction.probabilities, atol=0.05
    )


@pytest.mark.parametrize("angle", [-40, -20, 20, 40])
def test_a_tilted_head_is_levelled(photo: Image, angle: int) -> None:
    with EmotionPipeline.from_pretrained() as pipeline:
        [upright] = pipeline(photo)
        turn = cv2.getRotationMatrix2D((223, 130), -angle, 0.8)
        size = (photo.shape[1], photo.shape[0])
        tilted = cv2.warpAffine(photo, turn, size, borderMode=cv2.BORDER_REPLICATE)
        [face] = [f for f in pipeline(np.asarray(tilted, np.uint8)) if f.face.score > 0.7]
    assert face.roll == pytest.approx(upright.roll + angle, abs=12)
    assert face.prediction.label == upright.prediction.label


def test_a_pipeline_can_be_pickled(pipeline: EmotionPipeline, photo: Image) -> None:
    with pickle.loads(pickle.dumps(pipeline)) as copy:
        assert_same(copy(photo), pipeline(photo))


def test_threads_share_one_pipeline(pipeline: EmotionPipeline, photo: Image, crowd: Image) -> None:
    empty = np.zeros((100, 100, 3), np.uint8)
    pictures = [photo, crowd, empty] * 4
    expected = [pipeline(picture) for picture in pictures[:3]] * 4
    with ThreadPoolExecutor(4) as pool:
        for found, wanted in zip(pool.map(pipeline, pictures), expected, strict=True):
            assert_same(found, wanted)


@pytest.mark.parametrize(
    "picture",
    [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8, 3)), "photo.jpg"],
)
def test_what_is_no_picture_is_refused_and_does_no_harm(
    pipeline: EmotionPipeline, photo: Image, picture: object
) -> None:
    with pytest.raises(ImageError, match="Received"):
        pipeline(picture)  # type: ignore[arg-type]
    assert len(pipeline(photo)) == 1


def test_unknown_choices_are_refused() -> None:
    with pytest.raises(DetectorError, match="Received: 'eyes'"):
        EmotionPipeline.from_pretrained(detector="eyes")
    with pytest.raises(WeightsError, match="Received: 'nobody'"):
        EmotionPipeline.from_pretrained(weights="nobody")
    with pytest.raises(WeightsError, match="Received: 'abacus'"):
        EmotionPipeline.from_pretrained(runtime="abacus")


def test_both_runtimes_read_the_same(photo: Image) -> None:
    pytest.importorskip("keras")
    with (
        EmotionPipeline.from_pretrained() as light,
        EmotionPipeline.from_pretrained(runtime="keras") as reference,
    ):
        [ours], [theirs] = light(photo), reference(photo)
    np.testing.assert_allclose(
        ours.prediction.probabilities, theirs.prediction.probabilities, atol=0.15
    )


def test_serving_never_imports_a_training_framework(portrait: Path) -> None:
    program = """
        import sys
        from emotion import EmotionPipeline, read_image
        from emotion.faces import DETECTORS
        for detector in DETECTORS:
            with EmotionPipeline.from_pretrained(detector=detector) as pipeline:
                assert len(pipeline(read_image(sys.argv[1]))) == 1
        heavy = {"tensorflow", "keras", "torch", "jax", "gradio"} & set(sys.modules)
        assert not heavy, heavy
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(portrait)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr


def test_the_old_name_of_loading_says_the_new_one(photo: Image) -> None:
    with pytest.warns(DeprecationWarning, match="from_pretrained"):
        pipeline = EmotionPipeline.load(detector="haar")
    with pipeline, EmotionPipeline.from_pretrained(detector="haar") as other:
        assert pipeline(photo) == other(photo)
