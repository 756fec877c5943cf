"""What every detector must do, and what it must survive. One real face: NASA's portrait of Eileen Collins."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from support.places import EXAMPLES

from emotion.errors import DetectorError, ImageError
from emotion.faces import DETECTORS, FaceDetector, load_detector
from emotion.types import BoundingBox, Face, Image

FACE = BoundingBox(177, 72, 277, 182)
"""The astronaut's face in the portrait of 512×512, as a person would draw it."""


@pytest.fixture(scope="module", params=DETECTORS)
def detector(request: pytest.FixtureRequest) -> Iterator[FaceDetector]:
    loaded = load_detector(request.param)
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def tile(astronaut: Image) -> Image:
    """The head alone, 120×120, with a face of about 57 pixels."""
    head = astronaut[30:230, 125:325]
    return np.asarray(cv2.resize(head, (120, 120), interpolation=cv2.INTER_AREA), np.uint8)


def find(detector: FaceDetector, image: npt.NDArray[np.uint8]) -> list[Face]:
    """The faces that the detector stands for."""
    faces = detector.detect(image)
    height, width = image.shape[:2]
    for face in faces:
        assert 0 <= face.box.x1 < face.box.x2 <= width
        assert 0 <= face.box.y1 < face.box.y2 <= height
    return [face for face in faces if face.score >= detector.default_min_score]


def only_face(detector: FaceDetector, image: npt.NDArray[np.uint8]) -> BoundingBox:
    (face,) = find(detector, image)
    return face.box


def test_finds_the_astronaut_once(detector: FaceDetector, astronaut: Image) -> None:
    assert only_face(detector, astronaut).iou(FACE) > 0.5


@pytest.mark.parametrize("shape", [(1, 1), (2, 500), (500, 2), (1, 3000), (20, 20), (300, 300)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_plain_pictures_of_any_shape_show_no_face(
    detector: FaceDetector, shape: tuple[int, int], level: int
) -> None:
    assert find(detector, np.full((*shape, 3), level, np.uint8)) == []


@pytest.mark.parametrize("side", [200, 480, 900])
def test_noise_and_texture_show_no_face(detector: FaceDetector, side: int) -> None:
    rng = np.random.default_rng(side)
    noise = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
    waves = np.add.outer(np.arange(side) % 37, np.arange(side) % 23).astype(np.uint8) * 4
    assert find(detector, noise) == []
    assert find(detector, np.repeat(waves[..., None], 3, axis=2)) == []


def test_a_grey_picture_in_three_channels_will_do(detector: FaceDetector, astronaut: Image) -> None:
    grey = cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)
    assert only_face(detector, np.repeat(grey[..., None], 3, axis=2)).iou(FACE) > 0.5


@pytest.mark.parametrize("size", [(640, 480), (1280, 720)])
def test_mirroring_the_picture_mirrors_the_box(
    detector: FaceDetector, astronaut: Image, size: tuple[int, int]
) -> None:
    width, height = size
    scene = np.full((height, width, 3), 90, np.uint8)
    side = min(height, 512)
    scene[:side, 40 : 40 + side] = astronaut[:side, :side]
    box = only_face(detector, scene)
    back = only_face(detector, np.ascontiguousarray(scene[:, ::-1]))
    assert BoundingBox(width - back.x2, back.y1, width - back.x1, back.y2).iou(box) > 0.7


@pytest.mark.parametrize("factor", [0.75, 1.5, 3.0])
def test_scaling_the_picture_scales_the_box(
    detector: FaceDetector, astronaut: Image, factor: float
) -> None:
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    scaled = cv2.resize(astronaut, None, fx=factor, fy=factor, interpolation=method)
    box = only_face(detector, np.asarray(scaled, np.uint8))
    expected = only_face(detector, astronaut)
    scaled_back = BoundingBox(
        *(round(value / factor) for value in (box.x1, box.y1, box.x2, box.y2))
    )
    assert scaled_back.iou(expected) > 0.75


def test_a_face_at_the_edge_keeps_its_box_inside(detector: FaceDetector, astronaut: Image) -> None:
    box = only_face(detector, np.ascontiguousarray(astronaut[70:420, 150:470]))
    assert box.iou(BoundingBox(27, 2, 127, 112)) > 0.4


def test_a_cat_is_no_face(detector: FaceDetector) -> None:
    cat = cv2.imread(str(EXAMPLES / "cat.jpg"), cv2.IMREAD_COLOR_RGB)
    assert cat is not None
    assert find(detector, np.asarray(cat, np.uint8)) == []


def test_many_faces_are_found_one_by_one(detector: FaceDetector, tile: Image) -> None:
    rows, columns = 4, 6
    faces = find(detector, np.tile(tile, (rows, columns, 1)))
    cells = [(int(f.box.centre.y) // 120, int(f.box.centre.x) // 120) for f in faces]
    assert len(cells) == len(set(cells)) == rows * columns


def test_a_huge_picture_is_bounded(detector: FaceDetector, astronaut: Image) -> None:
    huge = np.zeros((4000, 12000, 3), np.uint8)
    huge[200:3784, 8000:11584] = cv2.resize(astronaut, (3584, 3584))
    box = only_face(detector, huge)
    true = (8000 + FACE.x1 * 7, 200 + FACE.y1 * 7, 8000 + FACE.x2 * 7, 200 + FACE.y2 * 7)
    assert box.iou(BoundingBox(*true)) > 0.5


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((50, 50), np.uint8),
        np.zeros((50, 50, 4), np.uint8),
        np.zeros((50, 50, 3), np.float32),
        np.zeros((0, 50, 3), np.uint8),
        "portrait.jpg",
        None,
    ],
)
def test_what_is_no_picture_is_refused_and_does_no_harm(
    detector: FaceDetector, astronaut: Image, image: object
) -> None:
    with pytest.raises(ImageError, match="Received"):
        detector.detect(image)  # type: ignore[arg-type]
    assert len(find(detector, astronaut)) == 1


def test_read_only_and_strided_pictures_will_do(detector: FaceDetector, astronaut: Image) -> None:
    frozen = astronaut.copy()
    frozen.flags.writeable = False
    assert only_face(detector, frozen) == only_face(detector, astronaut)
    strided = np.repeat(astronaut, 2, axis=1)[:, ::2]
    assert only_face(detector, strided) == only_face(detector, astronaut)


def test_threads_may_share_a_detector(detector: FaceDetector, astronaut: Image) -> None:
    mirrored = np.ascontiguousarray(astronaut[:, ::-1])
    pictures = [astronaut, mirrored, astronaut[:400], np.zeros_like(astronaut)] * 2
    alone = [detector.detect(picture) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(detector.detect, pictures)) == alone


@pytest.mark.parametrize("name", DETECTORS)
def test_closing_twice_is_fine_and_using_it_then_is_not(name: str, astronaut: Image) -> None:
    detector = load_detector(name)
    detector.close()
    detector.close()
    with pytest.raises(DetectorError, match="closed"):
        detector.detect(astronaut)


@pytest.mark.parametrize("name", DETECTORS)
def test_a_changed_model_file_is_not_opened(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = importlib.import_module(f"emotion.faces.{name}").MODEL
    monkeypatch.setattr("emotion.faces.model_files.MODELS_FOLDER", tmp_path)
    with pytest.raises(DetectorError, match="cannot be read"):
        load_detector(name)
    (tmp_path / model).write_bytes(b"something else")
    with pytest.raises(DetectorError, match="damaged"):
        load_detector(name)


def _count(detector: FaceDetector, image: Image, counts: multiprocessing.SimpleQueue[int]) -> None:
    counts.put(len(find(detector, image)))


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_detector_made_before_a_fork_works_in_the_child(name: str, astronaut: Image) -> None:
    detector = load_detector(name)
    detector.detect(astronaut)
    fork = multiprocessing.get_context("fork")
    counts = fork.SimpleQueue()
    child = fork.Process(target=_count, args=(detector, astronaut, counts))
    child.start()
    child.join(30)
    hangs = child.is_alive()
    child.kill()
    assert not hangs
    assert counts.get() == 1


@pytest.mark.parametrize("name", DETECTORS)
def test_a_detector_can_be_pickled(name: str, astronaut: Image) -> None:
    detector = load_detector(name)
    assert pickle.loads(pickle.dumps(detector)).detect(astronaut) == detector.detect(astronaut)


THIRD = '''
"""Takes the middle of every picture for a face."""
from emotion.types import BoundingBox, Face, check_image

TITLE = "Middle"


def create():
    return Middle()


class Middle:
    name = "middle"
    default_min_score = 0.4
    live_share = 0.2

    def detect(self, image, *, smallest=24.0):
        height, width = check_image(image).shape[:2]
        return [Face(BoundingBox(width // 4, height // 4, width // 2, height // 2), 0.5)]

    def close(self):
        pass
'''


def test_a_third_detector_is_one_new_file(tmp_path: Path) -> None:
    root = EXAMPLES.parent
    shutil.copytree(
        root / "emotion", tmp_path / "emotion", ignore=shutil.ignore_patterns("__pycache__")
    )
    (tmp_path / "weights").symlink_to(root / "weights")
    (tmp_path / "emotion" / "faces" / "middle.py").write_text(THIRD)
    program = """
        import numpy as np
        from emotion import EmotionPipeline
        from emotion.faces import DETECTORS
        assert list(DETECTORS)[0] == "mediapipe"
        assert DETECTORS["middle"] == "Middle"
        [face] = EmotionPipeline.from_pretrained(detector="middle")(np.full((80, 80, 3), 90, np.uint8))
        assert face.face.box.x1 == 20
    """
    analyze = ["-m", "emotion", "analyze", "--detector", "middle", str(EXAMPLES / "cat.jpg")]
    for command in (["-c", textwrap.dedent(program)], analyze):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr


def test_an_unknown_detector_is_named_with_the_known_ones() -> None:
    with pytest.raises(DetectorError, match=r"mediapipe, haar.*'yolo'"):
        load_detector("yolo")


def test_haar_stays_strict_where_the_second_network_cannot_run(
    astronaut: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On machines without LiteRT; texture has no faces there either."""

    def missing() -> None:
        raise ImportError("ai_edge_litert")

    monkeypatch.setattr("emotion.faces.haar.FacePresence", missing)
    alone = load_detector("haar")
    assert len(find(alone, astronaut)) == 1
    noise = np.random.default_rng(1).integers(0, 255, (480, 640, 3), np.uint8)
    assert find(alone, noise) == []
