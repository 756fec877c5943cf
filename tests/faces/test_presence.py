"""The second network of the MediaPipe detector: is this a face?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emotion.errors import DetectorError
from emotion.faces.presence import MODEL, FacePresence
from emotion.images import read_image
from emotion.types import BoundingBox, Image

FACE = BoundingBox(178, 81, 272, 175)
"""The astronaut's face in the portrait."""


@pytest.fixture(scope="module")
def presence() -> FacePresence:
    return FacePresence()


@pytest.fixture(scope="module")
def picture(portrait: Path) -> Image:
    return read_image(portrait)


def test_a_face_is_told_from_the_rest_of_its_picture(
    presence: FacePresence, picture: Image
) -> None:
    assert presence.logit(picture, FACE, 0.0) > 5
    for x, y in ((20, 20), (380, 380), (60, 330)):
        assert presence.logit(picture, BoundingBox(x, y, x + 94, y + 94), 0.0) < 0


def test_noise_and_flat_pictures_are_no_faces(presence: FacePresence) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)
    flat = np.full((300, 300, 3), 120, np.uint8)
    for image in (noise, flat):
        assert presence.logit(image, BoundingBox(80, 80, 220, 220), 0.0) < 0


def test_grey_pictures_are_as_good(presence: FacePresence, picture: Image) -> None:
    grey = np.repeat(picture.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    assert presence.logit(grey, FACE, 0.0) > 5


def test_a_head_is_turned_back_first(presence: FacePresence, picture: Image) -> None:
    lying = np.ascontiguousarray(np.rot90(picture))
    box = BoundingBox(FACE.y1, 512 - FACE.x2, FACE.y2, 512 - FACE.x1)
    assert presence.logit(lying, box, -90.0) > 5
    assert presence.logit(lying, box, -90.0) > presence.logit(lying, box, 0.0) + 3


def test_a_mirrored_close_up_is_that_of_the_mirrored_picture(
    presence: FacePresence, picture: Image
) -> None:
    mirror = np.ascontiguousarray(picture[:, ::-1])
    there = BoundingBox(512 - FACE.x2, FACE.y1, 512 - FACE.x1, FACE.y2)
    expected = presence.logit(mirror, there, 0.0)
    assert presence.logit(picture, FACE, 0.0, mirrored=True) == pytest.approx(expected, abs=0.5)
    assert expected != pytest.approx(presence.logit(picture, FACE, 0.0), abs=0.01)


def test_a_box_at_the_edge_is_looked_at(presence: FacePresence, picture: Image) -> None:
    assert np.isfinite(presence.logit(picture, BoundingBox(0, 0, 3, 2), 0.0))
    assert np.isfinite(presence.logit(picture[:1, :1], BoundingBox(0, 0, 1, 1), 30.0))


def test_a_damaged_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emotion.faces.model_files.MODELS_FOLDER", tmp_path)
    (tmp_path / MODEL).write_bytes(b"not a network")
    with pytest.raises(DetectorError, match="damaged or was changed"):
        FacePresence()
