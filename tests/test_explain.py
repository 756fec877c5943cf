"""Why a face got its label, tried with a network whose reasons are known and with the shipped one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from emotion.classifier import MAX_BATCH, Classifier
from emotion.explain import STEPS, VIEWS, Explanation, explain
from emotion.images import read_image
from emotion.pipeline import EmotionPipeline
from emotion.types import Emotion

SIDE = 48


class Looker(Classifier):
    """Calls a face happy as far as one part of it is bright, else neutral; counts its calls."""

    def __init__(self, rows: slice, columns: slice) -> None:
        with EmotionPipeline.from_pretrained() as pipeline:
            super().__init__(pipeline.classifier.spec)
        self.rows, self.columns, self.batches = rows, columns, list[int]()

    def all_probabilities(self, crops: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        self.batches.append(len(crops))
        bright = crops[:, self.rows, self.columns].mean(axis=(1, 2)) / 255
        values = np.zeros((len(crops), len(Emotion)), np.float32)
        values[:, self.spec.labels.index(Emotion.HAPPY)] = bright
        values[:, self.spec.labels.index(Emotion.NEUTRAL)] = 1 - bright
        return {"shown": values}

    def _run(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        raise NotImplementedError


def face(rows: slice, columns: slice) -> npt.NDArray[np.uint8]:
    """Dark, with one bright part."""
    crop = np.zeros((SIDE, SIDE), np.uint8)
    crop[rows, columns] = 255
    return crop


def why(looker: Looker, crop: npt.NDArray[np.uint8]) -> Explanation:
    [prediction] = looker.classify([crop])
    looker.batches.clear()
    return explain(looker, crop, prediction)


@pytest.mark.parametrize("row", [0, 2, 4])
@pytest.mark.parametrize("column", [0, 2, 4])
def test_the_part_that_the_answer_rests_on_is_found(row: int, column: int) -> None:
    top, left = (round(place * 34 / 4) for place in (row, column))
    part = slice(top, top + 14), slice(left, left + 14)
    found = why(Looker(*part), face(*part))
    assert found.label is Emotion.HAPPY
    assert np.unravel_index(found.drops.argmax(), found.drops.shape) == (row, column)
    heat = found.heat(SIDE)
    assert heat[part].mean() > 4 * np.delete(heat, np.r_[part[0]], axis=0).mean()
    assert heat.min() >= 0


def test_one_call_of_the_network_for_each_face() -> None:
    looker = Looker(slice(0, 12), slice(0, 12))
    why(looker, face(slice(0, 12), slice(0, 12)))
    assert looker.batches == [STEPS**2 + len(VIEWS)]
    assert looker.batches[0] <= MAX_BATCH


def test_views_that_change_the_answer_are_counted() -> None:
    """The bright part is in the left half: only the mirrored face hides it from the network."""
    half = slice(0, SIDE), slice(0, SIDE // 2 - 6)
    found = why(Looker(*half), face(slice(0, SIDE), slice(0, SIDE // 2)))
    assert found.views["mirrored"] is Emotion.NEUTRAL
    assert [name for name, label in found.views.items() if label is not found.label] == ["mirrored"]
    assert found.agreeing == len(VIEWS) - 1


def test_views_are_changed_but_little() -> None:
    rng = np.random.default_rng(0)
    crop = np.kron(rng.integers(40, 216, (12, 12)), np.ones((4, 4))).astype(np.uint8)
    for name, change in VIEWS.items():
        view = change(crop)
        assert (view.shape, view.dtype) == (crop.shape, crop.dtype)
        assert not np.array_equal(view, crop), name
    centre = VIEWS["moved right"](crop)[:, 10:]
    difference = np.abs(centre.astype(int) - crop[:, 8:-2]).mean()
    assert difference < np.abs(centre.astype(int) - crop[:, 10:]).mean() / 2, "2.4 pixels right"


def test_the_shipped_network_explains_a_smile(portrait: Path) -> None:
    image = read_image(portrait)
    with EmotionPipeline.from_pretrained() as pipeline:
        [seen] = pipeline(image)
        crop = pipeline.crop(image, seen)
        found = explain(pipeline.classifier, crop, seen.prediction)
    assert found.label is seen.prediction.label is Emotion.HAPPY
    assert found.agreeing >= 6
    heat = found.heat(SIDE)
    assert heat[SIDE // 2 :].sum() > heat[: SIDE // 2].sum(), "a smile is read from the mouth"


def test_json_has_plain_values() -> None:
    found = Explanation(
        Emotion.SAD, 0.5, np.full((STEPS, STEPS), 0.25, np.float32), {"mirrored": Emotion.SAD}
    )
    assert found.as_dict() == {
        "label": "sad",
        "drops": [[0.25] * STEPS] * STEPS,
        "views": {"mirrored": "sad"},
        "agreeing": 1,
    }
