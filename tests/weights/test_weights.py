"""Weights are found, described and checked; nothing is ever guessed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from emotion.errors import WeightsError
from emotion.types import Emotion
from emotion.weights.config import read_spec
from emotion.weights.figures import read_figures, read_history
from emotion.weights.files import sha256_of
from emotion.weights.find import (
    DEFAULT_WEIGHTS,
    WEIGHTS_VARIABLE,
    find_weights,
    name_pretrained,
    shipped_weights,
)


@pytest.fixture(autouse=True)
def no_wish_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WEIGHTS_VARIABLE, raising=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the shipped weights that a test may damage."""
    folder = tmp_path / "mine"
    shutil.copytree(find_weights(), folder)
    return folder


def edit(folder: Path, **changes: Any) -> None:
    """Change fields of ``config.json``; None removes one."""
    path = folder / "config.json"
    config = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))


def test_the_shipped_weights_come_first_and_are_complete() -> None:
    assert shipped_weights()[0] == DEFAULT_WEIGHTS
    for name in shipped_weights():
        spec = read_spec(find_weights(name))
        assert set(spec.files) >= {"litert", "keras"}
        assert sorted(spec.labels) == sorted(Emotion)
        for file in spec.files.values():
            assert file.verified().stat().st_size < 10 * 2**20


def test_weights_are_found_by_folder_by_name_and_by_default(copy: Path) -> None:
    assert find_weights(copy) == find_weights(str(copy)) == copy
    assert find_weights(DEFAULT_WEIGHTS).name == DEFAULT_WEIGHTS
    assert find_weights() == find_weights(DEFAULT_WEIGHTS)


def test_the_environment_names_weights_unless_the_caller_does(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(copy))
    assert find_weights() == copy
    assert find_weights(DEFAULT_WEIGHTS) != copy


def test_unknown_weights_are_refused_with_a_list_of_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=rf"{DEFAULT_WEIGHTS}.*Received: 'nothing-here'"):
        find_weights("nothing-here")
    with pytest.raises(WeightsError, match=r"config\.json"):
        find_weights(tmp_path)


def test_a_changed_file_is_refused_before_it_is_opened(copy: Path) -> None:
    file = read_spec(copy).files["litert"]
    content = bytearray(file.path.read_bytes())
    content[len(content) // 2] ^= 1
    file.path.write_bytes(content)
    with pytest.raises(
        WeightsError, match=f"must be {file.sha256}. Received: {sha256_of(file.path)}"
    ):
        file.verified()


def test_a_missing_file_is_named(copy: Path) -> None:
    file = read_spec(copy).files["litert"]
    file.path.unlink()
    with pytest.raises(WeightsError, match=f"{file.path.name} is missing"):
        file.verified()


def test_the_runtime_follows_the_files(copy: Path) -> None:
    assert read_spec(copy).runtime("auto") == "litert"
    assert read_spec(copy).runtime("keras") == "keras"
    files = json.loads((copy / "config.json").read_text())["files"]
    edit(copy, files={"keras": files["keras"]})
    assert read_spec(copy).runtime("auto") == "keras"


def test_a_file_of_weights_may_have_its_architecture_beside_it(copy: Path) -> None:
    described = {"file": "model.json", "sha256": "1" * 64}
    edit(copy, files={"keras": {"file": "old.h5", "sha256": "0" * 64, "architecture": described}})
    weights, architecture = read_spec(copy).files["keras"].parts
    assert (weights.path, architecture.path) == (copy / "old.h5", copy / "model.json")
    with pytest.raises(WeightsError, match=r"model\.json is missing"):
        architecture.verified()
    described["file"] = "../model.json"
    edit(copy, files={"keras": {"file": "old.h5", "sha256": "0" * 64, "architecture": described}})
    with pytest.raises(WeightsError, match="must lie in the weights folder itself"):
        read_spec(copy)


def test_labels_keep_the_order_of_the_file(copy: Path) -> None:
    labels = [str(label) for label in reversed(Emotion)]
    edit(copy, labels=labels)
    assert list(read_spec(copy).labels) == labels


@pytest.mark.parametrize(
    "labels",
    [
        ["angry", "disgust", "fear", "happy", "sad", "surprise"],
        ["angry", "angry", "fear", "happy", "sad", "surprise", "neutral"],
        ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "sad"],
        ["angry", "disgust", "fear", "happy", "sad", "surprise", "contempt"],
    ],
)
def test_labels_name_each_expression_once(copy: Path, labels: list[str]) -> None:
    edit(copy, labels=labels)
    with pytest.raises(WeightsError, match=r"config\.json"):
        read_spec(copy)


@pytest.mark.parametrize("name", ["../outside.tflite", "/etc/passwd", "sub/model.tflite", "..", ""])
def test_a_file_outside_the_folder_is_refused(copy: Path, name: str) -> None:
    edit(copy, files={"litert": {"file": name, "sha256": "0" * 64}})
    with pytest.raises(WeightsError, match="must lie in the weights folder itself"):
        read_spec(copy)


@pytest.mark.parametrize("field", ["name", "labels", "input_size", "normalisation", "files"])
def test_a_missing_field_is_named(copy: Path, field: str) -> None:
    edit(copy, **{field: None})
    with pytest.raises(WeightsError, match=f"must have the field '{field}'"):
        read_spec(copy)


@pytest.mark.parametrize(
    "changes",
    [
        {"normalisation": "imagenet"},
        {"activation": "relu"},
        {"files": {"keras": {"file": "a.h5", "sha256": "0", "architecture": "a.json"}}},
        {"input_size": "large"},
        {"input_size": 0},
        {"files": ["model.tflite"]},
        {"files": {"litert": "model.tflite"}},
        {"labels": 7},
        {"crop_scale": "wide"},
        {"crop_scale": 0},
        {"crop_scale": float("nan")},
        {"input_size": float("inf")},
    ],
)
def test_a_field_of_the_wrong_kind_is_refused(copy: Path, changes: dict[str, Any]) -> None:
    edit(copy, **changes)
    with pytest.raises(WeightsError, match="not a valid description"):
        read_spec(copy)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "\ufeff{}", "7"])
def test_a_description_that_is_no_json_object_is_refused(copy: Path, content: str) -> None:
    (copy / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(WeightsError, match=r"config\.json"):
        read_spec(copy)


def test_a_description_that_is_no_text_is_refused(copy: Path) -> None:
    (copy / "config.json").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(WeightsError, match="not a valid description"):
        read_spec(copy)


DEEP = "[" * 100_000
"""Python's reader of JSON gives up on it with an error that is no ValueError."""


def test_a_description_that_is_nested_too_deeply_is_refused(copy: Path) -> None:
    (copy / "config.json").write_text(DEEP)
    with pytest.raises(WeightsError, match="not a valid description"):
        read_spec(copy)


@pytest.mark.parametrize("content", [DEEP, "{", '[{"loss": 1}, {}]', "[7]", "7"])
def test_figures_of_another_kind_are_none(content: str, tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    assert read_figures(path, {"loss"}) == []
    path.write_text(content)
    assert read_figures(path, {"loss"}) == []


@pytest.mark.parametrize("content", ['{"loss": [1.5, 1.2]}', '[{"loss": "1.5"}]', "[]", "{"])
def test_a_history_of_another_kind_is_none(content: str, tmp_path: Path) -> None:
    (tmp_path / "history.json").write_text(content)
    assert read_history(tmp_path) == []


def test_a_history_is_read_as_it_is() -> None:
    history = json.loads((find_weights() / "history.json").read_text())
    assert history
    assert read_history(find_weights()) == history


def test_owner_and_name_mean_a_repository_unless_something_is_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert name_pretrained("me/faces") == "hf://me/faces"
    assert name_pretrained("me/faces", "v1") == "hf://me/faces@v1"
    assert name_pretrained("hf://me/faces", "v1") == "hf://me/faces@v1"
    (tmp_path / "me" / "faces").mkdir(parents=True)
    assert name_pretrained("me/faces") == "me/faces"
    assert name_pretrained("hf://me/faces") == "hf://me/faces"


@pytest.mark.parametrize(
    "which", [None, "compact", "./faces", "a/b/c", "~/faces", Path("you/faces")]
)
def test_what_is_no_repository_stays_and_has_no_revision(which: str | Path | None) -> None:
    assert name_pretrained(which) == which
    with pytest.raises(WeightsError, match="revision"):
        name_pretrained(which, "v1")


def test_a_revision_is_given_once() -> None:
    with pytest.raises(WeightsError, match="once"):
        name_pretrained("hf://me/faces@v1", "v2")
