"""Random views: repeatable, of the right size, and the identity when every range is zero."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from emotion.augment import Augmentation, random_views, training_batches
from emotion.preprocess import Normalisation
from tests.labelled_faces import pattern

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
            augmentation=Augmentation(),
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
