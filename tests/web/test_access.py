"""Who may use our own routes: with and without a login, from our page and from others."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from urllib.parse import urlencode

import pytest
from support.running_app import Server, running_app

TOKEN = "a" * 32
FRAME = "/live/frame?" + urlencode(
    {"run": 1, "n": 1, "time_s": 0, "detector": "mediapipe", "min_score": 0.5, "half_life_s": 0.3}
)
ROUTES = [
    ("POST", FRAME),
    ("GET", "/live/session"),
    ("GET", "/live/report?what=csv"),
    ("GET", "/video/job"),
    ("DELETE", "/video/job"),
]

Opener = urllib.request.OpenerDirector


def status(opener: Opener, url: str, method: str = "GET", **headers: str) -> int:
    """What the server answers to a request with these headers; ``_`` stands for ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = b"no picture" if method == "POST" else None
    request = urllib.request.Request(url, body, named, method=method)
    try:
        with opener.open(request, timeout=30) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Opener]]:
    """An app with a password, and a browser that has logged in."""
    log = tmp_path_factory.mktemp("locked") / "log"
    with running_app(log, "--auth", "me:secret") as app:
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        form = urlencode({"username": "me", "password": "secret"}).encode()
        browser.open(f"{app.url}/login", form, timeout=30).close()
        yield app.url, browser


@pytest.mark.parametrize(("method", "route"), ROUTES)
def test_with_a_password_only_who_logged_in_is_answered(
    locked: tuple[str, Opener], method: str, route: str
) -> None:
    url, browser = locked
    stranger = urllib.request.build_opener()
    assert status(stranger, url + route, method, X_Emotion_Token=TOKEN) == 401
    assert status(browser, url + route, method, X_Emotion_Token=TOKEN) in (200, 202)
    # Gradio's own routes say the same.
    assert status(stranger, f"{url}/config") == 401
    assert status(browser, f"{url}/config") == 200


@pytest.mark.parametrize(("method", "route"), ROUTES)
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"]
)
def test_pages_of_other_sites_are_refused(
    server: Server, locked: tuple[str, Opener], method: str, route: str, origin: str
) -> None:
    url, browser = locked
    for opener, app in ((urllib.request.build_opener(), server.url), (browser, url)):
        assert status(opener, app + route, method, X_Emotion_Token=TOKEN, Origin=origin) == 403
        # A form or a link: it cannot send our header.
        assert status(opener, app + route, method, Origin=origin) == 403
        assert status(opener, app + route, method) == 403
        # A picture or script of another site sends no origin.
        other = {"X_Emotion_Token": TOKEN, "Sec_Fetch_Site": "cross-site"}
        assert status(opener, app + route, method, **other) == 403


def test_our_own_page_is_answered_and_without_a_password_one_that_embeds_it(
    server: Server, locked: tuple[str, Opener]
) -> None:
    url, browser = locked
    stranger = urllib.request.build_opener()
    beside = "http://localhost:1"  # another site of this computer
    for opener, app, expected in ((stranger, server.url, 200), (browser, url, 403)):
        assert status(opener, app + FRAME, "POST", X_Emotion_Token=TOKEN, Origin=app) == 200
        assert status(opener, app + FRAME, "POST", X_Emotion_Token=TOKEN, Origin=beside) == expected


@pytest.mark.parametrize("token", ["short", "a" * 200, "a" * 31 + "/", "ä" * 32])
def test_what_is_no_token_opens_no_session(server: Server, token: str) -> None:
    request = urllib.request.Request(
        server.url + FRAME, b"no picture", {"X-Emotion-Token": token.encode().decode("latin-1")}
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=30)
    assert caught.value.code == 400
    assert "token" in json.load(caught.value)["error"]
    caught.value.close()


def test_a_frame_must_say_what_it_is_and_must_not_be_huge(server: Server) -> None:
    opener = urllib.request.build_opener()
    for wrong in ("n=1", "detector=mediapipe", "min_score=0.5", "half_life_s=0.3", "run=1"):
        url = server.url + FRAME.replace(wrong, wrong.split("=")[0] + "=x")
        assert status(opener, url, "POST", X_Emotion_Token=TOKEN) == 400
    for value in ("nan", "inf", "-1", "2", "null"):
        url = server.url + FRAME.replace("min_score=0.5", f"min_score={value}")
        assert status(opener, url, "POST", X_Emotion_Token=TOKEN) == 400
    big = urllib.request.Request(
        server.url + FRAME, b"\0" * 2_000_001, {"X-Emotion-Token": TOKEN}, method="POST"
    )
    with pytest.raises((urllib.error.HTTPError, ConnectionError)):
        opener.open(big, timeout=30)


def test_the_scripts_need_no_login_as_the_page_itself(locked: tuple[str, Opener]) -> None:
    url, _ = locked
    opener = urllib.request.build_opener()
    assert status(opener, f"{url}/live/js/panel.js") == 200
    assert status(opener, f"{url}/live/js/../webcam.css") == 404
    assert status(opener, f"{url}/live/js/%2e%2e/webcam.css") == 404


def test_the_log_has_no_token(server: Server) -> None:
    status(urllib.request.build_opener(), server.url + FRAME, "POST", X_Emotion_Token="s" * 32)
    assert "s" * 32 not in server.log()
