"""The app's options for serving: a password, and a proxy that serves it under a path."""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.running_app import running_app

ROOT = Path(__file__).resolve().parents[2]


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


@pytest.mark.parametrize("text", ["me", "me:", ":secret"])
def test_half_a_password_is_refused(text: str) -> None:
    done = subprocess.run(
        [sys.executable, "app.py", "--auth", text],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "USER:PASSWORD" in done.stderr
