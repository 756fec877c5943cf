"""Input that once ended or hung the program, found by benchmarks/fuzz.py, is refused with a message."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.places import ROOT

from benchmarks.fuzz import KINDS, damaged, try_one
from emotion.keras_files import probe

FUZZED = ROOT / "tests" / "fuzzed"


@pytest.mark.parametrize(
    "path", sorted(FUZZED.glob("*/*")), ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_what_failed_once_is_refused(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "PATIENCE_S", 1.5)
    assert try_one(path.parent.name, path.read_bytes(), tmp_path) == ""


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"network"}))
def test_good_input_is_read_and_damaged_input_answered(kind: str, tmp_path: Path) -> None:
    seeds = KINDS[kind].seeds()
    for good in seeds:
        KINDS[kind].read(good, tmp_path)
    for number in range(10):
        assert try_one(kind, damaged(seeds, 1, number), tmp_path) == ""
