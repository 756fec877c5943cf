"""The README's figures are those of the result files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_the_readme_shows_the_measured_figures() -> None:
    command = [sys.executable, "-m", "benchmarks.tables", "--check"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, "Run python -m benchmarks.tables and commit README.md."
