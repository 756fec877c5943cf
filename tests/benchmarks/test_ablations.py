"""The ablations: their table is that of their figures, and figures those of the faces."""

from __future__ import annotations

import json

import pytest
from support.labelled_faces import voted_faces
from support.places import ROOT

pytest.importorskip("tensorflow", reason="TensorFlow is needed for training only")

from benchmarks import ablations
from emotion.training.network import compile_network
from emotion.training.recipe import FIELDS, Recipe
from emotion.types import Emotion

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_the_table_is_that_of_the_figures() -> None:
    results = ROOT / "benchmarks" / "results"
    runs = json.loads((results / "ablations.json").read_text())["runs"]
    assert (results / "ablations.md").read_text() == ablations.markdown(runs)


def test_every_variant_changes_settings_that_there_are() -> None:
    assert all(set(changes) <= set(FIELDS) for changes in ablations.VARIANTS.values())


def test_recalls_are_those_of_the_faces() -> None:
    data = voted_faces(40)
    found = ablations.figures(compile_network(Recipe(), data), data)
    right = sum(
        found["recall"][emotion] * (data.labels == number).sum()
        for number, emotion in enumerate(Emotion)
    )
    assert right == pytest.approx(found["fer2013_right"].count("1"))
    assert len(found["fer2013_right"]) == len(data)
