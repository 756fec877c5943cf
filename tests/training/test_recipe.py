"""Recipes: the files of the repository, values of the wrong kind, options over files."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

import pytest

from emotion.errors import TrainingError
from emotion.training.architectures import ARCHITECTURES
from emotion.training.recipe import RECIPES, Recipe, add_options, from_options, read_recipe

NAMES = sorted(path.stem for path in RECIPES.glob("*.toml"))


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_can_be_trained(name: str) -> None:
    recipe = read_recipe(name)
    assert recipe.name == name
    assert recipe.architecture in ARCHITECTURES
    rates = [recipe.rate(epoch / 4) for epoch in range(4 * recipe.epochs)]
    assert all(0 < rate <= recipe.learning_rate for rate in rates)
    assert recipe.crop_size(recipe.epochs - 1) == 48
    last = recipe.augmentation(recipe.epochs - 1)
    assert (last.mixup, last.cutmix) == (0.0, 0.0)


def test_quick_is_the_default_made_short() -> None:
    changed = {
        key for key, value in asdict(read_recipe("quick")).items() if asdict(Recipe())[key] != value
    }
    assert {"name", "epochs", "faces"} <= changed
    assert "learning_rate" not in changed


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\nlearning_rate = 1\n')
    recipe = read_recipe(str(path))
    assert recipe == Recipe(name="mine", learning_rate=1.0)
    assert type(recipe.learning_rate) is float


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learnig_rate = 0.1", "unknown setting 'learnig_rate'"),
        ("epochs = 3.5", "epochs must be of type int. Received: 3.5"),
        ("epochs = true", "epochs must be of type int. Received: True"),
        ("name = 3", "name must be of type str. Received: 3"),
        ("epochs = ", "must be a TOML file"),
        ("[section]\nepochs = 3", "unknown setting 'section'"),
    ],
)
def test_what_is_no_recipe_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(TrainingError, match=message):
        read_recipe(str(path))


def test_names_of_recipes_are_said_when_one_is_missing() -> None:
    with pytest.raises(TrainingError, match=rf"{', '.join(NAMES)}.*Received: 'none'"):
        read_recipe("none")


def test_an_option_goes_before_the_file() -> None:
    parser = argparse.ArgumentParser()
    base = read_recipe("four_block")
    add_options(parser, base)
    recipe = from_options(parser.parse_args(["--epochs", "2", "--logit-adjustment", "0.75"]))
    assert recipe == Recipe(**(asdict(base) | {"epochs": 2, "logit_adjustment": 0.75}))
