"""Random views: repeatable, of the right size, and the identity when every range is zero."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from support.labelled_faces import pattern

from emotion.preprocess import Normalisation
from emotion.training.augment import Augmentation, random_views
from emotion.training.batches import Batch, training_batches
from emotion.training.occlude import hand, mask, sunglasses

EVERYTHING = Augmentation(
    gamma=0.3, gradient=0.3, noise=0.5, webcam=0.5, occlude=0.5, cutmix=0.5, mixup=0.2
)
NOTHING = Augmentation(rotation=0, scale=0, shift=0, contrast=0, soften=0, erase=0, mixup=0)


@pytest.fixture
def images() -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.stack([pattern(index % 7, rng) for index in range(32)])


def test_zero_ranges_change_nothing_but_the_side(images: np.ndarray) -> None:
    views = random_views(images, 48, NOTHING, np.random.default_rng(0))
    for view, image in zip(views, images, strict=True):
        assert np.array_equal(view, image) or np.array_equal(view, image[:, ::-1])


def test_a_smaller_view_is_the_middle_of_the_face(images: np.ndarray) -> None:
    [view] = random_views(images[:1], 40, NOTHING, np.random.default_rng(0))
    middle = images[0, 4:44, 4:44]
    assert np.array_equal(view, middle) or np.array_equal(view, middle[:, ::-1])


def test_views_differ_from_each_other(images: np.ndarray) -> None:
    same = np.repeat(images[:1], 8, axis=0)
    views = random_views(same, 40, Augmentation(), np.random.default_rng(0))
    assert len({view.tobytes() for view in views}) == 8


def test_softened_views_lose_detail_and_nothing_else(images: np.ndarray) -> None:
    softening = dataclasses.replace(NOTHING, soften=1.0)
    views = random_views(images, 48, softening, np.random.default_rng(0)).astype(float)
    plain = random_views(images, 48, NOTHING, np.random.default_rng(0)).astype(float)

    def detail(faces: np.ndarray) -> np.ndarray:
        return np.abs(np.diff(faces, axis=2)).mean(axis=(1, 2))

    assert (views != plain).any(axis=(1, 2)).all()
    assert detail(views).mean() < 0.8 * detail(plain).mean()
    assert np.abs(views.mean(axis=(1, 2)) - plain.mean(axis=(1, 2))).max() < 3.0


@pytest.mark.parametrize("name", ["noise", "webcam", "erase", "occlude", "soften"])
def test_a_probability_decides_how_many_faces_are_changed(name: str, images: np.ndarray) -> None:
    many = np.repeat(images, 8, axis=0)  # 256
    plain = random_views(many, 48, NOTHING, np.random.default_rng(0))
    for share in (0.0, 0.3, 1.0):
        how = dataclasses.replace(NOTHING, **{name: share})
        views = random_views(many, 48, how, np.random.default_rng(0))
        changed = (views != plain).any(axis=(1, 2)).mean()
        assert abs(changed - share) < 0.1
        assert views.dtype == np.uint8


def test_gamma_keeps_the_order_of_greys_black_and_white() -> None:
    ramp = np.tile(np.arange(48, dtype=np.uint8)[:, None] * 5, (1, 48))
    ramp[-1] = 255
    views = random_views(
        np.stack([ramp] * 20), 48, dataclasses.replace(NOTHING, gamma=0.5), np.random.default_rng(0)
    )
    columns = views[:, :, 0].astype(int)
    assert (np.diff(columns, axis=1) >= 0).all()
    assert (columns[:, 0] == 0).all()
    assert (columns[:, -1] == 255).all()
    middle = columns[:, 24]
    assert middle.min() < 100 < 140 < middle.max()  # 120 before


def test_light_falls_off_to_one_side() -> None:
    grey = np.full((20, 48, 48), 120, np.uint8)
    how = dataclasses.replace(NOTHING, gradient=0.5)
    views = random_views(grey, 48, how, np.random.default_rng(0)).astype(float)
    assert np.abs(views.mean(axis=(1, 2)) - 120).max() < 1.0
    assert views.max() > 150
    assert views.min() < 90
    corners = views[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    np.testing.assert_allclose(corners[:, 0] + corners[:, 3], corners[:, 1] + corners[:, 2], atol=4)


def test_shapes_cover_the_places_that_they_are_named_for() -> None:
    rng = np.random.default_rng(0)
    masks = np.mean([mask(48, rng) for _ in range(200)], axis=0)
    glasses = np.mean([sunglasses(48, rng) for _ in range(200)], axis=0)
    hands = np.mean([hand(48, rng) for _ in range(400)], axis=0)
    eyes, mouth = (slice(14, 19), [12, 36]), (slice(35, 40), slice(18, 30))
    assert masks[mouth].mean() > 0.95
    assert masks[:18].max() == 0.0
    assert glasses[eyes].mean() > 0.6
    assert glasses[28:].max() == 0.0
    assert hands[mouth].mean() > 0.2
    assert hands[:8].mean() < 0.05
    assert abs(hands[:, :24].mean() - hands[:, 24:].mean()) < 0.05  # left as often as right
    for covered in (masks, glasses, hands):
        assert 0.05 < covered.mean() < 0.5


def test_a_webcam_costs_detail(images: np.ndarray) -> None:
    how = dataclasses.replace(NOTHING, webcam=1.0)
    views = random_views(images, 48, how, np.random.default_rng(0)).astype(float)
    plain = random_views(images, 48, NOTHING, np.random.default_rng(0)).astype(float)
    detail = [np.abs(np.diff(faces, axis=2)).mean() for faces in (views, plain)]
    assert detail[0] < 0.8 * detail[1]
    assert np.abs(views.mean(axis=(1, 2)) - plain.mean(axis=(1, 2))).max() < 5.0


def test_the_same_seed_gives_the_same_epoch(images: np.ndarray) -> None:
    labels = np.eye(7, dtype=np.float32)[np.arange(32) % 7]
    votes = np.zeros((32, 8), np.float32)

    def epoch(seed: tuple[int, ...]) -> list[np.ndarray]:
        batches = training_batches(
            images,
            labels,
            votes,
            batch_size=10,
            size=40,
            augmentation=EVERYTHING,
            normalisation=Normalisation.STANDARDISE,
            seed=seed,
        )
        return [batch.inputs for batch in batches]

    first, again, other = epoch((1, 0)), epoch((1, 0)), epoch((1, 1))
    assert [batch.shape for batch in first] == [(10, 40, 40, 1)] * 3
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_mixup_blends_targets_as_it_blends_pictures(images: np.ndarray) -> None:
    labels = np.eye(7, dtype=np.float32)[np.arange(32) % 7]
    how = Augmentation(rotation=0, scale=0, shift=0, contrast=0, erase=0, mixup=5.0)
    sums = []
    for seed in range(6):
        for batch in training_batches(
            images,
            labels,
            np.zeros((32, 8), np.float32),
            batch_size=32,
            size=48,
            augmentation=how,
            normalisation=Normalisation.STANDARDISE,
            seed=(seed,),
        ):
            np.testing.assert_allclose(batch.labels.sum(axis=1), 1.0, rtol=1e-5)
            sums.append(bool((batch.labels.max(axis=1) < 1.0).any()))
    assert any(sums)  # some batches are blended
    assert not all(sums)  # and some are not


def test_cutmix_blends_targets_by_the_pixels_that_it_takes() -> None:
    """White faces of one class and black ones of another: the share of white is the share of the class."""
    images = np.zeros((32, 48, 48), np.uint8)
    images[::2] = 255
    labels = np.eye(7, dtype=np.float32)[np.arange(32) % 2]
    votes = np.eye(8, dtype=np.float32)[np.arange(32) % 2]
    how = dataclasses.replace(NOTHING, cutmix=1.0)
    shares = []
    for seed in range(5):
        [batch] = training_batches(
            images,
            labels,
            votes,
            batch_size=32,
            size=48,
            augmentation=how,
            normalisation=Normalisation.UNIT,
            seed=(seed,),
        )
        assert isinstance(batch, Batch)
        white = batch.inputs.mean(axis=(1, 2, 3))
        np.testing.assert_allclose(batch.labels[:, 0], white, atol=1e-3)
        np.testing.assert_allclose(batch.votes[:, 0], white, atol=1e-3)
        shares += white.tolist()
    assert any(0.01 < share < 0.99 for share in shares)
