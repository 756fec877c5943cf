"""Crops and batches: properties that must hold for any picture, no labels needed."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from support.real_faces import real_faces

from emotion.preprocess import Normalisation, crop_face, resize_faces, to_batch
from emotion.types import BoundingBox

GREY_LEVELS = 2.0
"""What rounding in colour conversion and resampling may change."""


@pytest.fixture
def scene() -> npt.NDArray[np.uint8]:
    """A smooth coloured picture (200, 300, 3) without any symmetry."""
    noise = np.random.default_rng(7).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(noise, (300, 200), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def difference(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> float:
    """Mean absolute difference in grey levels."""
    return float(np.abs(a.astype(float) - b.astype(float)).mean())


def test_a_crop_of_its_own_size_is_the_grey_picture_itself(scene: npt.NDArray[np.uint8]) -> None:
    crop = crop_face(scene, BoundingBox(50, 60, 98, 108), 48)
    assert crop.shape == (48, 48)
    assert crop.dtype == np.uint8
    np.testing.assert_array_equal(crop, cv2.cvtColor(scene[60:108, 50:98], cv2.COLOR_RGB2GRAY))


@pytest.mark.parametrize("side", [9, 30, 48, 77, 96, 150])
def test_mirroring_the_picture_mirrors_the_crop(scene: npt.NDArray[np.uint8], side: int) -> None:
    box = BoundingBox(40, 30, 40 + side, 30 + side)
    mirrored = BoundingBox(300 - box.x2, box.y1, 300 - box.x1, box.y2)
    flipped = np.ascontiguousarray(scene[:, ::-1])
    straight = crop_face(scene, box, 48, scale=1.2, roll=25)
    back = crop_face(flipped, mirrored, 48, scale=1.2, roll=-25)[:, ::-1]
    assert difference(straight, back) < GREY_LEVELS


@pytest.mark.parametrize("factor", [2, 3, 5])
@pytest.mark.parametrize("roll", [0.0, -40.0])
def test_an_enlarged_picture_gives_the_same_crop(
    scene: npt.NDArray[np.uint8], factor: int, roll: float
) -> None:
    box = BoundingBox(60, 40, 160, 140)
    large = cv2.resize(scene, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    larger = BoundingBox(*(factor * side for side in (box.x1, box.y1, box.x2, box.y2)))
    small_crop = crop_face(scene, box, 48, scale=0.9, roll=roll)
    large_crop = crop_face(np.asarray(large, dtype=np.uint8), larger, 48, scale=0.9, roll=roll)
    assert difference(small_crop, large_crop) < GREY_LEVELS


@pytest.mark.parametrize("side", [90, 150, 220, 333, 700])
def test_a_small_face_that_was_enlarged_comes_back_sharp(side: int) -> None:
    """Linear resampling blurred it by four grey levels, which cost a point of accuracy."""
    [face] = real_faces(1, 48)
    large = cv2.resize(face, (side, side), interpolation=cv2.INTER_CUBIC)
    picture = cv2.cvtColor(
        cv2.copyMakeBorder(large, 30, 30, 30, 30, cv2.BORDER_REPLICATE), cv2.COLOR_GRAY2RGB
    )
    crop = crop_face(picture, BoundingBox(30, 30, 30 + side, 30 + side), 48)
    assert np.abs(crop.astype(int) - face)[2:-2, 2:-2].mean() < 1.5


def test_moving_the_picture_moves_nothing_in_the_crop(scene: npt.NDArray[np.uint8]) -> None:
    moved = cv2.copyMakeBorder(scene, 31, 5, 17, 9, cv2.BORDER_CONSTANT, value=(9, 200, 30))
    before = crop_face(scene, BoundingBox(90, 50, 190, 150), 48)
    after = crop_face(np.asarray(moved, dtype=np.uint8), BoundingBox(107, 81, 207, 181), 48)
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("roll", [-120, -45, -10, 10, 45, 90, 180])
@pytest.mark.parametrize("side", [40, 96, 150])
def test_a_turned_head_is_cut_out_upright(
    scene: npt.NDArray[np.uint8], roll: int, side: int
) -> None:
    """The whole picture is turned clockwise about the head's middle; the crop turns it back."""
    box = BoundingBox(150 - side // 2, 100 - side // 2, 150 + side // 2, 100 + side // 2)
    turn = cv2.getRotationMatrix2D((149.5, 99.5), -roll, 1.0)
    turned = cv2.warpAffine(scene, turn, (300, 200), flags=cv2.INTER_CUBIC)
    inner = slice(8, -8)  # in the corners of a large head the turned picture has ended
    upright = crop_face(scene, box, 48)[inner, inner]
    level = crop_face(np.asarray(turned, np.uint8), box, 48, roll=roll)[inner, inner]
    assert difference(level, upright) < GREY_LEVELS
    assert difference(crop_face(np.asarray(turned, np.uint8), box, 48)[inner, inner], upright) > 4


def test_colours_are_read_as_rgb() -> None:
    red = np.zeros((60, 60, 3), np.uint8)
    red[..., 0] = 255
    blue = red[..., ::-1].copy()
    box = BoundingBox(5, 5, 55, 55)
    assert crop_face(red, box, 48).max() == 76  # 0.299 of 255, as in ITU-R BT.601
    assert crop_face(blue, box, 48).max() == 29  # 0.114 of 255


def test_box_and_scale_frame_the_crop() -> None:
    image = np.zeros((200, 200, 3), np.uint8)
    image[100:150, 100:150] = 255
    inside = crop_face(image, BoundingBox(100, 100, 150, 150), 48)
    assert inside.min() > 250
    around = crop_face(image, BoundingBox(100, 100, 150, 150), 48, scale=2.0)
    assert around[24, 24] == 255
    assert around.mean() / 255 == pytest.approx(0.25, abs=0.02)


def test_outside_the_picture_its_edge_goes_on() -> None:
    image = np.zeros((50, 50, 3), np.uint8)
    image[:, :25] = 200
    crop = crop_face(image, BoundingBox(0, 0, 50, 50), 48, scale=3.0)
    assert set(np.unique(crop[:, :20])) == {200}
    assert set(np.unique(crop[:, 30:])) == {0}


def test_fine_patterns_are_averaged_not_skipped() -> None:
    """A chequered picture of single pixels is grey from afar; nearest-pixel sampling shows stripes."""
    chequered = (np.indices((960, 960)).sum(axis=0) % 2 * 255).astype(np.uint8)
    image = np.repeat(chequered[..., None], 3, axis=2)
    crop = crop_face(image, BoundingBox(0, 0, 960, 960), 48)
    assert np.abs(crop.astype(float) - 127.5).max() < 3


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3, 2)])
@pytest.mark.parametrize("scale", [0.01, 1.0, 40.0])
@pytest.mark.parametrize("roll", [0.0, 33.0, -180.0])
def test_any_picture_and_any_scale_give_a_crop(
    shape: tuple[int, int], scale: float, roll: float
) -> None:
    image = np.full((*shape, 3), 90, np.uint8)
    box = BoundingBox(0, 0, shape[1], shape[0])
    crop = crop_face(image, box, 48, scale=scale, roll=roll)
    np.testing.assert_array_equal(crop, np.full((48, 48), 90, np.uint8))


@pytest.mark.parametrize("how", Normalisation)
def test_a_batch_is_its_crops_one_by_one(how: Normalisation) -> None:
    crops = np.random.default_rng(1).integers(0, 256, (5, 48, 48), dtype=np.uint8)
    batch = to_batch(crops, how)
    assert batch.shape == (5, 48, 48, 1)
    assert batch.dtype == np.float32
    for crop, row in zip(crops, batch, strict=True):
        np.testing.assert_allclose(to_batch([crop], how)[0], row, atol=1e-6)
    np.testing.assert_array_equal(to_batch(list(crops), how), batch)


@pytest.mark.parametrize(
    ("how", "black", "white"),
    [
        (Normalisation.UNIT, 0.0, 1.0),
        (Normalisation.SIGNED, -1.0, 1.0),
        (Normalisation.RAW, 0.0, 255.0),
    ],
)
def test_fixed_normalisations_map_black_and_white(
    how: Normalisation, black: float, white: float
) -> None:
    crop = np.zeros((1, 2, 2), np.uint8)
    crop[0, 0, 0] = 255
    batch = to_batch(crop, how)
    assert batch[0, 0, 0, 0] == pytest.approx(white)
    assert batch[0, 1, 1, 0] == pytest.approx(black)


def test_the_formulas_of_earlier_programs_are_covered() -> None:
    """As their source code has them."""
    grey = np.random.default_rng(5).integers(0, 256, (3, 8, 8), dtype=np.uint8)
    x = grey.astype("float32")[..., np.newaxis]
    formulas = {
        Normalisation.UNIT: x / 255.0,
        Normalisation.SIGNED: (x / 255.0 - 0.5) * 2.0,
        Normalisation.RAW: x,
        Normalisation.STANDARDISE: np.stack(
            [(face - face.mean()) / face.std() for face in x / 255]
        ),
    }
    assert set(formulas) == set(Normalisation)
    for how, expected in formulas.items():
        np.testing.assert_allclose(to_batch(grey, how), expected, atol=1e-5)


@pytest.mark.parametrize("size", [24, 48, 64])
def test_faces_are_resized_as_they_are_cut_out(size: int, scene: npt.NDArray[np.uint8]) -> None:
    face = cv2.cvtColor(scene[60:108, 50:98], cv2.COLOR_RGB2GRAY)
    resized = resize_faces(np.stack([face, face]), size)
    assert resized.shape == (2, size, size)
    assert resized.dtype == np.uint8
    cut = crop_face(scene, BoundingBox(50, 60, 98, 108), size)
    edge = size // 8  # there the picture goes on, and a face of its own does not
    inner = slice(edge, -edge)
    assert difference(resized[0][inner, inner], cut[inner, inner]) < GREY_LEVELS
    assert resize_faces(np.zeros((0, 48, 48), np.uint8), size).shape == (0, size, size)


def test_standardising_removes_brightness_and_contrast() -> None:
    crop = np.random.default_rng(2).integers(0, 100, (1, 48, 48), dtype=np.uint8)
    batch = to_batch(crop, Normalisation.STANDARDISE)
    assert batch.mean() == pytest.approx(0.0, abs=1e-5)
    assert batch.std() == pytest.approx(1.0, abs=1e-5)
    brighter = to_batch(crop * 2 + 50, Normalisation.STANDARDISE)
    np.testing.assert_allclose(brighter, batch, atol=1e-5)


def test_a_flat_crop_becomes_zeros_not_amplified_noise() -> None:
    flat = np.full((1, 48, 48), 130, np.uint8)
    assert not to_batch(flat, Normalisation.STANDARDISE).any()
