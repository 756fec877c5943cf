"""The whole path of a picture, with the real detectors and the shipped network."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from emotion import EmotionPipeline, read_image
from emotion.errors import DetectorError, ImageError, WeightsError
from emotion.faces import DETECTORS
from emotion.pipeline import Analysis
from emotion.types import FaceEmotion, Image

ROOT = Path(__file__).resolve().parent.parent

MIRROR_TOLERANCE = 0.35
"""Largest change of a probability under mirroring: the network and the detectors are not quite symmetric."""

PROBABILITY_TOLERANCE = 1e-4
"""Largest change of a probability between two runs of the same picture."""


@pytest.fixture(scope="module", params=DETECTORS)
def pipeline(request: pytest.FixtureRequest) -> Iterator[EmotionPipeline]:
    with EmotionPipeline.load(detector=request.param) as loaded:
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
        EmotionPipeline.load(detector="eyes")
    with pytest.raises(WeightsError, match="Received: 'nobody'"):
        EmotionPipeline.load(weights="nobody")
    with pytest.raises(WeightsError, match="Received: 'abacus'"):
        EmotionPipeline.load(runtime="abacus")


def test_both_runtimes_read_the_same(photo: Image) -> None:
    pytest.importorskip("keras")
    with EmotionPipeline.load() as light, EmotionPipeline.load(runtime="keras") as reference:
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
            with EmotionPipeline.load(detector=detector) as pipeline:
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
