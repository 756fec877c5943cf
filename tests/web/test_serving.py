"""The app's options for serving: a password, and a proxy that serves it under a path."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.running_app import run_app, running_app
from tests.web.conftest import Server

ROOT = Path(__file__).resolve().parents[2]
IN_CONTAINER = "http://127.0.0.1:7860"

WITHOUT_A_LINK = """
import gradio, app
gradio.Blocks.launch = lambda self, **options: print(f"share={options['share']}")
app.main()
"""
"""Runs ``app.py`` up to the moment in which Gradio would open the link."""


def test_a_password_keeps_others_out_and_the_page_knows_its_path(tmp_path: Path) -> None:
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    options = ("--auth", "me:secret", "--root-path", "/faces")
    with running_app(tmp_path / "log", *options) as app:
        with pytest.raises(urllib.error.HTTPError, match="401"):
            browser.open(f"{app.url}/config", timeout=30)
        wrong = urlencode({"username": "me", "password": "x"}).encode()
        with pytest.raises(urllib.error.HTTPError, match="400"):
            browser.open(f"{app.url}/login", wrong, timeout=30)
        right = urlencode({"username": "me", "password": "secret"}).encode()
        browser.open(f"{app.url}/login", right, timeout=30).close()
        with browser.open(f"{app.url}/config", timeout=30) as response:
            assert b"/faces" in response.read()


def health_check(url: str) -> int:
    """Run the Dockerfile's own check against another address; its exit status."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    [found] = re.findall(r"^HEALTHCHECK.*\\\n\s+CMD (\[.*\])$", text, re.MULTILINE)
    interpreter, *arguments = json.loads(found)
    assert interpreter == "python"
    command = [sys.executable, *(argument.replace(IN_CONTAINER, url) for argument in arguments)]
    return subprocess.run(command, capture_output=True, check=False, timeout=120).returncode


def test_the_containers_health_check(server: Server) -> None:
    assert health_check(server.url) == 0


def test_the_containers_health_check_notices_broken_weights(tmp_path: Path) -> None:
    with running_app(tmp_path / "log", "--weights", str(tmp_path)) as app:
        assert health_check(app.url) != 0


def test_a_public_link_without_a_password_is_warned_about() -> None:
    done = run_app("-c", WITHOUT_A_LINK, "--share")
    assert "Add --auth USER:PASSWORD" in done.stderr
    assert "share=True" in done.stdout
    protected = run_app("-c", WITHOUT_A_LINK, "--share", "--auth", "me:secret")
    assert "Add --auth USER:PASSWORD" not in protected.stderr
    assert "share=True" in protected.stdout


@pytest.mark.parametrize("text", ["me", "me:", ":secret"])
def test_half_a_password_is_refused(text: str) -> None:
    done = run_app("app.py", "--auth", text)
    assert done.returncode == 2
    assert "USER:PASSWORD" in done.stderr
