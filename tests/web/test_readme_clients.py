"""The README's examples for other programs, run as they stand there against the running app."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.places import ROOT
from support.programs import find_program
from support.running_app import Server

README = ROOT / "README.md"


@pytest.fixture
def snippet(request: pytest.FixtureRequest, server: Server, portrait: Path) -> str:
    """The one snippet of a language that names the server, with this server's address and a real picture."""
    text = README.read_text(encoding="utf-8")
    found = re.findall(rf"^```{request.param}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    [snippet] = [code for code in found if "7860" in code]
    return snippet.replace("http://127.0.0.1:7860", server.url).replace("photo.jpg", str(portrait))


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("snippet", ["python"], indirect=True)
def test_python(snippet: str, tmp_path: Path) -> None:
    assert "'label': 'happy'" in run(sys.executable, "-c", snippet, cwd=tmp_path)


@pytest.mark.parametrize("snippet", ["sh"], indirect=True)
def test_curl(snippet: str, tmp_path: Path) -> None:
    find_program(("curl",), "the curl example", "curl")
    assert '"label": "happy"' in run("sh", "-euc", snippet, cwd=tmp_path)


@pytest.mark.parametrize("snippet", ["js"], indirect=True)
def test_javascript(snippet: str, tmp_path: Path) -> None:
    npm = find_program(("npm",), "the JavaScript example", "npm")
    node = find_program(("node",), "the JavaScript example", "nodejs")
    try:
        run(npm, "install", "--no-audit", "--no-fund", "@gradio/client@2.7", cwd=tmp_path)
    except AssertionError:
        if os.environ.get("CI"):
            raise
        pytest.skip("npm could not fetch @gradio/client; a network is needed for this test")
    (tmp_path / "example.mjs").write_text(snippet, encoding="utf-8")
    assert "label: 'happy'" in run(node, "example.mjs", cwd=tmp_path)
