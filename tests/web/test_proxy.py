"""Behind a real nginx, under a path, with the very lines of docs/serving.md."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from playwright.sync_api import Browser, Request, expect
from support.browser import PATIENCE_MS
from support.places import ROOT
from support.programs import find_program
from support.running_app import free_port, running_app, wait_for

DOCUMENT = ROOT / "docs" / "serving.md"

AROUND = """
daemon off; pid {folder}/pid; error_log {folder}/error.log; {user}
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        {location}
    }}
}}
"""


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app's address as the proxy gives it."""
    nginx = find_program(("nginx", "/usr/sbin/nginx"), "proxy test", "nginx-light")
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    [location] = re.findall(r"```nginx\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    with running_app(folder / "log", "--root-path", "/faces") as app:
        assert "http://127.0.0.1:7860" in location
        config = AROUND.format(
            folder=folder,
            port=port,
            user="user root;" if folder.owner() == "root" else "",
            location=location.replace("http://127.0.0.1:7860", app.url),
        )
        (folder / "nginx.conf").write_text(config, encoding="utf-8")
        process = subprocess.Popen(
            [nginx, "-c", str(folder / "nginx.conf"), "-p", str(folder)],
            stderr=subprocess.DEVNULL,
        )
        url = f"http://127.0.0.1:{port}/faces/"
        try:
            wait_for(process, url, folder / "error.log")
            yield url
        finally:
            process.terminate()
            process.wait(20)


def test_another_program_gets_its_answer(proxied: str, portrait: Path) -> None:
    client = Client(proxied, verbose=False)
    answer = client.predict(handle_file(str(portrait)), "mediapipe", 0.5, api_name="/analyze")
    assert [face["label"] for face in answer["faces"]] == ["happy"]


def test_the_page_is_whole_and_answers(proxied: str, browser: Browser, portrait: Path) -> None:
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    failed: list[str] = []
    page.on(
        "response",
        lambda got: failed.append(f"{got.status} {got.url}") if got.status >= 400 else None,
    )

    def on_failure(request: Request) -> None:
        # Gradio's script ends the stream of answers itself when it has them all.
        if "/queue/data" not in request.url or request.failure != "net::ERR_ABORTED":
            failed.append(f"{request.failure} {request.url}")

    page.on("requestfailed", on_failure)
    page.goto(f"{proxied}model")
    expect(page.locator("#model-headline")).to_be_visible()
    assert page.url.startswith(f"{proxied}?")
    page.get_by_role("tab", name="Image").click()
    page.locator("#picture input[type=file]").set_input_files(portrait)
    expect(page.locator("#results")).to_contain_text("happy", timeout=PATIENCE_MS)
    expect(page.locator("#annotated img")).to_be_visible()
    page.close()
    assert failed == []
