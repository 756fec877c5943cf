"""``python -m emotion doctor``: finds nothing here, and finds faults where there are some."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from emotion.faces import DETECTORS
from emotion.weights import find_weights, shipped_weights

ROOT = Path(__file__).resolve().parent.parent.parent


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


def test_this_installation_is_sound() -> None:
    result = doctor("--json")
    checks = {check["name"]: check for check in map(json.loads, result.stdout.splitlines())}
    assert [check for check in checks.values() if not check["ok"]] == []
    assert result.returncode == 0
    expected = {"python", "opencv", "mediapipe", "gradio", "weights", "disk", "browser"}
    expected |= {f"detector {name}" for name in DETECTORS}
    expected |= {f"weights {name}" for name in shipped_weights()}
    expected |= {"runtime litert", "runtime keras"}
    assert set(checks) >= expected


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


def test_damaged_weights_are_found_and_their_mend_is_named(checkout: Path) -> None:
    [path] = (checkout / "weights").glob("*/model.tflite")
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    result = doctor("--json", cwd=checkout)
    found = faults(result)
    assert result.returncode == 1
    assert set(found) == {f"weights {path.parent.name}", "runtime litert"}
    for fault in found.values():
        assert "sha256" in fault["found"]
        assert "git checkout" in fault["mend"] or "install" in fault["mend"]


def test_missing_parts_do_not_stop_the_other_checks(checkout: Path) -> None:
    """No weights, no detector model, no examples: text output, one mend for each fault."""
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
    mends = [line for line in lines if line.strip().startswith("mend: ")]
    assert len(marks) == len(mends)
    assert lines[-1] == f"{len(marks)} faults found."
    assert "Traceback" not in result.stdout + result.stderr
