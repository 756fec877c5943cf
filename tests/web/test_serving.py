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
from support.places import ROOT
from support.running_app import Server, run_app, running_app

IN_CONTAINER = "http://127.0.0.1:7860"

WITHOUT_A_LINK = """
import contextlib, io, json, sys
import app, emotion.web, gradio
def launch(self, **options):
    print(f"share={options['share']} host={options['server_name']}")
    raise SystemExit
gradio.Blocks.launch = launch
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["app.py", *arguments]
    said = io.StringIO()
    with contextlib.suppress(SystemExit), contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        app.main()
    print(ascii(said.getvalue()))
"""
"""Runs ``app.py`` with several sets of arguments, each up to the moment in which Gradio would start."""


def until_launch(*arguments: list[str]) -> list[str]:
    """What ``app.py`` prints before Gradio starts the server, for each of some sets of arguments."""
    done = run_app("-c", WITHOUT_A_LINK, json.dumps(arguments))
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


BOUNDARY = "picture"


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


def test_public_links_and_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A link without a password is warned about; a host that is asked for comes before the variable."""
    monkeypatch.setenv("GRADIO_SERVER_NAME", "0.0.0.0")
    link, protected, local = until_launch(
        ["--share"],
        ["--share", "--auth", "me:secret"],
        ["--host", "127.0.0.1"],
    )
    warning = "Add --auth USER:PASSWORD"
    assert warning in link
    assert "share=True host=0.0.0.0" in link
    assert warning not in protected
    assert "share=True" in protected
    assert "share=False host=127.0.0.1" in local


def test_a_server_that_is_told_to_end_deletes_the_uploads(tmp_path: Path) -> None:
    """Leaving ``running_app`` sends SIGTERM, as ``docker stop`` does."""
    cache = tmp_path / "cache"
    body = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
    ).encode() + (ROOT / "examples" / "astronaut.jpg").read_bytes()
    with running_app(tmp_path / "log", environment={"GRADIO_TEMP_DIR": str(cache)}) as app:
        upload = urllib.request.Request(
            f"{app.url}/gradio_api/upload",
            body + f"\r\n--{BOUNDARY}--\r\n".encode(),
            {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
        )
        with urllib.request.urlopen(upload, timeout=30) as response:
            [uploaded] = map(Path, json.load(response))
        assert uploaded.is_relative_to(cache)
        assert uploaded.is_file()
    assert not uploaded.exists()


@pytest.mark.parametrize("text", ["me", "me:", ":secret"])
def test_half_a_password_is_refused(text: str) -> None:
    done = run_app("app.py", "--auth", text)
    assert done.returncode == 2
    assert "USER:PASSWORD" in done.stderr
