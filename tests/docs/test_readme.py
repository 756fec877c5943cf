"""What the README tells people to type works: its Python, and the commands marked ``<!-- run -->``."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from support.places import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
MARKED = re.findall(r"^<!-- run -->\n```\w*\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
COMMANDS = [line for block in MARKED for line in block.splitlines() if line.strip()]


def test_there_is_something_to_run() -> None:
    assert SNIPPETS
    assert len(COMMANDS) >= 4


@pytest.mark.parametrize("snippet", [s for s in SNIPPETS if "gradio_client" not in s])
def test_python_snippets_run_and_print(snippet: str) -> None:
    """Snippets for a running server are run by the tests of the API."""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", snippet],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip()


@pytest.mark.parametrize("command", COMMANDS)
def test_marked_commands_run(command: str, tmp_path: Path) -> None:
    words = [word.replace("/tmp/", f"{tmp_path}/") for word in shlex.split(command)]
    assert words[0] == "python"
    environment = {key: value for key, value in os.environ.items() if key != "EMOTION_WEIGHTS"}
    result = subprocess.run(
        [sys.executable, *words[1:]],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.strip() or list(tmp_path.rglob("*.*"))


def test_links_lead_somewhere() -> None:
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    for document in documents:
        text = document.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
            if not target.startswith(("http:", "https:")):
                assert (document.parent / target).exists(), f"{document.name}: {target}"
