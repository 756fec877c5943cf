"""The app's options for serving: a password, and a proxy that serves it under a path."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_a_password_keeps_others_out_and_the_page_knows_its_path(free_port: int) -> None:
    options = ["--port", str(free_port), "--auth", "me:secret", "--root-path", "/faces"]
    process = subprocess.Popen([sys.executable, "app.py", *options], cwd=ROOT)
    url = f"http://127.0.0.1:{free_port}"
    cookies = urllib.request.HTTPCookieProcessor(CookieJar())
    browser = urllib.request.build_opener(cookies)
    try:
        for _ in range(240):
            assert process.poll() is None
            try:
                browser.open(url, timeout=5).close()
                break
            except OSError:
                time.sleep(0.25)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            browser.open(f"{url}/config", timeout=30)
        with pytest.raises(urllib.error.HTTPError, match="400"):
            browser.open(f"{url}/login", urlencode({"username": "me", "password": "x"}).encode())
        right = urlencode({"username": "me", "password": "secret"}).encode()
        browser.open(f"{url}/login", right, timeout=30).close()
        with browser.open(f"{url}/config", timeout=30) as response:
            assert b"/faces" in response.read()
    finally:
        process.terminate()
        process.wait(20)


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
