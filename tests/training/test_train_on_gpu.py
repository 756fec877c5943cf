"""scripts/train_on_gpu.py on a processor, with networks of a few channels; run where PyTorch is installed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.labelled_faces import voted_faces
from support.places import ROOT

from emotion.training.targets import read_soft_targets

torch = pytest.importorskip("torch", reason="PyTorch is needed for training on a GPU only")

TINY = ((4, 4, 4, 4), 0.1)


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import train_on_gpu

    monkeypatch.setattr(train_on_gpu, "TEACHER", TINY)
    monkeypatch.setattr(train_on_gpu, "STUDENT", TINY)
    monkeypatch.setattr(train_on_gpu, "RESIDUAL", ((8, 8, 8, 8), 0.1))
    monkeypatch.setattr("torch_fit.STATISTICS_BATCHES", 2)
    return train_on_gpu


@pytest.fixture
def data(tmp_path: Path) -> Path:
    arrays = {}
    for split, count in (("train", 140), ("validation", 70)):
        faces = voted_faces(count, seed=count)
        names = ("images", "labels", "votes", "duplicated")
        arrays |= {f"{split}_{name}": getattr(faces, name) for name in names}
    np.savez(tmp_path / "faces.npz", **arrays)
    return tmp_path / "faces.npz"


def run(program: Any, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["train_on_gpu.py", *map(str, arguments), "--device", "cpu"])
    return int(program.main())


def test_teachers_student_and_the_finish(
    program: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    common = ("--data", data, "--report-every", 1)
    gpu, fine = tmp_path / "gpu", tmp_path / "fine"
    seconds = ("--teacher-seconds", 3, 3, "--student-seconds", 3)
    assert run(program, monkeypatch, "distil", *common, "--out", gpu, *seconds) == 0
    again = ("--also-taught-by", gpu / "student.npz", "--teacher-seconds", "--student-seconds", 1)
    assert run(program, monkeypatch, "distil", *common, "--out", fine, *again) == 0
    soft = read_soft_targets(gpu / "soft_targets.npz", 140)  # every face, duplicated ones too
    assert soft.labels.std() > 0
    finish = ("--start-from", gpu / "student.npz", "--soft-targets", gpu / "soft_targets.npz")
    assert (
        run(program, monkeypatch, "finish", *common, "--out", fine, *finish, "--minutes", 0.05) == 0
    )
    with np.load(gpu / "student.npz") as before, np.load(fine / "student.npz") as after:
        assert list(before) == list(after)
        first, last = "features.0.weight", "heads.weight"
        np.testing.assert_array_equal(before[first], after[first])  # the first block stays
        assert not np.array_equal(before[last], after[last])
    history = json.loads((fine / "student.json").read_text())
    assert {"loss", "accuracy", "mean_recall", "ferplus", "validation_loss"} <= set(history[-1])


def test_what_is_no_soft_target_is_refused(
    program: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    options = ("--out", tmp_path, "--start-from", data, "--soft-targets", data)
    assert run(program, monkeypatch, "finish", "--data", data, *options) == 1
    assert "Soft targets must be" in capsys.readouterr().err


def test_changes_keep_faces_faces() -> None:
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        from torch_faces import light_changes, standardised, strong_changes
    finally:
        sys.path.pop(0)
    torch.manual_seed(0)
    faces = torch.rand(64, 1, 48, 48)
    for change in (strong_changes, light_changes):
        changed = change(faces)
        assert changed.shape == faces.shape
        assert 0.0 <= float(changed.min()) <= float(changed.max()) <= 1.0
        assert float((changed - faces).abs().mean(dim=(1, 2, 3)).min()) > 0
    x = standardised(faces)
    assert float(x.mean(dim=(2, 3)).abs().max()) < 1e-5
    assert float((x.std(dim=(2, 3), correction=0) - 1).abs().max()) < 1e-4
