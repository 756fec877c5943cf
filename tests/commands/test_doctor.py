"""``python -m emotion doctor`` finds faults where there are some. A sound installation: test_offline.py."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.places import ROOT

from emotion.weights.files import file_entry
from emotion.weights.find import find_weights

OLD = ROOT / "tests" / "keras_files" / "old_keras"


def doctor(
    *arguments: str, cwd: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "emotion", "doctor", *arguments],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=400,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the program that a test may damage."""
    for folder in ("emotion", "examples"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copytree(find_weights(), tmp_path / "weights" / find_weights().name)
    return tmp_path


def faults(result: subprocess.CompletedProcess[str]) -> dict[str, dict[str, str]]:
    checks = map(json.loads, result.stdout.splitlines())
    return {check["name"]: check for check in checks if not check["ok"]}


def test_damaged_weights_are_found_and_their_fix_is_named(checkout: Path) -> None:
    """Weights may be two files: the network's plan as JSON, and its numbers."""
    [path] = (checkout / "weights").glob("*/model.tflite")
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    mine = checkout / "weights" / "mine"
    describe_in_two_files(mine)
    (mine / "model.json").write_text("{}")
    result = doctor("--json", cwd=checkout)
    found = faults(result)
    assert result.returncode == 1
    assert "model.json is damaged" in found.pop("weights mine")["found"]
    assert set(found) == {f"weights {path.parent.name}", "runtime litert"}
    for fault in found.values():
        assert "sha256" in fault["found"]
        assert "git checkout" in fault["fix"] or "install" in fault["fix"]


def describe_in_two_files(folder: Path) -> None:
    """A weights folder as ``emotion describe --architecture`` writes it."""
    folder.mkdir()
    shutil.copy(OLD / "sequential_weights.h5", folder)
    shutil.copy(OLD / "sequential.json", folder / "model.json")
    entry = file_entry(folder / "sequential_weights.h5")
    entry["architecture"] = file_entry(folder / "model.json")
    config = json.loads((find_weights() / "config.json").read_text()) | {"name": folder.name}
    config |= {"outputs": ["shown"], "files": {"keras": entry}}
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(("kept", "gone"), [("litert", "keras"), ("keras", "litert")])
def test_weights_for_one_runtime_are_no_fault(kept: str, gone: str, tmp_path: Path) -> None:
    shutil.copytree(find_weights(), tmp_path / "mine")
    path = tmp_path / "mine" / "config.json"
    config = json.loads(path.read_text())
    del config["files"][gone]
    path.write_text(json.dumps(config))
    result = doctor("--json", EMOTION_WEIGHTS=str(path.parent))
    assert faults(result) == {}
    checks = {check["name"]: check for check in map(json.loads, result.stdout.splitlines())}
    assert "no file for it" in checks[f"runtime {gone}"]["found"]
    assert "answers" in checks[f"runtime {kept}"]["found"]


def test_weights_that_nothing_runs_are_a_fault(tmp_path: Path) -> None:
    config = json.loads((find_weights() / "config.json").read_text()) | {"files": {}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    result = doctor("--json", EMOTION_WEIGHTS=str(tmp_path))
    assert set(faults(result)) == {"weights"}
    assert "EMOTION_WEIGHTS" in faults(result)["weights"]["fix"]


def test_missing_parts_do_not_stop_the_other_checks(checkout: Path) -> None:
    """No weights, no detector model, no examples: text output, one fix for each fault."""
    shutil.rmtree(checkout / "weights")
    for model in (checkout / "emotion" / "faces" / "models").iterdir():
        model.unlink() if model.is_file() else shutil.rmtree(model)
    result = doctor(cwd=checkout)
    lines = result.stdout.splitlines()
    assert result.returncode == 1
    assert [line for line in lines if line.startswith("FAULT") and "weights" in line]
    assert [line for line in lines if line.startswith("FAULT") and "mediapipe" in line]
    assert [line for line in lines if line.startswith("OK") and "opencv" in line]
    marks = [line for line in lines if line.startswith("FAULT")]
    fixes = [line for line in lines if line.strip().startswith("fix: ")]
    assert len(marks) == len(fixes)
    assert lines[-1] == f"{len(marks)} faults found."
    assert "Traceback" not in result.stdout + result.stderr
