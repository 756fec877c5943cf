"""No usage report, no download, no look-up: nothing leaves the machine while the program is used."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.places import ROOT
from support.running_app import free_port, running_app

from emotion.faces import DETECTORS
from emotion.weights.find import shipped_weights

PROMISES = ("ANALYTICS", "TELEMETRY", "OFFLINE", "DO_NOT_TRACK")
"""Switches in the environment of whoever runs the tests, which must not be what keeps us quiet."""

APP_SESSION = """
    import os, subprocess, sys, time
    from urllib.request import urlopen

    port, picture, *detectors = sys.argv[1:]
    address = f"http://127.0.0.1:{port}/"
    app = subprocess.Popen([sys.executable, "app.py", "--port", port])
    try:
        for _ in range(240):
            try:
                urlopen(address, timeout=5).read()
                break
            except OSError:
                assert app.poll() is None, "the app ended"
                time.sleep(0.5)
        # Gradio's client looks its user up at the Hub; it is the app that must be silent.
        os.environ["HF_HUB_OFFLINE"] = "1"
        from gradio_client import Client, handle_file

        client = Client(address, verbose=False, analytics_enabled=False)
        for detector in detectors:
            answer = client.predict(handle_file(picture), detector, api_name="/analyze")
            print(detector, answer)
    finally:
        app.terminate()
        app.wait(30)
"""


@dataclass(frozen=True)
class Watched:
    """What a command did, and whom it tried to reach."""

    status: int
    output: str
    attempts: list[str]
    unrouted: int | None


def watch(report: Path, *command: str) -> Watched:
    """Run a command under ``network_watch.py``."""
    environment = {
        key: value
        for key, value in os.environ.items()
        if not any(promise in key for promise in PROMISES)
    }
    result = subprocess.run(
        [
            sys.executable,
            str(ROOT / "tests" / "support" / "network_watch.py"),
            str(report),
            *command,
        ],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=400,
    )
    seen = json.loads(report.read_text())
    return Watched(result.returncode, result.stdout, seen["attempts"], seen["unrouted"])


def assert_nothing_left(watched: Watched) -> None:
    assert watched.status == 0, watched.output
    assert watched.attempts == []
    assert not watched.unrouted, f"{watched.unrouted} packets had nowhere to go\n{watched.output}"


@pytest.mark.parametrize(
    "call", ["socket.getaddrinfo('example.org', 443)", "socket.socket().connect(('192.0.2.1', 9))"]
)
def test_the_watchers_notice(call: str, tmp_path: Path) -> None:
    """192.0.2.1 is an address for documentation: nobody lives there."""
    code = f"import socket; socket.setdefaulttimeout(1)\ntry: {call}\nexcept OSError: pass"
    watched = watch(tmp_path / "report.json", sys.executable, "-c", code)
    assert watched.status == 0
    assert len(watched.attempts) == 1
    if watched.unrouted is not None and "connect" in call:
        assert watched.unrouted > 0


@pytest.mark.parametrize("detector", DETECTORS)
def test_analyze_stays_offline(detector: str, portrait: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "emotion", "analyze", str(portrait), "--detector", detector]
    watched = watch(tmp_path / "report.json", *command)
    assert_nothing_left(watched)
    assert "1 face" in watched.output


def test_doctor_stays_offline_and_finds_this_installation_sound(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "emotion", "doctor", "--json"]
    watched = watch(tmp_path / "report.json", *command)
    assert_nothing_left(watched)
    lines = [line for line in watched.output.splitlines() if line.startswith("{")]
    checks = {check["name"]: check for check in map(json.loads, lines)}
    assert [check for check in checks.values() if not check["ok"]] == []
    expected = {"python", "opencv", "gradio", "weights", "disk", "browser"}
    expected |= {f"detector {name}" for name in DETECTORS}
    expected |= {f"weights {name}" for name in shipped_weights()}
    assert set(checks) >= expected | {"runtime litert", "runtime keras"}


def test_the_app_stays_offline(portrait: Path, tmp_path: Path) -> None:
    session = [sys.executable, "-c", textwrap.dedent(APP_SESSION), str(free_port()), str(portrait)]
    watched = watch(tmp_path / "report.json", *session, *DETECTORS)
    assert_nothing_left(watched)


def test_the_page_asks_no_other_server(portrait: Path, chromium: str, tmp_path: Path) -> None:
    """No font, script or picture from elsewhere, even in a browser that could reach it."""
    from playwright.sync_api import sync_playwright

    asked: list[str] = []
    with running_app(tmp_path / "log") as app, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.route(re.compile(r"^https?://(?!127\.0\.0\.1)"), lambda route: route.abort())
        page.goto(app.url)
        page.get_by_role("tab").first.wait_for(timeout=60_000)
        page.locator("img").first.wait_for(state="attached")
        browser.close()
    foreign = [url for url in asked if not url.startswith((app.url, "data:", "blob:"))]
    assert len(asked) > 10
    assert foreign == []
