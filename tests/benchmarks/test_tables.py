"""The README's figures are those of the result files, and those of the weights that are shipped."""

from __future__ import annotations

import json
import subprocess
import sys

from support.places import ROOT

from emotion.weights.config import read_spec
from emotion.weights.find import find_weights


def test_the_readme_shows_the_measured_figures() -> None:
    command = [sys.executable, "-m", "benchmarks.tables", "--check"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, "Run python -m benchmarks.tables and commit README.md."


def test_the_framing_was_measured_with_the_shipped_weights() -> None:
    """Else the README would put figures of two networks side by side."""
    result = json.loads((ROOT / "benchmarks" / "results" / "framing.json").read_text())
    files = read_spec(find_weights("compact")).files
    assert result["sha256"] == {runtime: file.sha256 for runtime, file in files.items()}, (
        "Run python -m benchmarks.framing --data … --json … --markdown … and benchmarks.tables."
    )
